// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is a case of testdata/vectors.json.
type vector struct {
	Name          string
	Scores        []float64
	Wrong         []bool
	Quantity      []float64
	AUROC         float64
	Spearman      float64
	Area, Perfect *float64
}

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 4 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	return file.Cases
}

// near tells whether two numbers are equal but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

// AUROC and rank correlation are scikit-learn's and SciPy's, and so are the areas where there are no ties.
func TestVectors(t *testing.T) {
	areas := 0
	for _, v := range vectors(t) {
		if got := ErrorAUROC(v.Scores, v.Wrong, Bootstrap{}).Value; !near(got, v.AUROC) {
			t.Errorf("%s: AUROC %v, want %v", v.Name, got, v.AUROC)
		}
		if got, ok := Spearman(v.Scores, v.Quantity); !ok || !near(got, v.Spearman) {
			t.Errorf("%s: rank correlation %v, want %v", v.Name, got, v.Spearman)
		}
		if v.Area == nil {
			continue
		}
		areas++
		got := NewReject(v.Scores, v.Wrong, 1, Bootstrap{})
		if !near(got.Area.Value, *v.Area) || !near(got.Perfect.Value, *v.Perfect) {
			t.Errorf("%s: areas %v and %v, want %v and %v", v.Name, got.Area.Value, got.Perfect.Value, *v.Area, *v.Perfect)
		}
	}
	if areas < 2 {
		t.Errorf("%d cases have areas", areas)
	}
}

// naiveAUROC counts all pairs.
func naiveAUROC(high, low []float64) float64 {
	sum := 0.0
	for _, h := range high {
		for _, l := range low {
			switch {
			case h > l:
				sum++
			case h == l:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(high)*len(low))
}

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
		if got, ok := AUROC(high, low); !ok || !near(got, naiveAUROC(high, low)) {
			t.Fatalf("AUROC(%v, %v) = %v, want %v", high, low, got, naiveAUROC(high, low))
		}
	}
	if _, ok := AUROC(nil, []float64{1}); ok {
		t.Error("ok without values")
	}
	if v, ok := AUROC([]float64{4, 4}, []float64{4, 4, 4}); !ok || v != 0.5 {
		t.Errorf("equal values: %v", v)
	}
}

func TestRanks(t *testing.T) {
	values := []float64{3, 1, 3, 2, 3}
	got := make([]float64, len(values))
	rank(values).ranks(ones(len(values)), got)
	if diff := cmp.Diff([]float64{4, 1, 4, 2, 4}, got); diff != "" {
		t.Error(diff)
	}
}

// Spearman takes its wanted values from the formula 1 − 6Σd²/(n(n²−1)), which holds without ties.
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
		if got, ok := Spearman(x, y); !ok || !near(got, 1-6*sum/float64(n*(n*n-1))) {
			t.Fatalf("Spearman = %v, want %v", got, 1-6*sum/float64(n*(n*n-1)))
		}
	}
	if got, ok := Spearman([]float64{1, 1, 2}, []float64{5, 5, 9}); !ok || !near(got, 1) {
		t.Errorf("with ties: %v, %v", got, ok)
	}
	for _, bad := range [][2][]float64{{{1, 2}, {1, 2}}, {{1, 1, 1}, {1, 2, 3}}, {{1, 2, 3}, {4, 4, 4}}} {
		if v, ok := Spearman(bad[0], bad[1]); ok {
			t.Errorf("Spearman(%v, %v) = %v", bad[0], bad[1], v)
		}
		if e := SpearmanEstimate(bad[0], bad[1], Bootstrap{Resamples: 100}); e.Exists() {
			t.Errorf("SpearmanEstimate(%v, %v) = %v", bad[0], bad[1], e)
		}
	}
}

// What is measured of a resample, by how often each thing is in it, is what is measured of the things written down as often.
func TestWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	for range 50 {
		n := 12
		x, y, wrong, w := make([]float64, n), make([]float64, n), make([]bool, n), make([]int, n)
		for i := range n {
			x[i], y[i], wrong[i] = float64(rng.IntN(6)), float64(rng.IntN(9)), rng.IntN(3) == 0
		}
		together(n)(rng, w)
		var wx, wy []float64
		var wwrong []bool
		for i, k := range w {
			for range k {
				wx, wy, wwrong = append(wx, x[i]), append(wy, y[i]), append(wwrong, wrong[i])
			}
		}
		same := func(name string, got, want float64) {
			if !near(got, want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		same("auroc", rank(x).auroc(wrong, w), rank(wx).auroc(wwrong, ones(n)))
		want, _ := Spearman(wx, wy)
		same("correlation", newRankPairs(x, y).correlation(w), want)
		got, plain := make([]float64, n), make([]float64, n)
		rank(x).keptErrors(wrong, w, got)
		rank(wx).keptErrors(wwrong, ones(n), plain)
		for k := range n {
			same("kept", got[k], plain[k])
		}
		if len(wx) != n || slices.Max(w) < 1 {
			t.Errorf("a resample of %d", len(wx))
		}
	}
}
