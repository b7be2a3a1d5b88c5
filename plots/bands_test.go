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

func TestBands(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewBands, t, delta, "bands.png")
}

// A point alone, and lines without intervals, are drawn.
func TestBandsOfLittle(t *testing.T) {
	for _, b := range []plots.Band{
		{Name: "one", X: []float64{1}, Y: []float64{2}, Low: []float64{1}, High: []float64{3}},
		{Name: "level", X: []float64{0, 1}, Y: []float64{0.5, 0.5}},
	} {
		f, err := plots.NewBands("x", "y", b)
		ready(t, err)
		f.WholeX = true
		var svg bytes.Buffer
		ready(t, plots.WriteSVG(&svg, f))
		if !strings.Contains(svg.String(), b.Name) || strings.Contains(svg.String(), "NaN") {
			t.Errorf("%s: %.200s", b.Name, svg.String())
		}
	}
}

func TestNewBandsErrors(t *testing.T) {
	two := []float64{1, 2}
	for name, test := range map[string]struct {
		band plots.Band
		want error
	}{
		"no points":         {plots.Band{}, plots.ErrNoData},
		"NaN":               {plots.Band{X: two, Y: []float64{1, math.NaN()}}, plots.ErrNotFinite},
		"an infinite bound": {plots.Band{X: two, Y: two, Low: two, High: []float64{1, math.Inf(1)}}, plots.ErrNotFinite},
		"fewer y":           {plots.Band{X: two, Y: two[:1]}, nil},
		"one bound":         {plots.Band{X: two, Y: two, Low: two}, nil},
		"fewer bounds":      {plots.Band{X: two, Y: two, Low: two[:1], High: two[:1]}, nil},
	} {
		if _, err := plots.NewBands("x", "y", test.band); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
