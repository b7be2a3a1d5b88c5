// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestBoxes(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewBoxes, t, delta, "boxes.png")
}

// Groups stand by their medians, those in the middle are left out, and so are empty ones.
func TestBoxesOrder(t *testing.T) {
	groups := []plots.Group{{Name: "empty"}}
	for k := range plots.MostBoxes + 3 {
		groups = append(groups, plots.Group{Name: fmt.Sprintf("g%d.", k), Values: []float64{-5, float64(k), 900}})
	}
	f, err := plots.NewBoxes("u", groups...)
	ready(t, err)
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, want := range []string{">g22.<", ">g13.<", ">… 3 between<", ">g9.<", ">g0.<"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	for _, absent := range []string{"g12.", "g10.", "empty"} {
		if strings.Contains(svg.String(), absent) {
			t.Errorf("%s is shown", absent)
		}
	}
	if !strings.Contains(svg.String(), ">22.0 (3)<") {
		t.Error("no median of the first")
	}
}

func TestNewBoxesErrors(t *testing.T) {
	if _, err := plots.NewBoxes("u", plots.Group{Name: "a"}); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no values: %v", err)
	}
	if _, err := plots.NewBoxes("u", plots.Group{Name: "a", Values: []float64{math.Inf(1)}}); !errors.Is(err, plots.ErrNotFinite) {
		t.Errorf("an infinite value: %v", err)
	}
}
