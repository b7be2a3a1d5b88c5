// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
	"introspection/plots"
)

// Kind is the images of one kind of ambiguity, the least ambiguous first.
type Kind struct {
	Name        string
	Predictions []runlog.Prediction
}

// clearName names the images that nothing was done to.
const clearName = "clear"

// Kinds groups predictions by what was done to the images: clear ones first, then by name.
func Kinds(predictions []runlog.Prediction) []Kind {
	groups := map[string][]runlog.Prediction{}
	for _, p := range predictions {
		groups[p.Ambiguity] = append(groups[p.Ambiguity], p)
	}
	var kinds []Kind
	for name, group := range groups {
		slices.SortStableFunc(group, func(a, b runlog.Prediction) int { return cmp.Compare(a.Amount, b.Amount) })
		kinds = append(kinds, Kind{cmp.Or(name, clearName), group})
	}
	rank := func(k Kind) string { return k.Predictions[0].Ambiguity } // the empty name comes first
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Compare(rank(a), rank(b)) })
	return kinds
}

// At returns the image at a share of the way from the least to the most ambiguous one: 0.5 is the one in the middle, 1 the most
// ambiguous. Of images that are equally ambiguous, as clear ones are, it is the place in the test set that counts.
func (k Kind) At(share float64) runlog.Prediction {
	return k.Predictions[int(share*float64(len(k.Predictions)-1))]
}

// Uncertainties returns the norms of the images' uncertainty embeddings.
func (k Kind) Uncertainties() []float64 {
	var out []float64
	for _, p := range k.Predictions {
		out = append(out, p.Uncertainty)
	}
	return out
}

// Groups returns the uncertainties of each kind, as a histogram takes them.
func Groups(kinds []Kind) []plots.Group {
	var out []plots.Group
	for _, k := range kinds {
		out = append(out, plots.Group{Name: k.Name, Values: k.Uncertainties()})
	}
	return out
}

// Thirds returns the least and the most ambiguous third of the images, as kinds; both are empty if there are fewer than three.
func (k Kind) Thirds() (least, most Kind) {
	n := len(k.Predictions) / 3
	return Kind{k.Name, k.Predictions[:n]}, Kind{k.Name, k.Predictions[len(k.Predictions)-n:]}
}

// metric names what RecallAt1 is of the kinds: of classifiers, the accuracy.
func metric(kinds []Kind) string {
	if slices.ContainsFunc(kinds, func(k Kind) bool {
		return slices.ContainsFunc(k.Predictions, func(p runlog.Prediction) bool { return len(p.Top) > 0 })
	}) {
		return runlog.Top1
	}
	return runlog.Recall1
}

// RecallAt1 returns the share of the images whose nearest image, or, of a classifier, whose first class is right; NaN if there are none.
func (k Kind) RecallAt1() float64 {
	right := 0
	for _, p := range k.Predictions {
		if p.Correct {
			right++
		}
	}
	return float64(right) / float64(len(k.Predictions))
}

// Ambiguity shows a table of the kinds: how many images, R@1, or of a classifier top-1, of all and of the least and the most ambiguous third, mean and standard
// deviation of the uncertainty's norm, and how well that tells images of the kind from those of the first kind, the clear ones.
func Ambiguity(kinds []Kind) {
	Table(ambiguityTable(kinds))
}

func ambiguityTable(kinds []Kind) (heads []string, rows [][]string) {
	heads = []string{"", "images", plots.MetricTitle(metric(kinds)), "least third", "most third", "mean ‖u‖", "s.d.", "AUROC against " + kinds[0].Name}
	first := kinds[0].Uncertainties()
	for i, k := range kinds {
		u := k.Uncertainties()
		m, deviation := stat.MeanStdDev(u, nil)
		least, most, apart := "–", "–", "–"
		if i > 0 {
			low, high := k.Thirds()
			least, most = fraction(low.RecallAt1()), fraction(high.RecallAt1())
			if v, ok := uncertainty.AUROC(u, first); ok {
				apart = fraction(v)
			}
		}
		rows = append(rows, []string{k.Name, fmt.Sprint(len(u)), fraction(k.RecallAt1()), least, most, fmt.Sprintf("%.2f", m), fmt.Sprintf("%.2f", deviation), apart})
	}
	return heads, rows
}
