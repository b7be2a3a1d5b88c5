// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"bytes"
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// Tolerances of relative L2 against PyTorch in float64: float32 differs by about 1e-6 in a network this small.
const (
	featureTolerance  = 1e-5
	gradientTolerance = 1e-3
)

// torchFile is a file of testdata/make_reference.py.
type torchFile struct{ *weights.File }

func readTorch(t *testing.T, name string) torchFile {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return torchFile{f}
}

func (f torchFile) tensor(t *testing.T, name string) *tensors.Tensor {
	t.Helper()
	a, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("the file has no tensor %q", name)
	}
	v, err := a.Float32()
	if err != nil {
		t.Fatal(err)
	}
	return tensors.FromFlatDataAndDimensions(v, a.Shape...)
}

// difference returns the L2 norms of what a result differs from the file's tensor by, and of the tensor.
func (f torchFile) difference(t *testing.T, name string, got *tensors.Tensor) (diff, norm float64) {
	t.Helper()
	want := tensors.MustCopyFlatData[float32](f.tensor(t, name))
	values := tensors.MustCopyFlatData[float32](got)
	if len(values) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(values), len(want))
	}
	for i, v := range values {
		d := float64(v) - float64(want[i])
		diff, norm = diff+d*d, norm+float64(want[i])*float64(want[i])
	}
	return math.Sqrt(diff), math.Sqrt(norm)
}

// expect compares a result with the file's tensor by relative L2. NaN never passes.
func (f torchFile) expect(t *testing.T, name string, got *tensors.Tensor, tolerance float64) {
	t.Helper()
	if diff, norm := f.difference(t, name, got); !(diff <= tolerance*norm) {
		t.Errorf("%s: relative L2 difference %.3g, want at most %g", name, diff/norm, tolerance)
	}
}

// A network of basic blocks: features with either statistics, the statistics it leaves, and the gradients of all arrays and the images.
func TestBasicNetworkAgainstPyTorch(t *testing.T) {
	f, c := readTorch(t, "basic.safetensors"), Config{ImageNetStem, Basic, 4, []int{2, 1, 1, 1}, 0}
	arrays := c.Arrays()
	var args []any
	for _, a := range arrays {
		args = append(args, f.tensor(t, "weights."+a.Name))
	}
	args = append(args, f.tensor(t, "images"), f.tensor(t, "w"))
	moved := []string{"layer3.0.downsample.1.running_mean", "layer3.0.downsample.1.running_var"}
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
		p, trained := bind(arrays, in)
		nchw, w := in[len(in)-2], in[len(in)-1]
		images := TransposeAllAxes(nchw, 0, 2, 3, 1)
		features := TransposeAllAxes(c.Features(p, images, StoredStatistics), 0, 3, 1, 2)
		train := TransposeAllAxes(c.Features(p, images, BatchStatistics), 0, 3, 1, 2)
		gradients := Gradient(ReduceAllSum(Mul(features, w)), append([]*Node{nchw}, trained...)...)
		return append([]*Node{features, train, p.moved[moved[0]], p.moved[moved[1]]}, gradients...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	f.expect(t, "features", out[0], featureTolerance)
	f.expect(t, "train_features", out[1], featureTolerance)
	for i, name := range moved {
		f.expect(t, "moved."+name, out[2+i], featureTolerance)
	}
	f.expect(t, "gradients.images", out[4], gradientTolerance)
	gradients := out[5:]
	for _, a := range arrays {
		if a.Kind != RunningMean && a.Kind != RunningVariance {
			f.expect(t, "gradients."+a.Name, gradients[0], gradientTolerance)
			gradients = gradients[1:]
		}
	}
}
