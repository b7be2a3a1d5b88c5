// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"introspection/idml/runlog"
	"introspection/internal/plane"
)

const (
	mostSummarized = 500  // values that a summary keeps
	mostProjected  = 2000 // test images in a projection: t-SNE's time grows with their square
	briefDigits    = 6    // of the numbers in uncertainty.json that figures are drawn of
)

// spaced returns at most n of the numbers below all, at equal distances from 0 on.
func spaced(all, n int) []int {
	n = min(n, all)
	list := make([]int, n)
	for k := range list {
		list[k] = k * all / n
	}
	return list
}

// summary returns at most mostSummarized of some values, ascending, at equal distances from the least to the largest.
func summary(values []float64) []float64 {
	values = slices.Sorted(slices.Values(values))
	if n := len(values); n > mostSummarized {
		kept := make([]float64, mostSummarized)
		for k := range kept {
			kept[k] = values[k*(n-1)/(mostSummarized-1)]
		}
		values = kept
	}
	return brief(values)
}

// brief returns values rounded to briefDigits.
func brief(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', briefDigits, 64), 64) // reads what was just written
	}
	return out
}

// project puts test images into the plane, by their semantic embeddings.
func (s *uncertaintyStudy) project(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	some := spaced(len(s.embedded.Labels), mostProjected)
	s.options.stage("uncertainty: %d images in the plane", len(some))
	rows := make([][]float32, len(some))
	for k, i := range some {
		rows[k] = s.embedded.Semantic.Row(i)
	}
	components, explained, err := plane.PCA(rows)
	if err != nil {
		return fmt.Errorf("projection: %w", err)
	}
	o := plane.DefaultTSNE(len(rows))
	o.Seed = s.config.Seed
	near, divergence, err := plane.TSNE(rows, components, o)
	if err != nil {
		return fmt.Errorf("projection: %w", err)
	}
	p := &runlog.Projection{Perplexity: o.Perplexity, Divergence: divergence, Explained: explained}
	norms := brief(pick(s.clean[scoreNorm.Name], some))
	for k, i := range some {
		label := s.embedded.Labels[i]
		p.Points = append(p.Points, runlog.Place{
			Index: i, Label: label, Class: s.task.Split.Test.Classes[label], Uncertainty: norms[k],
			PCA: [2]float64(brief(components[k][:])), TSNE: [2]float64(brief(near[k][:])),
		})
	}
	s.report.Projection = p
	return nil
}
