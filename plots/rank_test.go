// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanks(t *testing.T) {
	got := ranks([]float64{3, 1, 3, 2, 3})
	if diff := cmp.Diff([]float64{4, 1, 4, 2, 4}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAUROC compares with a count over all pairs, with ties.
func TestAUROC(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 100 {
		high, low := make([]float64, 1+rng.IntN(20)), make([]float64, 1+rng.IntN(20))
		for i := range high {
			high[i] = float64(rng.IntN(8))
		}
		for i := range low {
			low[i] = float64(rng.IntN(6))
		}
		want := 0.0
		for _, h := range high {
			for _, l := range low {
				switch {
				case h > l:
					want++
				case h == l:
					want += 0.5
				}
			}
		}
		want /= float64(len(high) * len(low))
		if got, ok := AUROC(high, low); !ok || math.Abs(got-want) > 1e-12 {
			t.Fatalf("AUROC(%v, %v) = %v, want %v", high, low, got, want)
		}
	}
	if _, ok := AUROC(nil, []float64{1}); ok {
		t.Error("ok without values")
	}
}

// TestSpearman takes its wanted values from the formula 1 − 6Σd²/(n(n²−1)),
// which holds without ties, and from symmetry.
func TestSpearman(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	for range 100 {
		n := 3 + rng.IntN(20)
		x, y := make([]float64, n), make([]float64, n)
		sum := 0.0
		for i, k := range rng.Perm(n) {
			x[i], y[i] = math.Exp(float64(i)), float64(k)*float64(k)
			sum += float64((i - k) * (i - k))
		}
		want := 1 - 6*sum/float64(n*(n*n-1))
		if got, ok := spearman(x, y); !ok || math.Abs(got-want) > 1e-12 {
			t.Fatalf("spearman = %v, want %v", got, want)
		}
	}
	if got, ok := spearman([]float64{1, 1, 2}, []float64{5, 5, 9}); !ok || math.Abs(got-1) > 1e-12 {
		t.Errorf("with ties: %v, %v", got, ok)
	}
	for _, bad := range [][2][]float64{{{1, 2}, {1, 2}}, {{1, 1, 1}, {1, 2, 3}}, {{1, 2, 3}, {4, 4, 4}}} {
		if v, ok := spearman(bad[0], bad[1]); ok {
			t.Errorf("spearman(%v, %v) = %v", bad[0], bad[1], v)
		}
	}
}
