// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// libraryTolerance is that of losses (relative) and gradients (relative L2) against pytorch-metric-learning in float64: float32 differs by about 1e-6 here, and by 1e-5
// where a loss is the small difference of large distances.
const libraryTolerance = 1e-4

// nearZero is the value, or the norm of a gradient, below which differences are relative to this instead: FastAP without negatives is 0 up to rounding.
const nearZero = 1e-2

// libraryVectors reads losses.safetensors of testdata/reference/make_losses.py, from the folder in IDML_REFERENCE if that has one.
func libraryVectors(t *testing.T) *weights.File {
	t.Helper()
	name := filepath.Join("..", "testdata", "reference", "losses.safetensors")
	if other := filepath.Join(os.Getenv("IDML_REFERENCE"), "losses.safetensors"); os.Getenv("IDML_REFERENCE") != "" {
		if _, err := os.Stat(other); err == nil {
			name = other
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// Each plain loss with its default settings, and its gradients by images and proxies, are those of pytorch-metric-learning.
func TestLossesAgainstLibrary(t *testing.T) {
	f := libraryVectors(t)
	var outputs []string // NAME, NAME.dX and, with proxies, NAME.dP
	program := func(in []*Node) (out []*Node) {
		x, labels, proxies, uniform := in[0], in[1], in[2], in[3]
		outputs = nil
		for _, name := range LossNames() {
			c, err := DefaultLoss(name)
			if err != nil {
				t.Fatal(err)
			}
			l, err := NewLoss(c)
			if err != nil {
				t.Fatal(err)
			}
			input := LossInput{Embedding: Embedding{Semantic: normalizeRows(x), Uncertainty: ZerosLike(x)}, Labels: labels, Proxies: proxies, Uniform: uniform}
			by, names := []*Node{x}, []string{name, name + ".dX"}
			if l.HasProxies() {
				by, names = append(by, proxies), append(names, name+".dP")
			}
			loss := l.Value(Metric{Plain, DefaultTau}, input)
			out, outputs = append(append(out, loss), Gradient(loss, by...)...), append(outputs, names...)
		}
		return out
	}
	exec, err := NewExec(backendtest.Open(t), program)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	cases, worst := 0, 0.0
	for _, tensor := range f.Tensors {
		name, ok := strings.CutSuffix(tensor.Name, ".X")
		if !ok {
			continue
		}
		cases++
		out, err := exec.Call(input(t, f, name+".X"), input(t, f, name+".y"), input(t, f, name+".P"), input(t, f, name+".uniform"))
		if err != nil {
			t.Fatal(err)
		}
		for i, output := range outputs {
			got, want := tensors.MustCopyFlatData[float32](out[i]), floats(t, f, name+"."+output)
			r := differenceNorm(got, want) / max(differenceNorm(want, make([]float32, len(want))), nearZero)
			if worst = max(worst, r); !(r <= libraryTolerance) {
				t.Errorf("%s.%s: relative difference %.3g, want at most %g", name, output, r, libraryTolerance)
			}
		}
	}
	if cases == 0 {
		t.Error("the reference has no case")
	}
	t.Logf("largest relative difference of %d batches: %.2g", cases, worst)
}

// differenceNorm returns ‖a − b‖, infinite if the lengths differ.
func differenceNorm(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	return math.Sqrt(squared(a, b, -1))
}
