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

func TestScatter(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewScatter, t, delta, "scatter.png")
}

// One dot, and dots of one size and place, are drawn; where all groups have colors there are no others.
func TestScatterOfLittle(t *testing.T) {
	dot := plots.Dot{At: [][2]float64{{1, 1}}, Group: "a", Size: 2}
	for _, dots := range [][]plots.Dot{{dot}, {dot, dot, dot}} {
		f, err := plots.NewScatter("u", []string{"plane"}, dots, "a")
		ready(t, err)
		var svg bytes.Buffer
		ready(t, plots.WriteSVG(&svg, f))
		if strings.Contains(svg.String(), "NaN") || strings.Contains(svg.String(), "other classes") || !strings.Contains(svg.String(), "plane") {
			t.Errorf("%.300s", svg.String())
		}
	}
}

func TestNewScatterErrors(t *testing.T) {
	dot := plots.Dot{At: [][2]float64{{0, 1}}, Size: 1}
	for name, test := range map[string]struct {
		panels []string
		dot    plots.Dot
		groups int
		want   error
	}{
		"no panel":        {nil, dot, 0, plots.ErrNoData},
		"fewer places":    {[]string{"a", "b"}, dot, 0, nil},
		"NaN":             {[]string{"a"}, plots.Dot{At: [][2]float64{{0, math.NaN()}}}, 0, plots.ErrNotFinite},
		"infinite size":   {[]string{"a"}, plots.Dot{At: [][2]float64{{0, 0}}, Size: math.Inf(1)}, 0, plots.ErrNotFinite},
		"too many groups": {[]string{"a"}, dot, plots.MostGroups + 1, nil},
	} {
		if _, err := plots.NewScatter("u", test.panels, []plots.Dot{test.dot}, make([]string, test.groups)...); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := plots.NewScatter("u", []string{"a"}, nil); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no dots: %v", err)
	}
}
