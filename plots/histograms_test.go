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

func TestHistograms(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewHistograms, t, delta, "histograms.png")
}

func TestNewHistogramsErrors(t *testing.T) {
	a, b := plots.Group{Name: "a", Values: []float64{1, 2}}, plots.Group{Name: "b", Values: []float64{3}}
	six := []plots.Group{a, a, a, a, a, a}
	for name, test := range map[string]struct {
		panels []plots.HistogramPanel
		want   error
	}{
		"no panel":           {nil, plots.ErrNoData},
		"no value":           {[]plots.HistogramPanel{{Name: "p", Groups: []plots.Group{{Name: "a"}}}}, plots.ErrNoData},
		"NaN":                {[]plots.HistogramPanel{{Groups: []plots.Group{{Name: "a", Values: []float64{math.NaN()}}}}}, plots.ErrNotFinite},
		"other names":        {[]plots.HistogramPanel{{Groups: []plots.Group{a, b}}, {Groups: []plots.Group{b, a}}}, nil},
		"more than can part": {[]plots.HistogramPanel{{Groups: six}}, nil},
	} {
		if _, err := plots.NewHistograms("u", test.panels...); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// All panels have the axis of all values.
func TestHistogramsShareTheAxis(t *testing.T) {
	panel := func(name string, values ...float64) plots.HistogramPanel {
		return plots.HistogramPanel{Name: name, Groups: []plots.Group{{Name: "a", Values: values}}}
	}
	f, err := plots.NewHistograms("u", panel("low", 0, 1), panel("high", 90, 100))
	ready(t, err)
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, tick := range []string{">0</text>", ">100</text>"} {
		if got := strings.Count(svg.String(), tick); got != 2 {
			t.Errorf("%d ticks %s, want one in each panel", got, tick)
		}
	}
}
