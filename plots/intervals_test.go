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

func TestIntervals(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewIntervals, t, delta, "intervals.png")
}

// TestIntervalsNumbers checks mean and sample deviation by hand: of 1, 2, 4 they are 7/3 and √(7/3).
func TestIntervalsNumbers(t *testing.T) {
	f, err := plots.NewIntervals("x", []plots.Method{{Name: "three", Values: []float64{1, 2, 4}}, {Name: "one", Values: []float64{-0.5}}})
	ready(t, err)
	f.Digits = 2
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	for _, want := range []string{"2.33 ± 1.53 (3)", "−0.50 (1)", ">three<", ">one<"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
}

func TestNewIntervalsErrors(t *testing.T) {
	if _, err := plots.NewIntervals("x", nil); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no methods: %v", err)
	}
	if _, err := plots.NewIntervals("x", []plots.Method{{Name: "a"}}); !errors.Is(err, plots.ErrNoData) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a method without values: %v", err)
	}
	if _, err := plots.NewIntervals("x", []plots.Method{{"a", []float64{math.NaN()}, false}}); !errors.Is(err, plots.ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
}
