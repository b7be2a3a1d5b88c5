// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// The small networks of testdata/{basic,pyramid}_steps.safetensors. Of the pyramid's inner widths, 4 + 1.5·i, two are halves.
var (
	smallBasic   = Config{Stem: SmallStem, Block: Basic, Width: 4, Blocks: []int{1, 1}}
	smallPyramid = Config{Stem: SmallStem, Block: Pyramid, Width: 4, Blocks: []int{1, 2, 1}, Widening: 6}
)

// stepsRate is the rate of the gradient descent in the files.
const stepsRate = 0.5

// stepper computes one step of a network on a file's images.
type stepper struct {
	f      torchFile
	arrays []Array
	exec   *Exec
}

// bind makes nodes the values of the arrays, and lists the trained ones.
func bind(arrays []Array, in []*Node) (p normed, trained []*Node) {
	p = normed{map[string]*Node{}, map[string]*Node{}}
	for i, a := range arrays {
		p.values[a.Name] = in[i]
		if a.Kind != RunningMean && a.Kind != RunningVariance {
			trained = append(trained, in[i])
		}
	}
	return p, trained
}

// backward returns each array's gradient of the mean of features·w or, of a statistic, its next value.
func backward(features, w *Node, arrays []Array, p normed, trained []*Node) (out []*Node) {
	gradients := Gradient(ReduceAllMean(Mul(features, w)), trained...)
	for _, a := range arrays {
		if moved := p.moved[a.Name]; moved != nil {
			out = append(out, moved)
		} else {
			out, gradients = append(out, gradients[0]), gradients[1:]
		}
	}
	return out
}

// newStepper's program maps the arrays, images [batch, 3, height, width] and w to the feature maps with stored statistics and with the
// batch's, and to what backward returns.
func newStepper(t *testing.T, f torchFile, c Config, dtype dtypes.DType) stepper {
	t.Helper()
	arrays := c.Arrays()
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
		p, trained := bind(arrays, in)
		images := ConvertDType(TransposeAllAxes(in[len(arrays)], 0, 2, 3, 1), dtype)
		features := func(norm BatchNorm) *Node {
			y := c.Features(p, images, norm)
			if y.DType() != dtype {
				t.Errorf("the feature maps are of type %s, want %s", y.DType(), dtype)
			}
			return ConvertDType(TransposeAllAxes(y, 0, 3, 1, 2), dtypes.Float32)
		}
		out := []*Node{features(StoredStatistics), features(BatchStatistics)}
		return append(out, backward(out[1], in[len(arrays)+1], arrays, p, trained)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return stepper{f, arrays, exec}
}

// step returns the program's results on the images of step i.
func (s stepper) step(t *testing.T, values []*tensors.Tensor, i int) []*tensors.Tensor {
	t.Helper()
	var args []any
	for _, v := range values {
		args = append(args, v)
	}
	out, err := s.exec.Call(append(args, s.f.tensor(t, fmt.Sprint(i, ".images")), s.f.tensor(t, "w"))...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// start returns the arrays as the file has them before the first step.
func (s stepper) start(t *testing.T) (values []*tensors.Tensor) {
	t.Helper()
	for _, a := range s.arrays {
		values = append(values, s.f.tensor(t, "weights."+a.Name))
	}
	return values
}

// gradientNorm is the L2 norm of step i's gradient of all arrays in the file.
func (s stepper) gradientNorm(t *testing.T, i int) float64 {
	t.Helper()
	sum := 0.0
	for _, a := range s.arrays {
		if a.Kind != RunningMean && a.Kind != RunningVariance {
			for _, v := range tensors.MustCopyFlatData[float32](s.f.tensor(t, fmt.Sprintf("%d.gradients.%s", i, a.Name))) {
				sum += float64(v) * float64(v)
			}
		}
	}
	return math.Sqrt(sum)
}

// Three steps of training, each from the arrays that the one before left: feature maps with both statistics, all gradients and all
// statistics are PyTorch's. The images have odd sides. Where a later batch normalization takes an array's effect away, as that of a shift,
// its gradient is 0 but for rounding, which is then compared with a hundredth of the whole gradient.
func TestStepsAgainstPyTorch(t *testing.T) {
	for name, c := range map[string]Config{"basic": smallBasic, "pyramid": smallPyramid} {
		s := newStepper(t, readTorch(t, name+"_steps.safetensors"), c, dtypes.Float32)
		values := s.start(t)
		for i := range 3 {
			out := s.step(t, values, i)
			s.f.expect(t, fmt.Sprint(i, ".stored"), out[0], featureTolerance)
			s.f.expect(t, fmt.Sprint(i, ".features"), out[1], featureTolerance)
			whole := s.gradientNorm(t, i)
			for j, a := range s.arrays {
				if a.Kind == RunningMean || a.Kind == RunningVariance {
					s.f.expect(t, fmt.Sprintf("%d.moved.%s", i, a.Name), out[2+j], featureTolerance)
					values[j] = out[2+j]
					continue
				}
				diff, norm := s.f.difference(t, fmt.Sprintf("%d.gradients.%s", i, a.Name), out[2+j])
				if !(diff <= gradientTolerance*max(norm, whole/100)) {
					t.Errorf("%s: step %d: the gradient of %s, of norm %.3g, differs by %.3g", name, i, a.Name, norm, diff)
				}
				value, gradient := tensors.MustCopyFlatData[float32](values[j]), tensors.MustCopyFlatData[float32](out[2+j])
				for k := range value {
					value[k] -= stepsRate * gradient[k]
				}
				values[j] = tensors.FromFlatDataAndDimensions(value, a.Shape...)
			}
		}
	}
}

// In bfloat16 the feature maps and the gradient of all arrays are near PyTorch's in float64, and gradients and statistics stay float32. A
// ReLU that switches at a rounded value weighs much in a network this small: PyTorch's own autocast differs by 0.026 in the feature maps and
// by 0.37 in the gradient. A gradient that lost a term differs by about 1.
func TestBFloat16Step(t *testing.T) {
	const featureTolerance, gradientTolerance = 0.05, 0.6
	s := newStepper(t, readTorch(t, "pyramid_steps.safetensors"), smallPyramid, dtypes.BFloat16)
	out := s.step(t, s.start(t), 0)
	s.f.expect(t, "0.stored", out[0], featureTolerance)
	s.f.expect(t, "0.features", out[1], featureTolerance)
	if diff, norm := s.f.difference(t, "0.features", out[1]); diff < featureTolerance/100*norm {
		t.Errorf("the feature maps differ by %.2g, too little for bfloat16", diff/norm)
	}
	sum := 0.0
	for j, a := range s.arrays {
		if out[2+j].DType() != dtypes.Float32 {
			t.Errorf("%s gets a %s", a.Name, out[2+j].DType())
		}
		if a.Kind == RunningMean || a.Kind == RunningVariance {
			s.f.expect(t, "0.moved."+a.Name, out[2+j], featureTolerance)
			continue
		}
		diff, _ := s.f.difference(t, "0.gradients."+a.Name, out[2+j])
		sum += diff * diff
	}
	if r := math.Sqrt(sum) / s.gradientNorm(t, 0); !(r <= gradientTolerance) {
		t.Errorf("the gradient differs by %.2g, want at most %g", r, gradientTolerance)
	}
}
