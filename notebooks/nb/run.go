// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/plots"
)

// Loss returns the panel of the training loss over the epochs: what was recorded, thin, and the mean of each epoch.
func Loss(records []runlog.Record) plots.Panel {
	perEpoch := map[int][]float64{}
	for _, r := range records {
		if r.Kind == runlog.KindStep {
			perEpoch[r.Epoch] = append(perEpoch[r.Epoch], r.Loss)
		}
	}
	each := plots.Series{Name: "steps", Background: true}
	means := plots.Series{Name: "mean of an epoch"}
	for epoch := 1; len(perEpoch[epoch]) > 0; epoch++ {
		losses := perEpoch[epoch]
		for i, loss := range losses {
			each.X = append(each.X, float64(epoch-1)+float64(i+1)/float64(len(losses)))
			each.Y = append(each.Y, loss)
		}
		means.X, means.Y = append(means.X, float64(epoch)-0.5), append(means.Y, mean(losses))
	}
	return plots.Panel{YLabel: "training loss", Series: []plots.Series{each, means}}
}

// Metric returns the panel of a metric on unseen classes over the epochs, epoch 0 being the untrained network, with the raw
// pixels' value as a line to compare with.
func Metric(records []runlog.Record, results runlog.Results, metric string) plots.Panel {
	s := plots.Series{Name: title(metric)}
	for _, r := range records {
		if v, ok := r.Metrics[metric]; ok && r.Kind == runlog.KindEval {
			s.X, s.Y = append(s.X, float64(r.Epoch)), append(s.Y, v)
		}
	}
	p := plots.Panel{YLabel: title(metric) + ", unseen classes", Series: []plots.Series{s}, FromZero: true}
	for _, row := range results.Rows {
		if v, ok := row.Metrics[metric]; ok && row.Name == runlog.RowRawPixels {
			p.Rules = append(p.Rules, plots.Rule{Name: row.Name, Y: v})
		}
	}
	return p
}

// Queries returns the rows of a retrieval grid: the predicted images, each with its nearest ones, hits at most. Images come from
// the dataset that was predicted.
func Queries(images *datasets.Dataset, predictions []runlog.Prediction, hits int) ([]plots.Query, error) {
	var queries []plots.Query
	for _, p := range predictions {
		img, err := images.Image(p.Index)
		if err != nil {
			return nil, err
		}
		q := plots.Query{Image: img.Image(), Uncertainty: p.Uncertainty, Note: clearName}
		if p.Ambiguity != "" {
			q.Note = fmt.Sprintf("%s %.2f", p.Ambiguity, p.Amount)
		}
		for _, n := range p.Nearest[:min(hits, len(p.Nearest))] {
			img, err := images.Image(n.Index)
			if err != nil {
				return nil, err
			}
			q.Hits = append(q.Hits, plots.Hit{Image: img.Image(), Correct: n.Correct, Alpha: n.Alpha, Beta: n.Beta, Similarity: n.Similarity})
		}
		queries = append(queries, q)
	}
	return queries, nil
}
