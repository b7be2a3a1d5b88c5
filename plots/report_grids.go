// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"errors"
	"image"
	"io/fs"
	"slices"
	"strings"

	"introspection/idml/runlog"
)

// Sizes of the grids in a report.
const (
	gridQueries = 3
	gridHits    = 5
)

// gridChoice is a grid or a gallery of the report: its words and its queries.
type gridChoice struct {
	heading, caption string
	queries          []runlog.Prediction
}

// gridChoices returns the grids of a report: the most certain and the most
// uncertain queries, and wrong ones. There are none if no query has neighbors.
func gridChoices(predictions []runlog.Prediction) []gridChoice {
	queries := slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool {
		return len(p.Nearest) == 0 || !finite(p.Uncertainty)
	})
	if len(queries) == 0 {
		return nil
	}
	slices.SortStableFunc(queries, func(a, b runlog.Prediction) int {
		return cmp.Or(cmp.Compare(a.Uncertainty, b.Uncertainty), cmp.Compare(a.Index, b.Index))
	})
	wrong := slices.DeleteFunc(slices.Clone(queries), func(p runlog.Prediction) bool { return p.Correct })
	last := slices.Clone(queries)
	slices.Reverse(last)
	choices := []gridChoice{
		{"Most certain", "The queries with the least uncertainty.", queries},
		{"Most uncertain", "The queries with the most uncertainty.", last},
		{"Wrong", "The most certain of the queries whose nearest image is of another class.", wrong},
	}
	if low, high := rangeOf(queries); allEqual(low, high) {
		byIndex := func(a, b runlog.Prediction) int { return cmp.Compare(a.Index, b.Index) }
		slices.SortFunc(queries, byIndex)
		slices.SortFunc(wrong, byIndex)
		choices = []gridChoice{
			{"First queries", "All uncertainties are equal, so the first queries of the test set are shown.", queries},
			{"Wrong", "The first queries whose nearest image is of another class.", wrong},
		}
	}
	choices = slices.DeleteFunc(choices, func(c gridChoice) bool { return len(c.queries) == 0 })
	for i := range choices {
		choices[i].queries = choices[i].queries[:min(gridQueries, len(choices[i].queries))]
	}
	return choices
}

// Shown returns the indices of the test images that a report of these
// predictions shows, ascending: the images that need a thumbnail. They are those of
// retrieval, queries with their nearest images, or those of a classifier.
func Shown(predictions []runlog.Prediction) []int {
	var shown []int
	for _, c := range gridChoices(predictions) {
		for _, q := range c.queries {
			shown = append(shown, q.Index)
			for _, n := range q.Nearest[:min(gridHits, len(q.Nearest))] {
				shown = append(shown, n.Index)
			}
		}
	}
	for _, c := range galleryChoices(predictions) {
		for _, p := range c.queries {
			shown = append(shown, p.Index)
		}
	}
	slices.Sort(shown)
	return slices.Compact(shown)
}

// grids returns the section on retrieved images.
func grids(run *runlog.Run, predictions []runlog.Prediction) ([]picture, error) {
	var out []picture
	for _, c := range gridChoices(predictions) {
		f, err := grid(run, c.queries)
		if err != nil {
			return nil, err
		}
		p, err := newPicture("queries-"+fileName(c.heading), f, "Query images with their nearest images", c.caption)
		if err != nil {
			return nil, err
		}
		p.Heading = c.heading
		out = append(out, *p)
	}
	return out, nil
}

// fileName makes of a heading the name of a file: "Most certain" is "most-certain".
func fileName(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }

// grid returns the figure of some queries.
func grid(run *runlog.Run, predictions []runlog.Prediction) (*Grid, error) {
	var queries []Query
	for _, p := range predictions {
		img, err := thumbnail(run, p.Index)
		if err != nil {
			return nil, err
		}
		q := Query{Image: img, Uncertainty: p.Uncertainty}
		if p.Ambiguity != "" {
			q.Note = p.Ambiguity + " " + short(p.Amount)
		}
		for _, n := range p.Nearest[:min(gridHits, len(p.Nearest))] {
			img, err := thumbnail(run, n.Index)
			if err != nil {
				return nil, err
			}
			q.Hits = append(q.Hits, Hit{img, n.Correct, n.Alpha, n.Beta, n.Similarity})
		}
		queries = append(queries, q)
	}
	return NewGrid(queries)
}

// thumbnail reads a picture; nil if there is none.
func thumbnail(run *runlog.Run, index int) (image.Image, error) {
	img, err := run.Thumbnail(index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return img, err
}
