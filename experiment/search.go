// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"os"

	"github.com/gomlx/compute"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/retrieval"
)

// Found is what a search found: the images nearest to a query, nearest first.
type Found struct {
	Query string `json:"query"`
	// Uncertainty is the norm ‖u‖ of the query's uncertainty embedding.
	Uncertainty float64     `json:"uncertainty"`
	Metric      idml.Metric `json:"metric"`
	Nearest     []Hit       `json:"nearest"`
}

// Hit is an image of an index as it is seen from the query: α = ‖s₁−s₂‖ of the semantic embeddings, by which hits are ordered, β = ‖u₁+u₂‖ of the
// uncertainties, and the similarity by the run's metric.
type Hit struct {
	Rank  int    `json:"rank"` // from 1
	Path  string `json:"path"`
	Class string `json:"class,omitempty"`

	Alpha       float64 `json:"alpha"`
	Beta        float64 `json:"beta"`
	Similarity  float64 `json:"similarity"`
	Uncertainty float64 `json:"uncertainty"`
}

// Search finds the k images of an index that are nearest to an image file, all if the index has fewer. path is the run, or the checkpoint, whose
// model made the index; another model's embeddings can't be compared, and are an error. The neighbors are exact.
func Search(ctx context.Context, backend compute.Backend, path string, x *Index, query string, k int, o Options) (*Found, error) {
	image, err := openQuery(query)
	if err != nil {
		return nil, err
	}
	n, err := openNetwork(path, o)
	if err != nil {
		return nil, err
	}
	if err := n.checkIndex(path, x); err != nil {
		return nil, err
	}
	e, err := n.embedImage(ctx, backend, image)
	if err != nil {
		return nil, err
	}
	nearest, err := retrieval.Nearest(x.Semantic, e.Semantic.Row(0), min(k, len(x.Paths)))
	if err != nil {
		return nil, err
	}
	for _, i := range nearest { // behind the query, so that pairs are described as in predictions
		e.Semantic.Data = append(e.Semantic.Data, x.Semantic.Row(i)...)
		e.Uncertainty.Data = append(e.Uncertainty.Data, x.Uncertainty.Row(i)...)
		e.Labels = append(e.Labels, 0)
	}
	found := &Found{Query: query, Uncertainty: norm(row(e.Uncertainty, 0)), Metric: n.model.Metric()}
	for r, i := range nearest {
		pair := neighbor(n.model, e, 0, r+1)
		found.Nearest = append(found.Nearest, Hit{
			Rank: r + 1, Path: x.Paths[i], Class: x.Class(i),
			Alpha: pair.Alpha, Beta: pair.Beta, Similarity: pair.Similarity, Uncertainty: norm(row(e.Uncertainty, r+1)),
		})
	}
	return found, nil
}

// openQuery reads an image file.
func openQuery(name string) (*datasets.RGB, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	image, err := datasets.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s is not an image that can be read: %w", name, err)
	}
	return image, nil
}

// checkIndex returns an error if the index was made by another model.
func (n network) checkIndex(path string, x *Index) error {
	size := n.config.Model.EmbeddingSize
	if n.config.Task == idml.Classification {
		size = n.config.Model.Backbone.Channels()
	}
	if x.Semantic.Cols != size || x.Uncertainty.Cols != n.config.Model.EmbeddingSize {
		return fmt.Errorf("the index has embeddings of %d dimensions, the model of %s makes %d: embed the images with it first (idml embed)", x.Semantic.Cols, path, size)
	}
	fingerprint, err := n.fingerprint()
	if err != nil {
		return err
	}
	if x.Model != fingerprint {
		return fmt.Errorf("the index was made by another model (%s at step %d) than that of %s (at step %d): name that one, or embed the images anew (idml embed)",
			x.Run, x.Step, path, n.state.Step)
	}
	return nil
}

// embedImage embeds one image as Embed does.
func (n network) embedImage(ctx context.Context, backend compute.Backend, image *datasets.RGB) (*idml.Embedded, error) {
	embedder, err := idml.NewEmbedder(backend, n.model)
	if err != nil {
		return nil, err
	}
	one := datasets.New("query", []string{""}, []datasets.Example{{Name: "query", Ambiguity: datasets.Ambiguity{Other: -1}}},
		func(int) (*datasets.RGB, error) { return image, nil })
	loader := datasets.Loader{
		Data: one, Order: datasets.Sequential{}, Transform: photographs(n.config.Data), BatchSize: 1, OnBadImage: datasets.StopOnBadImage,
		Seed: n.config.Seed, Workers: 1,
	}
	embedded, err := embedder.Embed(ctx, loader.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	unitRows(embedded)
	return embedded, nil
}
