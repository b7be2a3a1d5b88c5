// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"cmp"
	"fmt"
	"slices"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/plots"
)

// Names of the two ends.
const (
	certainName   = "certain"
	uncertainName = "uncertain"
)

// Extremes returns the n images of the smallest ‖u‖, the smallest first, and the n of the largest, the largest first; of equal ones the first in the test set comes first. There
// are fewer if there are fewer predictions.
func Extremes(predictions []runlog.Prediction, n int) (certain, uncertain []runlog.Prediction) {
	n = min(n, len(predictions))
	sorted := func(sign float64) []runlog.Prediction {
		list := slices.Clone(predictions)
		slices.SortStableFunc(list, func(a, b runlog.Prediction) int { return cmp.Compare(sign*a.Uncertainty, sign*b.Uncertainty) })
		return list[:n]
	}
	return sorted(1), sorted(-1)
}

// NewExtremeSheet returns a sheet of the images that the network is most certain about, and of those that it is most uncertain about, by their ‖u‖, which stands under each with a word
// where the answer is wrong. Both have the most extreme one first.
func NewExtremeSheet(d *datasets.Dataset, predictions []runlog.Prediction, columns int) (*Sheet, error) {
	certain, uncertain := Extremes(predictions, columns)
	if len(certain) == 0 {
		return nil, fmt.Errorf("nb: the extremes of %s: %w", d.Name, plots.ErrNoData)
	}
	s := &Sheet{columns: columns}
	for _, end := range []Kind{{certainName, certain}, {uncertainName, uncertain}} {
		row := sheetRow{name: end.Name}
		for _, p := range end.Predictions {
			img, err := d.Image(p.Index)
			if err != nil {
				return nil, err
			}
			note := brief(p.Uncertainty)
			if !p.Correct {
				note += " wrong"
			}
			row.images, row.notes = append(row.images, img.Image()), append(row.notes, note)
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

// brief writes a norm so short that it has room under an image, with a word behind it.
func brief(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.2g", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// ShowExtremes shows a table of a share of the images at each end, and of all: how many answers are right, and how many of the images are of each kind of ambiguity.
func ShowExtremes(predictions []runlog.Prediction, share float64) {
	Table(extremesTable(predictions, share))
}

func extremesTable(predictions []runlog.Prediction, share float64) (heads []string, rows [][]string) {
	certain, uncertain := Extremes(predictions, int(share*float64(len(predictions))))
	all := Kinds(predictions)
	heads = []string{"", "images", plots.MetricTitle(metric(all))}
	for _, kind := range all {
		heads = append(heads, kind.Name)
	}
	for _, group := range []Kind{{certainName, certain}, {uncertainName, uncertain}, {"all", predictions}} {
		n, counts := len(group.Predictions), map[string]int{}
		for _, p := range group.Predictions {
			counts[cmp.Or(p.Ambiguity, clearName)]++
		}
		row := []string{group.Name, fmt.Sprint(n), fraction(group.RecallAt1())}
		for _, kind := range all {
			row = append(row, fraction(float64(counts[kind.Name])/float64(n)))
		}
		rows = append(rows, row)
	}
	return heads, rows
}
