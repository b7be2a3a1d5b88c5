// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// A scorer scores images by what a model makes of them.
type scorer struct {
	embedder    *idml.Embedder
	list        []runlog.UncertaintyScore
	gallery     *gallery    // of the clean test images
	uncertainty [][]float32 // theirs
	proxies     *gallery    // nil without trained ones
}

// newScorer returns a scorer whose galleries are closed by close. It gives a classifier's features the length 1.
func newScorer(t trial, embedder *idml.Embedder, clean *idml.Embedded) (*scorer, error) {
	unitRows(clean)
	s := &scorer{embedder: embedder, list: []runlog.UncertaintyScore{scoreNorm, scoreBeta}, uncertainty: rowsOf(clean.Uncertainty)}
	if clean.Features.Rows > 0 {
		s.list = append(s.list, scoreFeatures)
	}
	var err error
	if s.gallery, err = newGallery(t.backend, clean.Semantic); err != nil {
		return nil, err
	}
	if t.config.Task == idml.Classification {
		s.list = append(s.list, scoreProbability)
		return s, nil
	}
	if !hasProxies(t.config.Loss.Name) {
		return s, nil
	}
	s.list = append(s.list, scoreProxy)
	values, err := t.model.Values(idml.ProxiesName)
	if err == nil {
		rows := retrieval.Matrix{Rows: t.model.Classes(), Cols: clean.Semantic.Cols, Data: values}
		for i := range rows.Rows {
			normalize(rows.Row(i))
		}
		s.proxies, err = newGallery(t.backend, rows)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// hasProxies tells whether a loss of retrieval trains proxies.
func hasProxies(loss string) bool {
	return slices.ContainsFunc(idml.Losses(), func(l idml.LossInfo) bool { return l.Name == loss && l.Proxies })
}

// normalize gives a row the length 1, unless it is all zeros.
func normalize(v []float32) {
	if length := norm(v); length > 0 {
		for k := range v {
			v[k] = float32(float64(v[k]) / length)
		}
	}
}

// close frees the galleries.
func (s *scorer) close() {
	s.gallery.close()
	if s.proxies != nil {
		s.proxies.close()
	}
}

// scores returns the scores of images; but says which test images j are not taken as neighbors of image i. A score that is no finite number is an error.
func (s *scorer) scores(ctx context.Context, e *idml.Embedded, but func(i, j int) bool) (scores, error) {
	unitRows(e)
	neighbors, err := s.gallery.nearest(ctx, e.Semantic, betaNeighbors, but)
	if err != nil {
		return nil, err
	}
	out := scores{
		scoreNorm.Name:     uncertainty.Norms(rowsOf(e.Uncertainty)),
		scoreBeta.Name:     uncertainty.MeanBetas(rowsOf(e.Uncertainty), s.uncertainty, neighbors),
		scoreFeatures.Name: uncertainty.Norms(rowsOf(e.Features)),
	}
	for i := range out[scoreFeatures.Name] {
		out[scoreFeatures.Name][i] *= -1
	}
	for i := range e.Logits.Rows {
		p := math.NaN()
		if top := classify.Top(e.Logits.Row(i), 1); len(top) > 0 {
			p = top[0].Probability
		}
		out[scoreProbability.Name] = append(out[scoreProbability.Name], 1-p)
	}
	if s.proxies != nil {
		distances := make([]float64, e.Semantic.Rows)
		err := s.proxies.distances(ctx, e.Semantic, func(i int, squared []float32) {
			distances[i] = math.Sqrt(max(float64(slices.Min(squared)), 0))
		})
		if err != nil {
			return nil, err
		}
		out[scoreProxy.Name] = distances
	}
	for _, score := range s.list {
		for i, v := range out[score.Name] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%s of image %d is %v: the network gives no finite numbers", score.Title, i, v)
			}
		}
	}
	return out, nil
}

// rowsOf returns the rows of a matrix, no copies.
func rowsOf(m retrieval.Matrix) [][]float32 {
	rows := make([][]float32, m.Rows)
	for i := range rows {
		rows[i] = m.Row(i)
	}
	return rows
}

// A gallery is rows, on the device, that others are compared with. Its distances are float32, so that of nearly equal ones either may come first: what [retrieval.Neighbors]
// decides exactly, for rows of one matrix, is here for the mean over several neighbors.
type gallery struct {
	exec       *graph.Exec
	rows       *tensors.Tensor
	count, dim int
}

// galleryTile is how many rows are compared with a gallery at a time. Ours: 60,000 rows of a gallery make 61 MB of distances.
const galleryTile = 256

func newGallery(backend compute.Backend, m retrieval.Matrix) (*gallery, error) {
	exec, err := graph.NewExec(backend, idml.SquaredDistances)
	if err != nil {
		return nil, err
	}
	return &gallery{exec, tensors.FromFlatDataAndDimensions(m.Data, m.Rows, m.Cols), m.Rows, m.Cols}, nil
}

func (g *gallery) close() {
	g.rows.MustFinalizeAll()
	g.exec.Finalize()
}

// distances calls use with the squared distances of each row of x to the gallery's rows; use must not keep them. The context is looked at between tiles.
func (g *gallery) distances(ctx context.Context, x retrieval.Matrix, use func(i int, squared []float32)) error {
	for start := 0; start < x.Rows; start += galleryTile {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(galleryTile, x.Rows-start)
		tile := make([]float32, galleryTile*g.dim) // filled up with zeros, so that one program serves all
		copy(tile, x.Data[start*g.dim:(start+n)*g.dim])
		queries := tensors.FromFlatDataAndDimensions(tile, galleryTile, g.dim)
		result, err := g.exec.Call(queries, g.rows)
		queries.MustFinalizeAll()
		if err != nil {
			return err
		}
		err = tensors.ConstFlatData(result[0], func(flat []float32) {
			for i := range n {
				use(start+i, flat[i*g.count:(i+1)*g.count])
			}
		})
		result[0].MustFinalizeAll()
		if err != nil {
			return err
		}
	}
	return nil
}

// nearest returns the k rows of the gallery that are nearest to each row of x, nearest first and equal ones by their number, or all if there are fewer, without those
// that but names.
func (g *gallery) nearest(ctx context.Context, x retrieval.Matrix, k int, but func(i, j int) bool) ([][]int, error) {
	lists := make([][]int, x.Rows)
	err := g.distances(ctx, x, func(i int, squared []float32) {
		var list []int
		for j, d := range squared {
			if len(list) == k && d >= squared[list[k-1]] || but(i, j) {
				continue
			}
			at := len(list)
			for at > 0 && d < squared[list[at-1]] {
				at--
			}
			list = slices.Insert(list, at, j)[:min(len(list)+1, k)]
		}
		lists[i] = list
	})
	return lists, err
}
