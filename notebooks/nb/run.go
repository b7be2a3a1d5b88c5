// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/plots"
)

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
