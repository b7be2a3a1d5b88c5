// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// Activations have the values and the derivatives of their formulas, also where exp overflows, at 0, and for NaN.
func TestActivations(t *testing.T) {
	backend := backendtest.Open(t)
	nan := math.NaN()
	in := []float32{-200, -3, -0.5, 0, 0.5, 3, 200, float32(nan)}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	positive := func(x float64) float64 {
		if x > 0 {
			return 1
		}
		return 0
	}
	for _, test := range []struct {
		a                 Activation
		value, derivative func(x float64) float64
	}{
		{NoActivation, func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
		{ReLUActivation, func(x float64) float64 { return max(x, 0) }, positive},
		{SoftplusActivation, func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, sigmoid},
		{TanhActivation, math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }},
	} {
		exec := graph.MustNewExec(backend, func(x *graph.Node) []*graph.Node {
			y := test.a.apply(x)
			return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(y), x)[0]}
		})
		out := exec.MustCall(tensors.FromValue(in))
		values, derivatives := out[0].Value().([]float32), out[1].Value().([]float32)
		for i, x := range in {
			if got, want := float64(values[i]), test.value(float64(x)); !near(got, want) {
				t.Errorf("%s(%v) = %v, want %v", test.a, x, got, want)
			}
			if got, want := float64(derivatives[i]), test.derivative(float64(x)); x == x && !near(got, want) {
				t.Errorf("%s'(%v) = %v, want %v", test.a, x, got, want)
			}
		}
	}
}

// near tells whether numbers are equal but for float32's rounding, or both NaN.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-5*(1+math.Abs(want)) || math.IsNaN(got) && math.IsNaN(want)
}
