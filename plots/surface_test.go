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

func TestSurface(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewSurface, t, delta, "surface.png")
}

func TestSurfaceWithArrows(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleSurface_arrows, t, delta, "surface_arrows.png")
}

// TestSurfaceStaysInTheDomain checks where the function is evaluated: inside, never on an axis.
func TestSurfaceStaysInTheDomain(t *testing.T) {
	calls := 0
	_, err := plots.NewSurface(func(alpha, beta float64) float64 {
		calls++
		if alpha <= 0 || alpha >= 3 || beta <= 0 || beta >= 7 {
			t.Errorf("D(%v, %v) was asked for", alpha, beta)
		}
		return alpha
	}, plots.SurfaceDomain{Alpha: 3, Beta: 7})
	ready(t, err)
	if calls < 100*100 {
		t.Errorf("only %d values", calls)
	}
}

func TestSurfaceErrors(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		_, err := plots.NewSurface(func(alpha, beta float64) float64 {
			if alpha > 1.5 && beta > 3 {
				return bad
			}
			return alpha
		}, plots.DefaultSurfaceDomain())
		if !errors.Is(err, plots.ErrNotFinite) || !strings.Contains(err.Error(), "D(1.506, 3.013)") {
			t.Errorf("%v: %v, want ErrNotFinite that says where", bad, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for an empty domain")
		}
	}()
	_, _ = plots.NewSurface(paperDistance, plots.SurfaceDomain{Alpha: 2})
}

// TestSurfaceLabelsItsLines looks for each level once inside the diagram and
// the color bar's numbers beside it.
func TestSurfaceLabelsItsLines(t *testing.T) {
	f, err := plots.NewSurface(paperDistance, plots.DefaultSurfaceDomain())
	ready(t, err)
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, level := range []string{"0.2", "0.4", "0.6", "0.8", "1.0", "1.2", "1.4", "1.6", "1.8"} {
		if !strings.Contains(svg.String(), ">"+level+"</text>") {
			t.Errorf("no label %s", level)
		}
	}
	if !strings.Contains(svg.String(), `<image preserveAspectRatio="none" x=`) {
		t.Error("the heat map would not fill its rectangle")
	}
}
