// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/classify"
	"introspection/idml/retrieval"
)

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

// matrix returns rows as a matrix.
func matrix(rows ...[]float32) retrieval.Matrix {
	return retrieval.Matrix{Rows: len(rows), Cols: len(rows[0]), Data: slices.Concat(rows...)}
}

func evaluate(t *testing.T, logits retrieval.Matrix, labels []int) *classify.Result {
	t.Helper()
	r, err := classify.Evaluate(logits, labels)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPyTorch compares with vectors.json: see testdata/README.md for where it comes from and the tolerances.
func TestPyTorch(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name          string
		Logits        [][]float32
		Labels        []int
		Order         [][]int
		Probabilities [][]float64
		Expected      map[string]float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 8 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			got := evaluate(t, matrix(c.Logits...), c.Labels).Metrics()
			for name, want := range c.Expected {
				tolerance := 1e-12
				if name == "loss" || name == "ece" {
					tolerance = 1e-9 * max(1, want)
				}
				if !(math.Abs(got[name]-want) <= tolerance) {
					t.Errorf("%s: %v, want %v", name, got[name], want)
				}
			}
			if len(got) != 6 || got["queries"] != float64(len(c.Labels)) || got["classes"] != float64(len(c.Logits[0])) {
				t.Errorf("metrics %v", got)
			}
			for i, row := range c.Logits {
				var want []classify.Class
				for k, label := range c.Order[i] {
					want = append(want, classify.Class{Label: label, Probability: c.Probabilities[i][k]})
				}
				if diff := cmp.Diff(want, classify.Top(row, 5), cmpopts.EquateApprox(1e-9, 1e-15)); diff != "" {
					t.Errorf("row %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// naive computes the same of rows with a softmax, as the definitions are written: no log-sum-exp, ranks by sorting, bins by interval.
func naive(rows [][]float32, labels []int) map[string]float64 {
	n := float64(len(rows))
	out := map[string]float64{"top@1": 0, "top@5": 0, "loss": 0, "ece": 0, "queries": n, "classes": float64(len(rows[0]))}
	var confidence [classify.Bins][]float64
	var right [classify.Bins]int
	for i, row := range rows {
		sum := 0.0
		order := make([]int, len(row))
		for c, z := range row {
			sum += math.Exp(float64(z))
			order[c] = c
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case row[a] > row[b]:
				return -1
			case row[a] < row[b]:
				return 1
			}
			return 0
		})
		place := slices.Index(order, labels[i]) + 1
		if place == 1 {
			out["top@1"] += 1 / n
		}
		if place <= 5 {
			out["top@5"] += 1 / n
		}
		out["loss"] -= math.Log(math.Exp(float64(row[labels[i]]))/sum) / n
		p := math.Exp(float64(row[order[0]])) / sum
		for m := range classify.Bins {
			if p > float64(m)/classify.Bins && p <= float64(m+1)/classify.Bins {
				confidence[m] = append(confidence[m], p)
				if place == 1 {
					right[m]++
				}
			}
		}
	}
	for m, list := range confidence {
		mean := 0.0
		for _, p := range list {
			mean += p / float64(len(list))
		}
		if len(list) > 0 {
			out["ece"] += float64(len(list)) / n * math.Abs(float64(right[m])/float64(len(list))-mean)
		}
	}
	return out
}

func TestNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for at := range 200 {
		classes, n := 1+rng.IntN(12), 1+rng.IntN(40)
		rows, labels := make([][]float32, n), make([]int, n)
		for i := range rows {
			labels[i] = rng.IntN(classes)
			for c := range classes {
				z := 3 * rng.NormFloat64()
				if at%2 == 0 {
					z = math.Round(z) // with ties
				}
				if c == labels[i] {
					z += float64(at % 3)
				}
				rows[i] = append(rows[i], float32(z))
			}
		}
		got := evaluate(t, matrix(rows...), labels).Metrics()
		if diff := cmp.Diff(naive(rows, labels), got, cmpopts.EquateApprox(1e-9, 1e-12)); diff != "" {
			t.Fatalf("case %d (-naive +got):\n%s", at, diff)
		}
	}
}

// By hand: of equal logits the class with the lower number comes first, whatever the label.
func TestTies(t *testing.T) {
	row := []float32{1, 3, 3, 0, 1, 3}
	for label, want := range []int{4, 1, 2, 6, 5, 3} {
		if got := classify.Rank(row, label); got != want {
			t.Errorf("class %d has rank %d, want %d", label, got, want)
		}
	}
	equal := []float32{2, 2, 2, 2, 2, 2, 2}
	r := evaluate(t, matrix(equal, equal, equal, equal, equal, equal, equal), []int{0, 1, 2, 3, 4, 5, 6})
	if r.Top1 != 1.0/7 || r.Top5 != 5.0/7 || math.Abs(r.Loss-math.Log(7)) > 1e-15 || r.ECE > 1e-15 {
		t.Errorf("%+v of logits that tell nothing", r)
	}
}

// By hand: p = 1/4 and 3/4 in one image each and in both the first class right, then wrong.
func TestByHand(t *testing.T) {
	third := float32(math.Log(3))
	r := evaluate(t, matrix([]float32{third, 0}, []float32{0, third}), []int{0, 0})
	if r.Top1 != 0.5 || r.Top5 != 1 || math.Abs(r.Loss-(math.Log(4.0/3)+math.Log(4))/2) > 1e-7 || math.Abs(r.ECE-0.25) > 1e-7 {
		t.Errorf("%+v", r)
	}
	// p = 1 is in the last bin, with 0.95 but not with 0.9.
	r = evaluate(t, matrix([]float32{100, 0}, []float32{float32(math.Log(19)), 0}, []float32{float32(math.Log(9)), 0}), []int{1, 0, 0})
	if want := (math.Abs(1-1.95) + 0.1) / 3; math.Abs(r.ECE-want) > 1e-7 {
		t.Errorf("calibration error %v, want %v", r.ECE, want)
	}
	// p = 1/5, the upper end of the third bin, is not in one bin with p = 0.25.
	r = evaluate(t, matrix(make([]float32, 5), []float32{float32(math.Log(4.0 / 3)), 0, 0, 0, 0}), []int{0, 1})
	if want := (0.8 + 0.25) / 2; math.Abs(r.ECE-want) > 1e-7 {
		t.Errorf("calibration error %v at the end of a bin, want %v", r.ECE, want)
	}
	if got := classify.Top([]float32{0, third, 0}, 2); len(got) != 2 || got[0].Label != 1 || got[1].Label != 0 || math.Abs(got[0].Probability-0.6) > 1e-7 {
		t.Errorf("Top: %v", got)
	}
}

// A network that diverged is right of nothing, and says so.
func TestNotNumbers(t *testing.T) {
	right := []float32{5, 0, 0}
	for name, row := range map[string][]float32{
		"one NaN": {5, nan, 0}, "its own NaN": {nan, 0, 0}, "all NaN": {nan, nan, nan}, "infinite": {inf, 0, 0}, "two infinite": {inf, inf, 0}, "none finite": {-inf, -inf, -inf},
	} {
		r := evaluate(t, matrix(right, row), []int{0, 0})
		if r.Top1 != 0.5 || r.Top5 != 0.5 || !math.IsNaN(r.Loss) || !math.IsNaN(r.ECE) {
			t.Errorf("%s: %+v", name, r)
		}
		if classify.Rank(row, 0) != 0 || classify.Top(row, 3) != nil {
			t.Errorf("%s: rank %d, classes %v", name, classify.Rank(row, 0), classify.Top(row, 3))
		}
		text, err := json.Marshal(r)
		if want := `{"top@1":0.5,"top@5":0.5,"loss":"NaN","ece":"NaN","queries":2,"classes":3}`; err != nil || string(text) != want {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
	r := evaluate(t, matrix([]float32{-inf, 0, 0}), []int{0})
	if r.Top1 != 0 || r.Top5 != 1 || !math.IsInf(r.Loss, 1) || math.Abs(r.ECE-0.5) > 1e-12 {
		t.Errorf("a class of probability 0: %+v", r)
	}
	if text, err := json.Marshal(r); err != nil || !strings.Contains(string(text), `"loss":"Infinity"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestErrors(t *testing.T) {
	two := matrix([]float32{1, 2}, []float32{3, 4})
	for want, test := range map[string]struct {
		logits retrieval.Matrix
		labels []int
	}{
		"at least one of each":           {retrieval.Matrix{}, nil},
		"0 images and 10":                {retrieval.Matrix{Cols: 10}, nil},
		"don't fit 4 values":             {retrieval.Matrix{Rows: 3, Cols: 2, Data: two.Data}, []int{0, 0, 0}},
		"1 labels for the logits of 2":   {two, []int{0}},
		"row 1: its label is 2: want":    {two, []int{0, 2}},
		"row 0: its label is -1: want":   {two, []int{-1, 0}},
		"classify: 3 labels for the log": {two, []int{0, 1, 1}},
	} {
		if _, err := classify.Evaluate(test.logits, test.labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	defer func() {
		if r := fmt.Sprint(recover()); r != "classify: top 0" {
			t.Errorf("panic %q", r)
		}
	}()
	classify.Top([]float32{1}, 0)
}

// Three images of four classes; the last one's own class is second, and surely so.
func ExampleEvaluate() {
	logits := retrieval.Matrix{Rows: 3, Cols: 4, Data: []float32{
		4, 0, 0, 0,
		0, 2, 1, 0,
		0, 0, 6, 1,
	}}
	r, err := classify.Evaluate(logits, []int{0, 1, 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("top-1 %.3f, top-5 %.3f, loss %.3f, ECE %.3f\n", r.Top1, r.Top5, r.Loss, r.ECE)
	for _, c := range classify.Top(logits.Row(2), 2) {
		fmt.Printf("class %d: %.3f\n", c.Label, c.Probability)
	}
	// Output:
	// top-1 0.667, top-5 1.000, loss 1.853, ECE 0.442
	// class 2: 0.988
	// class 3: 0.007
}

func BenchmarkEvaluate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	logits, labels := retrieval.Matrix{Rows: 1000, Cols: 1000, Data: make([]float32, 1e6)}, make([]int, 1000)
	for i := range logits.Data {
		logits.Data[i] = float32(rng.NormFloat64())
	}
	for b.Loop() {
		if _, err := classify.Evaluate(logits, labels); err != nil {
			b.Fatal(err)
		}
	}
}
