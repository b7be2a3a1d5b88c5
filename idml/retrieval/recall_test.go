// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"introspection/idml/retrieval"
)

// Six rows of classes 0, 0, 0, 1, 1 and 2; the last class has one row.
var (
	handLabels    = []int{0, 0, 0, 1, 1, 2}
	handNeighbors = [][]int{
		{1, 3, 2, 4, 5}, // hits 1 0 1: R = 2
		{3, 0, 2, 4, 5}, // hits 0 1 1
		{4, 3, 5, 0, 1}, // hits 0 0 0 1
		{4, 0, 1, 2, 5}, // hits 1: R = 1
		{0, 3, 1, 2, 5}, // hits 0 1
		{0, 1, 2, 3, 4}, // R = 0
	}
)

// TestByHand compares with values counted by hand from the definitions.
func TestByHand(t *testing.T) {
	tests := []struct {
		name      string
		got, want float64
	}{
		{"R@1", retrieval.RecallAtK(handNeighbors, handLabels, 1), 2. / 6},
		{"R@2", retrieval.RecallAtK(handNeighbors, handLabels, 2), 4. / 6},
		{"R@3", retrieval.RecallAtK(handNeighbors, handLabels, 3), 4. / 6},
		{"R@4", retrieval.RecallAtK(handNeighbors, handLabels, 4), 5. / 6},
		{"R@100", retrieval.RecallAtK(handNeighbors, handLabels, 100), 5. / 6},
		{"RP", retrieval.RPrecision(handNeighbors, handLabels), (0.5 + 0.5 + 0 + 1 + 0) / 5},
		{"MAP@R", retrieval.MAPAtR(handNeighbors, handLabels), (0.5 + 0.25 + 0 + 1 + 0) / 5},
		{"lone queries", float64(retrieval.LoneQueries(handLabels)), 1},
		{"R@1 of nothing", retrieval.RecallAtK(nil, nil, 1), 0},
		{"RP of lone queries", retrieval.RPrecision([][]int{{1}, {0}}, []int{0, 1}), 0},
		{"MAP@R of lone queries", retrieval.MAPAtR([][]int{{1}, {0}}, []int{0, 1}), 0},
	}
	for _, test := range tests {
		if !(math.Abs(test.got-test.want) <= 1e-15) {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
}

// randomLists returns all other rows of each row in random order, and labels of the given number of classes.
func randomLists(n, classes int, rng *rand.Rand) (neighbors [][]int, labels []int) {
	for i := range n {
		labels = append(labels, rng.IntN(classes))
		var list []int
		for _, j := range rng.Perm(n) {
			if j != i {
				list = append(list, j)
			}
		}
		neighbors = append(neighbors, list)
	}
	return neighbors, labels
}

func TestRecallProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		neighbors, labels := randomLists(40, 2+rng.IntN(20), rng)
		before := 0.0
		for k := 1; k < 40; k++ {
			recall := retrieval.RecallAtK(neighbors, labels, k)
			if recall < before {
				t.Errorf("R@%d = %v is less than R@%d = %v", k, recall, k-1, before)
			}
			before = recall
		}
		if want := 1 - float64(retrieval.LoneQueries(labels))/40; before != want {
			t.Errorf("recall among all others is %v, want %v: all but the lone queries", before, want)
		}
		if precision, mean := retrieval.RPrecision(neighbors, labels), retrieval.MAPAtR(neighbors, labels); mean > precision {
			t.Errorf("MAP@R %v exceeds R-precision %v", mean, precision)
		}
	}
}

// TestPerfectLists has all rows of a query's class before the others: every metric is 1.
func TestPerfectLists(t *testing.T) {
	labels := []int{4, 4, 9, 9}
	neighbors := [][]int{{1, 2, 3}, {0, 2, 3}, {3, 0, 1}, {2, 0, 1}}
	for name, got := range map[string]float64{
		"R@1":   retrieval.RecallAtK(neighbors, labels, 1),
		"RP":    retrieval.RPrecision(neighbors, labels),
		"MAP@R": retrieval.MAPAtR(neighbors, labels),
	} {
		if got != 1 {
			t.Errorf("%s: got %v, want 1", name, got)
		}
	}
}

func TestListPanics(t *testing.T) {
	short := [][]int{{1}, {0}, {0}}
	tests := map[string]struct {
		run  func()
		want string
	}{
		"k of 0":         {func() { retrieval.RecallAtK(short, []int{0, 0, 0}, 0) }, "k = 0"},
		"recall lengths": {func() { retrieval.RecallAtK(short, []int{0, 0}, 1) }, "3 lists of neighbors for 2 labels"},
		"RP lengths":     {func() { retrieval.RPrecision(short, []int{0, 0}) }, "3 lists of neighbors for 2 labels"},
		"RP short":       {func() { retrieval.RPrecision(short, []int{0, 0, 0}) }, "row 0 has a list of 1"},
		"MAP@R short":    {func() { retrieval.MAPAtR(short, []int{0, 0, 0}) }, "row 0 has a list of 1"},
		"NMI lengths":    {func() { retrieval.NMI([]int{0}, nil) }, "1 classes for 0 clusters"},
		"AMI lengths":    {func() { retrieval.AMI([]int{0}, nil) }, "1 classes for 0 clusters"},
		"F1 lengths":     {func() { retrieval.PairwiseF1([]int{0}, nil) }, "1 classes for 0 clusters"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				if !strings.HasPrefix(text, "retrieval: ") || !strings.Contains(text, test.want) {
					t.Errorf("got panic %q, want %q", text, test.want)
				}
			}()
			test.run()
		})
	}
}
