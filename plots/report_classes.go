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

// confusions counts what images were taken for: by a classifier, its most probable class, in retrieval that of the nearest image.
type confusions struct {
	labels     []int          // of the classes that occur, ascending
	names      map[int]string // by label
	counts     map[[2]int]int // by the label of the class and of what it was taken for
	images     map[int]int    // of each class
	lost       int            // images that were taken for nothing
	classifies bool
}

// classOf is a class of the test images.
type classOf struct {
	label int
	name  string
}

// classesByIndex returns the classes of test images by their indices.
func classesByIndex(predictions []runlog.Prediction) map[int]classOf {
	classes := map[int]classOf{}
	for _, p := range predictions {
		classes[p.Index] = classOf{p.Label, p.Class}
	}
	return classes
}

// countConfusions counts predictions.
func countConfusions(predictions []runlog.Prediction) confusions {
	c := confusions{names: map[int]string{}, counts: map[[2]int]int{}, images: map[int]int{}, classifies: ofClasses(predictions)}
	classes := classesByIndex(predictions)
	for _, p := range predictions {
		c.names[p.Label] = p.Class
		var first classOf
		ok := false
		switch {
		case len(p.Top) > 0:
			first, ok = classOf{p.Top[0].Label, p.Top[0].Class}, true
		case len(p.Nearest) > 0:
			first, ok = classes[p.Nearest[0].Index]
		}
		if !ok {
			c.lost++
			continue
		}
		c.names[first.label] = first.name
		c.counts[[2]int{p.Label, first.label}]++
		c.images[p.Label]++
	}
	c.labels = slices.Sorted(maps.Keys(c.names))
	return c
}

// confused returns the section on confused classes: a matrix if there is room for one, else the pairs that are confused most. It is nil without predictions.
func confused(predictions []runlog.Prediction) (*section, error) {
	c := countConfusions(predictions)
	if len(c.images) == 0 && !c.classifies {
		return nil, nil
	}
	s := new(section)
	switch {
	case c.lost > 0 && c.classifies:
		s.Notes = append(s.Notes, fmt.Sprintf("The logits of %s are not numbers, so that they have no class; they are left out here.", count(c.lost, "image")))
	case c.lost > 0:
		s.Notes = append(s.Notes, fmt.Sprintf("The nearest image of %s is not known; they are left out here.", count(c.lost, "image")))
	}
	if len(c.labels) > MostConfusionClasses {
		c.pairs(s)
		return s, nil
	}
	f, err := c.figure()
	if err != nil {
		return nil, err
	}
	caption := "For each class, a row, how many percent of its images were taken for the class of the column; less than half a percent is left blank. Right is blue and lies on the diagonal."
	if !c.classifies {
		caption = "For each class of queries, a row, how many percent of their nearest images are of the class of the column; less than half a percent is left blank. Right is blue and lies on the diagonal."
	}
	s.Figure, err = newPicture("confusion", f, "Confusion matrix: for each class, how many percent of its images were taken for which", caption)
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
	f, err := NewConfusion(names, counts)
	if err == nil && !c.classifies {
		f.RowLabel, f.ColumnLabel = "query", "nearest image"
	}
	return f, err
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
	if !c.classifies {
		s.Columns = []string{"nearest image", "queries", "share of the class"}
	}
	for _, p := range pairs[:min(mostPairs, len(pairs))] {
		share := float64(c.counts[p]) / float64(c.images[p[0]])
		s.Rows = append(s.Rows, tableRow{Name: c.names[p[0]], Cells: []string{c.names[p[1]], thousands(c.counts[p]), fraction(share, true)}})
	}
	s.Notes = append(s.Notes, fmt.Sprintf("Of %s of classes that were confused, those with the most images.", count(len(pairs), "pair")))
}
