// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
	"introspection/plots"
)

// predictions are of two clear images, the first of them right, and of four blurred ones.
var predictions = []runlog.Prediction{
	{Index: 0, Ambiguity: "blur", Amount: 0.9, Uncertainty: 4},
	{Index: 1, Correct: true, Uncertainty: 1},
	{Index: 2, Ambiguity: "blur", Amount: 0.3, Uncertainty: 2, Correct: true},
	{Index: 3, Uncertainty: 3},
	{Index: 4, Ambiguity: "blur", Amount: 0.5, Uncertainty: 5},
	{Index: 5, Ambiguity: "blur", Amount: 0.5, Uncertainty: 1},
}

func TestKinds(t *testing.T) {
	kinds := Kinds(predictions)
	want := []plots.Group{{Name: "clear", Values: []float64{1, 3}}, {Name: "blur", Values: []float64{2, 5, 1, 4}}}
	if diff := cmp.Diff(want, Groups(kinds)); diff != "" {
		t.Fatal(diff)
	}
	blur := kinds[1]
	for share, index := range map[float64]int{0: 2, 0.5: 4, 0.67: 5, 1: 0} {
		if got := blur.At(share).Index; got != index {
			t.Errorf("At(%g) is image %d, want %d", share, got, index)
		}
	}
	least, most := blur.Thirds()
	if least.RecallAt1() != 1 || most.RecallAt1() != 0 || blur.RecallAt1() != 0.25 {
		t.Errorf("R@1 %g of the least, %g of the most, %g of all", least.RecallAt1(), most.RecallAt1(), blur.RecallAt1())
	}
	if least, _ := kinds[0].Thirds(); !math.IsNaN(least.RecallAt1()) {
		t.Errorf("R@1 of no images: %g", least.RecallAt1())
	}
}

func TestAmbiguityTable(t *testing.T) {
	heads, rows := ambiguityTable(Kinds(predictions))
	if diff := cmp.Diff([]string{"", "images", "R@1", "least third", "most third", "mean ‖u‖", "s.d.", "AUROC against clear"}, heads); diff != "" {
		t.Error(diff)
	}
	// AUROC: of the eight pairs, 2 > 1, 4 > 1, 4 > 3, 5 > 1, 5 > 3 and half of 1 = 1. Deviation of 2, 5, 1, 4: √(10/3).
	want := [][]string{
		{"clear", "2", "0.500", "–", "–", "2.00", "1.41", "–"},
		{"blur", "4", "0.250", "1.000", "0.000", "3.00", "1.83", "0.688"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	classified := []runlog.Prediction{{Uncertainty: 1, Correct: true, Top: []runlog.Score{{Correct: true}}}}
	if heads, rows := ambiguityTable(Kinds(classified)); heads[2] != "top-1" || rows[0][2] != "1.000" {
		t.Errorf("of a classifier: %q, %q", heads, rows)
	}
}
