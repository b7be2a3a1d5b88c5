// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestDifferences(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewDifferences, t, delta, "differences.png")
}

func TestDifferencesNumbers(t *testing.T) {
	f, err := plots.NewDifferences("x", []plots.Contrast{
		{Name: "up", Mean: 0.126, Values: []float64{0.1}, Thick: [2]float64{0.1, 0.2}, Thin: [2]float64{-0.05, 0.3}}, {Name: "none", Mean: -0.001},
	})
	ready(t, err)
	f.Digits = 2
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, want := range []string{"+0.13 [−0.05, +0.30]", "0.00 [0.00, 0.00]", ">up<", ">none<", ">thick line<", ">a seed<"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
}

func TestNewDifferencesErrors(t *testing.T) {
	if _, err := plots.NewDifferences("x", nil); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no contrasts: %v", err)
	}
	for _, bad := range []plots.Contrast{
		{Name: "a", Mean: math.NaN()},
		{Name: "a", Values: []float64{math.Inf(1)}},
		{Name: "a", Thick: [2]float64{0, math.NaN()}},
		{Name: "a", Thin: [2]float64{math.NaN(), 0}},
	} {
		if _, err := plots.NewDifferences("x", []plots.Contrast{bad}); !errors.Is(err, plots.ErrNotFinite) || !strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
