// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// random returns n values from N(mean, 1).
func random(seed uint64, n int, mean float64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 9))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + rng.NormFloat64())
	}
	return v
}

// near reports the first value that differs from the wanted by more than the tolerance, relative to 1 + |want|.
func near(t *testing.T, name string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(float64(got[i])-want[i]) <= tolerance*(1+math.Abs(want[i]))) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got[i], want[i])
			return
		}
	}
}

// layer is the naive batch normalization of one layer.
type layer struct{ weight, bias, mean, variance []float64 }

// normalize returns the output for x [n, channels], and the gradient of Σ y·dy for x, in PyTorch's train or eval mode. In train
// mode it moves the running statistics.
func (l *layer) normalize(x, dy []float64, train bool) (y, dx []float64) {
	channels := len(l.weight)
	n := float64(len(x) / channels)
	y, dx = make([]float64, len(x)), make([]float64, len(x))
	for c := range channels {
		mean, variance := l.mean[c], l.variance[c]
		if train {
			mean, variance = 0, 0
			for i := c; i < len(x); i += channels {
				mean += x[i] / n
			}
			for i := c; i < len(x); i += channels {
				variance += (x[i] - mean) * (x[i] - mean) / n
			}
			l.mean[c] = 0.9*l.mean[c] + 0.1*mean
			l.variance[c] = 0.9*l.variance[c] + 0.1*variance*n/(n-1)
		}
		root := math.Sqrt(variance + 1e-5)
		var dyMean, product float64
		for i := c; i < len(x); i += channels {
			z := (x[i] - mean) / root
			y[i] = z*l.weight[c] + l.bias[c]
			dyMean += dy[i] / n
			product += dy[i] * z / n
		}
		for i := c; i < len(x); i += channels {
			dx[i] = l.weight[c] / root * dy[i]
			if train {
				dx[i] = l.weight[c] / root * (dy[i] - dyMean - (x[i]-mean)/root*product)
			}
		}
	}
	return y, dx
}

func wide(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// normed are the nodes of one layer "bn".
type normed struct{ values, moved map[string]*Node }

func (n normed) Value(name string) *Node { return n.values[name] }

func (n normed) SetValue(name string, value *Node) { n.moved[name] = value }

// Several steps, each with the statistics that the one before left.
func TestBatchNormAgainstNaive(t *testing.T) {
	const batch, height, width, channels = 3, 2, 4, 5
	size := batch * height * width * channels
	for name, norm := range map[string]BatchNorm{"batch": BatchStatistics, "stored": StoredStatistics} {
		exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
			p := normed{map[string]*Node{"bn.weight": in[2], "bn.bias": in[3], "bn.running_mean": in[4], "bn.running_var": in[5]}, map[string]*Node{}}
			y := norm.apply(p, "bn", in[0])
			out := []*Node{y, Gradient(ReduceAllSum(Mul(y, in[1])), in[0])[0]}
			if norm == BatchStatistics {
				return append(out, p.moved["bn.running_mean"], p.moved["bn.running_var"])
			}
			if len(p.moved) > 0 {
				t.Errorf("stored statistics are moved: %v", p.moved)
			}
			return append(out, in[4], in[5])
		})
		if err != nil {
			t.Fatal(err)
		}
		weight, bias := random(1, channels, 1), random(2, channels, 0)
		mean, variance := random(3, channels, 0), []float32{0.5, 1, 2, 0, 3}
		naive := &layer{wide(weight), wide(bias), wide(mean), wide(variance)}
		row := func(v []float32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(v, len(v)) }
		for step := range 4 {
			x, dy := random(uint64(10+step), size, float64(3*step)), random(uint64(20+step), size, 0)
			out, err := exec.Call(tensors.FromFlatDataAndDimensions(x, batch, height, width, channels),
				tensors.FromFlatDataAndDimensions(dy, batch, height, width, channels), row(weight), row(bias), row(mean), row(variance))
			if err != nil {
				t.Fatal(err)
			}
			y, dx := naive.normalize(wide(x), wide(dy), norm == BatchStatistics)
			near(t, name+": output", tensors.MustCopyFlatData[float32](out[0]), y, 1e-4)
			near(t, name+": gradient", tensors.MustCopyFlatData[float32](out[1]), dx, 1e-4)
			mean, variance = tensors.MustCopyFlatData[float32](out[2]), tensors.MustCopyFlatData[float32](out[3])
			near(t, name+": running mean", mean, naive.mean, 1e-5)
			near(t, name+": running variance", variance, naive.variance, 1e-5)
		}
		exec.Finalize()
	}
}
