// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"introspection/idml/runlog"
)

// mostPairs is how many pairs of confused classes a report lists where there are too many classes for a figure.
const mostPairs = 15

// confusions counts what a classifier took for what.
type confusions struct {
	labels []int          // of the classes that occur, ascending
	names  map[int]string // by label
	counts map[[2]int]int // by the label of the class and of what it was taken for
	images map[int]int    // of each class
	lost   int            // images without a class, whose logits are not numbers
}

// countConfusions counts predictions.
func countConfusions(predictions []runlog.Prediction) confusions {
	c := confusions{names: map[int]string{}, counts: map[[2]int]int{}, images: map[int]int{}}
	for _, p := range predictions {
		c.names[p.Label] = p.Class
		if len(p.Top) == 0 {
			c.lost++
			continue
		}
		first := p.Top[0]
		c.names[first.Label] = first.Class
		c.counts[[2]int{p.Label, first.Label}]++
		c.images[p.Label]++
	}
	c.labels = slices.Sorted(maps.Keys(c.names))
	return c
}

// confused returns the section on confused classes: a matrix if there is room for one, else the pairs that are confused most. It is nil for predictions that are
// not of a classifier.
func confused(predictions []runlog.Prediction) (*section, error) {
	if !ofClasses(predictions) {
		return nil, nil
	}
	c := countConfusions(predictions)
	s := new(section)
	if c.lost > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("The logits of %s are not numbers, so that they have no class; they are left out here.", count(c.lost, "image")))
	}
	if len(c.labels) > MostConfusionClasses {
		c.pairs(s)
		return s, nil
	}
	f, err := c.figure()
	if err != nil {
		return nil, err
	}
	svg, err := inline(f, "Confusion matrix: for each class, how many percent of its images were taken for which")
	s.Figure = &picture{SVG: svg, Caption: "For each class, a row, how many percent of its images were taken for the class of the column; less than half a percent is left blank. " +
		"Right is blue and lies on the diagonal."}
	return s, err
}

// figure returns the matrix of all classes.
func (c confusions) figure() (*Confusion, error) {
	var names []string
	counts := make([][]int, len(c.labels))
	for i, label := range c.labels {
		names = append(names, c.names[label])
		for _, other := range c.labels {
			counts[i] = append(counts[i], c.counts[[2]int{label, other}])
		}
	}
	return NewConfusion(names, counts)
}

// pairs lists the pairs of two classes that were confused most, by the number of images and then by their labels.
func (c confusions) pairs(s *section) {
	pairs := slices.DeleteFunc(slices.Collect(maps.Keys(c.counts)), func(p [2]int) bool { return p[0] == p[1] })
	slices.SortFunc(pairs, func(a, b [2]int) int {
		return cmp.Or(cmp.Compare(c.counts[b], c.counts[a]), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	if len(pairs) == 0 {
		s.Notes = append(s.Notes, "No image was taken for another class.")
		return
	}
	s.Columns = []string{"taken for", "images", "share of the class"}
	for _, p := range pairs[:min(mostPairs, len(pairs))] {
		share := float64(c.counts[p]) / float64(c.images[p[0]])
		s.Rows = append(s.Rows, tableRow{Name: c.names[p[0]], Cells: []string{c.names[p[1]], thousands(c.counts[p]), fraction(share, true)}})
	}
	s.Notes = append(s.Notes, fmt.Sprintf("Of %s of classes that were confused, those with the most images.", count(len(pairs), "pair")))
}
