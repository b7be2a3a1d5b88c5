// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

// delta is how much a pixel may differ from the golden image's: floating-point
// arithmetic isn't the same on all processors.
const delta = 0.02

func TestCurves(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewCurves, t, delta, "curves.png")
}

func TestNewCurvesErrors(t *testing.T) {
	nan := math.NaN()
	line := func(x, y []float64) []plots.Series { return []plots.Series{{Name: "s", X: x, Y: y}} }
	tests := []struct {
		name   string
		panels []plots.Panel
		want   error // nil: any error
	}{
		{"no panel", nil, plots.ErrNoData},
		{"no series", []plots.Panel{{YLabel: "y"}}, plots.ErrNoData},
		{"no finite point", []plots.Panel{{Series: line([]float64{1}, []float64{nan})}}, plots.ErrNoData},
		{"x is NaN", []plots.Panel{{Series: line([]float64{nan}, []float64{1})}}, plots.ErrNotFinite},
		{"rule is infinite", []plots.Panel{{Series: line([]float64{1}, []float64{1}), Rules: []plots.Rule{{Y: math.Inf(1)}}}}, plots.ErrNotFinite},
		{"lengths differ", []plots.Panel{{Series: line([]float64{1, 2}, []float64{1})}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := plots.NewCurves("epoch", tt.panels...)
			if err == nil || f != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", f, err, tt.want)
			}
		})
	}
}

func TestNewCurvesCopies(t *testing.T) {
	y := []float64{1, 2}
	rules := []plots.Rule{{Name: "r", Y: 1}}
	series := []plots.Series{{Name: "s", X: []float64{1, 2}, Y: y}}
	f, err := plots.NewCurves("epoch", plots.Panel{Series: series, Rules: rules})
	ready(t, err)
	y[0], rules[0].Y, series[0].Name = 9, 9, "t"
	if p := f.Panels[0]; p.Series[0].Y[0] != 1 || p.Rules[0].Y != 1 || p.Series[0].Name != "s" {
		t.Errorf("the figure shares the caller's data: %+v", p)
	}
}
