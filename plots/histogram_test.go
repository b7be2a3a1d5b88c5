// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestHistogram(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewHistogram, t, delta, "histogram.png")
}

func TestHistogramBins(t *testing.T) {
	f, err := plots.NewHistogram("u", plots.Group{"a", []float64{0, 0.5, 1, 1.5, 3.9}}, plots.Group{"b", []float64{2, 2, 4}}, plots.Group{Name: "c"})
	ready(t, err)
	f.Bins = 4
	if diff := cmp.Diff([]float64{0, 1, 2, 3, 4, 5}, f.Edges(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
	want := [][]int{{2, 2, 0, 1, 0}, {0, 0, 2, 0, 1}, {0, 0, 0, 0, 0}}
	if diff := cmp.Diff(want, f.Counts()); diff != "" {
		t.Error(diff)
	}
}

// TestHistogramBinsAreStable checks over random samples that every value is
// counted once in the bin that holds it, and that neither the order of the
// values nor more of them inside the range moves an edge.
func TestHistogramBinsAreStable(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for trial := range 200 {
		scale, shift := math.Pow(10, 6*rng.Float64()-3), 10*rng.NormFloat64()
		values := make([]float64, 2+rng.IntN(50))
		for i := range values {
			values[i] = scale * (shift + rng.NormFloat64())
		}
		f, err := plots.NewHistogram("u", plots.Group{"a", values})
		ready(t, err)
		edges, counts := f.Edges(), f.Counts()[0]
		if n := len(edges) - 1; n < 1 || n > f.Bins+2 {
			t.Fatalf("trial %d: %d bins for about %d", trial, n, f.Bins)
		}
		naive := make([]int, len(counts))
		for _, v := range values {
			for k := range naive {
				if edges[k] <= v && v < edges[k+1] {
					naive[k]++
				}
			}
		}
		if diff := cmp.Diff(naive, counts); diff != "" {
			t.Fatalf("trial %d: %s", trial, diff)
		}
		more := slices.Concat(values, []float64{(slices.Min(values) + slices.Max(values)) / 2})
		slices.Reverse(more)
		g, err := plots.NewHistogram("u", plots.Group{"a", more})
		ready(t, err)
		if !slices.Equal(edges, g.Edges()) {
			t.Fatalf("trial %d: edges moved", trial)
		}
	}
}

func TestHistogramOfEqualValues(t *testing.T) {
	for _, v := range []float64{0, 1, -3, 1e6} {
		f, err := plots.NewHistogram("u", plots.Group{"a", []float64{v, v, v}})
		ready(t, err)
		if got := slices.Max(f.Counts()[0]); got != 3 {
			t.Errorf("%v: the fullest bin has %d of 3", v, got)
		}
	}
}

func TestNewHistogramErrors(t *testing.T) {
	if _, err := plots.NewHistogram("u", plots.Group{Name: "a"}); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no values: %v", err)
	}
	if _, err := plots.NewHistogram("u", plots.Group{"a", []float64{1, math.Inf(-1)}}); !errors.Is(err, plots.ErrNotFinite) {
		t.Errorf("an infinite value: %v", err)
	}
}
