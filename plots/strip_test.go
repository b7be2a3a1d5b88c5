// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"errors"
	"image"
	"math"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestStrip(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewStrip, t, delta, "strip.png")
}

func TestNewStripErrors(t *testing.T) {
	bands, err := plots.NewBands("x", "y", plots.Band{X: []float64{0, 1}, Y: []float64{0, 1}})
	ready(t, err)
	row := plots.StripRow{Images: make([]image.Image, 2)}
	for name, test := range map[string]struct {
		x    []float64
		rows []plots.StripRow
		none bool
	}{
		"no row":     {[]float64{0, 1}, nil, true},
		"one x":      {[]float64{0}, []plots.StripRow{{Images: make([]image.Image, 1)}}, true},
		"descending": {[]float64{1, 0}, []plots.StripRow{row}, false},
		"NaN":        {[]float64{math.NaN(), 1}, []plots.StripRow{row}, false},
		"equal":      {[]float64{1, 1}, []plots.StripRow{row}, false},
		"more x":     {[]float64{0, 1, 2}, []plots.StripRow{row}, false},
	} {
		if _, err := plots.NewStrip(test.x, bands, test.rows...); err == nil || errors.Is(err, plots.ErrNoData) != test.none {
			t.Errorf("%s: %v", name, err)
		}
	}
}
