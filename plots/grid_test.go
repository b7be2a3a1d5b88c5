// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestGrid(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewGrid, t, delta, "grid.png")
}

func TestGridWritesItsNumbers(t *testing.T) {
	f, err := plots.NewGrid([]plots.Query{
		{Image: shape(3, 0, 9), Uncertainty: 1.234, Note: "blur 0.50", Hits: []plots.Hit{{shape(4, 0, 9), true, 0.526, 12.34, -0.5}}},
		{Uncertainty: math.NaN(), Hits: []plots.Hit{{nil, false, 1, 2, 3}, {nil, false, 0.001234, 123.4, math.Inf(1)}}},
	})
	ready(t, err)
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, want := range []string{"u = 1.23<", "blur 0.50", "α 0.53", "β 12.3", "s −0.50", "u = –", "α 0.0012", "β 123", "s ∞", "no picture"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the grid lacks %q", want)
		}
	}
}

// TestGridMarksDifferWithoutColor compares a right and a wrong hit in gray:
// their signs must differ, not their colors alone.
func TestGridMarksDifferWithoutColor(t *testing.T) {
	paths := func(correct bool) []string {
		f, err := plots.NewGrid([]plots.Query{{Hits: []plots.Hit{{Correct: correct}}}})
		ready(t, err)
		var svg bytes.Buffer
		ready(t, plots.WriteSVG(&svg, f))
		return regexp.MustCompile(` d="[^"]*"`).FindAllString(svg.String(), -1)
	}
	right, wrong := strings.Join(paths(true), "\n"), strings.Join(paths(false), "\n")
	if !strings.Contains(right, "M") || right == wrong {
		t.Error("a right and a wrong hit have the same shapes")
	}
}

func TestGridSizes(t *testing.T) {
	for hits := 1; hits <= 12; hits++ {
		f, err := plots.NewGrid([]plots.Query{{Hits: make([]plots.Hit, hits)}})
		ready(t, err)
		if w, h := f.Size(); w > plots.Width+1e-9 || h <= 0 {
			t.Errorf("%d hits: size %v × %v", hits, w, h)
		}
	}
}

func TestNewGridErrors(t *testing.T) {
	for _, queries := range [][]plots.Query{nil, {{Uncertainty: 1}}} {
		if _, err := plots.NewGrid(queries); !errors.Is(err, plots.ErrNoData) {
			t.Errorf("%v: %v, want ErrNoData", queries, err)
		}
	}
}
