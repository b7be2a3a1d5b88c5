// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Of three images over two steps, one grows twice, one once and once stays, one falls twice: (2 + 1.5 + 0)/6.
func TestGrowth(t *testing.T) {
	levels := [][]float64{{1, 1, 3}, {2, 5, 2}, {3, 5, 1}}
	if got := Growth(levels, Bootstrap{}).Value; !near(got, 3.5/6) {
		t.Errorf("growth %v", got)
	}
	if got := Growth(levels[:1], Bootstrap{}); got.Exists() {
		t.Errorf("growth of one level: %v", got)
	}
	if got := Growth([][]float64{{1, 2}, {3, 4}}, Bootstrap{Resamples: 50}); got != (Estimate{1, 1, 1}) {
		t.Errorf("growth everywhere: %v", got)
	}
}

func TestScalars(t *testing.T) {
	u := [][]float32{{3, 4}, {0, 0}, {-1, 0}}
	if diff := cmp.Diff([]float64{5, 0, 1}, Norms(u)); diff != "" {
		t.Errorf("norms: %s", diff)
	}
	// ‖(3,4)+(−1,0)‖ = √20, ‖(3,4)+(0,0)‖ = 5; the second has no neighbor.
	want := []float64{(math.Sqrt(20) + 5) / 2, math.NaN(), 1}
	if diff := cmp.Diff(want, MeanBetas(u, u, [][]int{{2, 1}, {}, {1}}), cmpopts.EquateApprox(0, 1e-12), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("mean β: %s", diff)
	}
	// The others of the first are at (2, 1) on average, of the second at (0, 1), of the third at (2, 0); the last is alone.
	rows, labels := [][]float32{{0, 0}, {4, 0}, {0, 2}, {9, 9}}, []int{1, 1, 1, 0}
	want = []float64{math.Hypot(2, 1), math.Hypot(4, 1), math.Hypot(2, 2), math.NaN()}
	if diff := cmp.Diff(want, CenterDistances(rows, labels), cmpopts.EquateApprox(0, 1e-12), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("distances to the center: %s", diff)
	}
}

// The interval of an AUROC covers the true one in about 95 % of samples: the normal scores of wrong ones are 1 higher, and Φ(1/√2) = 0.7602.
func TestCoverage(t *testing.T) {
	const samples, n, truth = 200, 120, 0.7602
	rng := rand.New(rand.NewPCG(4, 4))
	together, others := 0, 0
	for s := range samples {
		scores, wrong := make([]float64, n), make([]bool, n)
		var high, low []float64
		for i := range n {
			wrong[i] = rng.IntN(3) == 0
			scores[i] = rng.NormFloat64()
			if wrong[i] {
				scores[i]++
				high = append(high, scores[i])
			} else {
				low = append(low, scores[i])
			}
		}
		b := Bootstrap{Resamples: 200, Seed: uint64(s)}
		if e := ErrorAUROC(scores, wrong, b); e.Low <= truth && truth <= e.High {
			together++
		}
		e := OthersAUROC(high, low, b)
		if e.Low <= truth && truth <= e.High {
			others++
		}
		if !near(e.Value, naiveAUROC(high, low)) {
			t.Fatalf("%v is not the AUROC", e)
		}
	}
	for name, covered := range map[string]int{"ErrorAUROC": together, "OthersAUROC": others} {
		if share := float64(covered) / samples; share < 0.89 || share > 0.99 {
			t.Errorf("%s: %.3f of the intervals cover", name, share)
		}
	}
}

// A copy is drawn with its image. Where copies are their images plus a little, the AUROC is then nearly the same in each resample, and would spread if they were drawn
// apart.
func TestCopies(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	clean, changed := make([]float64, 200), make([]float64, 200)
	for i := range clean {
		clean[i] = rng.NormFloat64()
		changed[i] = clean[i] + 0.3
	}
	b := Bootstrap{Resamples: 300, Seed: 1}
	with, without := CopiesAUROC(changed, clean, b), OthersAUROC(changed, clean, b)
	if !near(with.Value, naiveAUROC(changed, clean)) || with.Value != without.Value {
		t.Errorf("AUROC %v and %v, want %v", with.Value, without.Value, naiveAUROC(changed, clean))
	}
	if with.High-with.Low > (without.High-without.Low)/2 {
		t.Errorf("intervals %v and, drawn apart, %v", with, without)
	}
	if with != CopiesAUROC(changed, clean, b) || with == CopiesAUROC(changed, clean, Bootstrap{Resamples: 300, Seed: 2}) {
		t.Error("the seed does not decide")
	}
}

// Where most resamples hold nothing to measure there is no interval, and where there is nothing at all no value.
func TestNothingToMeasure(t *testing.T) {
	b := Bootstrap{Resamples: 200}
	if e := ErrorAUROC([]float64{1, 2, 3}, []bool{false, false, false}, b); e.Exists() {
		t.Errorf("none is wrong: %v", e)
	}
	if e := OthersAUROC(nil, []float64{1}, b); e.Exists() {
		t.Errorf("none: %v", e)
	}
	e := ErrorAUROC([]float64{5, 1}, []bool{true, false}, b) // half of the resamples have both
	if e.Value != 1 || !(math.IsNaN(e.Low) || e.Low == 1) {
		t.Errorf("two images: %v", e)
	}
	defer func() {
		if recover() == nil {
			t.Error("lists of two lengths pass")
		}
	}()
	ErrorAUROC([]float64{1}, nil, b)
}

func TestEstimateJSON(t *testing.T) {
	list := []Estimate{{0.5, 0.25, 0.75}, {0.5, math.NaN(), math.NaN()}, None()}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"value":0.5,"low":0.25,"high":0.75},{"value":0.5,"low":null,"high":null},{"value":null,"low":null,"high":null}]`; string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
	var back []Estimate
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list, back, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	if json.Unmarshal([]byte(`[{"value":"x"}]`), &back) == nil {
		t.Error("a text passes")
	}
}
