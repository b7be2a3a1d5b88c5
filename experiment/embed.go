// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/datasets"
	"introspection/idml"
)

// EmbedOptions say which images are embedded: those of a folder, or those of the run.
type EmbedOptions struct {
	// Folder holds JPEG and PNG images, in folders of classes or not; see datasets.Tree.
	Folder string
	// Split is "test" or "train", the run's own images, where Folder is "".
	Split string
	// OnBadImage says what to do about an image that can't be decoded.
	OnBadImage datasets.BadImagePolicy
	// Progress is called after each batch with how many images were embedded so far; nil is not called.
	Progress func(done, total int)
}

// Embed embeds images with the model of a run, by its newest checkpoint, or with a checkpoint, where path is a file. Images go through the transform of
// evaluation. Those that are skipped, by OnBadImage, are warned of.
func Embed(ctx context.Context, backend compute.Backend, path string, e EmbedOptions, o Options) (*Index, error) {
	n, err := openNetwork(path, o)
	if err != nil {
		return nil, err
	}
	loader, source, err := n.images(path, e, o.Resident)
	if err != nil {
		return nil, err
	}
	x := &Index{Source: source, Run: path, Epoch: n.state.Epoch, Step: n.state.Step}
	if x.Model, err = n.fingerprint(); err != nil {
		return nil, err
	}
	embedder, err := idml.NewEmbedder(backend, n.model)
	if err != nil {
		return nil, err
	}
	embedded, err := embedder.Embed(ctx, counted{loader.Epoch(0, 0), len(loader.Data.Examples), e.Progress})
	if err != nil {
		return nil, err
	}
	left := loader.Data
	if bad := loader.BadImages(); len(bad) > 0 {
		o.warn("%d of %d images were left out; the first: %v", len(bad), len(left.Examples), bad[0].Err)
		var indices []int
		for _, b := range bad {
			indices = append(indices, b.Index)
		}
		left = left.Without(indices)
	}
	x.describe(embedded, left)
	return x, nil
}

// describe fills in the embeddings and what is known of their images.
func (x *Index) describe(e *idml.Embedded, d *datasets.Dataset) {
	unitRows(e)
	x.Semantic, x.Uncertainty = e.Semantic, e.Uncertainty
	for _, example := range d.Examples {
		x.Paths = append(x.Paths, example.Name)
	}
	if !slices.Equal(d.Classes, []string{""}) {
		x.Labels, x.Classes = e.Labels, d.Classes
	}
}

// unitRows gives a classifier's features the length 1, which embeddings of retrieval have.
func unitRows(e *idml.Embedded) {
	if e.Logits.Rows == 0 {
		return
	}
	for i := range e.Semantic.Rows {
		normalize(e.Semantic.Row(i))
	}
}

// images returns a loader of the images that are to be embedded, and what they are.
func (n network) images(path string, e EmbedOptions, r *Resident) (*datasets.Loader, string, error) {
	l := &datasets.Loader{
		Order: datasets.Sequential{}, BatchSize: n.config.Data.BatchSize, OnBadImage: e.OnBadImage, Seed: n.config.Seed, Workers: n.config.Data.Workers,
	}
	if e.Folder != "" {
		if info, err := os.Stat(e.Folder); err != nil || !info.IsDir() {
			return nil, "", fmt.Errorf("%s is not a folder", e.Folder)
		}
		d, err := datasets.Tree(os.DirFS(e.Folder), e.Folder)
		l.Data, l.Transform = d, photographs(n.config.Data)
		return l, e.Folder, err
	}
	task, err := r.openTask(n.config)
	if err != nil {
		return nil, "", err
	}
	l.Transform = task.test.Transform
	switch e.Split {
	case "test":
		l.Data = task.Split.Test
	case "train":
		l.Data = task.Split.Train
	default:
		return nil, "", fmt.Errorf("split %q: want test or train", e.Split)
	}
	return l, path + ", " + e.Split, nil
}

// photographs returns the transform of evaluation for images of any size. The embedded sets, whose images have the right size, do without one: there an
// image is scaled to that size.
func photographs(c idml.DataConfig) datasets.Transform {
	if slices.Contains([]string{"glyphs", "fashion", "cifar10", "cifar100"}, c.Name) {
		return datasets.Compose{datasets.Resize{Size: c.ImageSize}, datasets.CenterCrop{Size: c.ImageSize}}
	}
	_, fixed := transforms(c)
	return fixed
}

// counted is a dataset whose images are counted as they are used.
type counted struct {
	train.Dataset
	total int
	tell  func(done, total int)
}

// Iter returns the batches of the dataset.
func (c counted) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		done := 0
		for batch, err := range c.Dataset.Iter() {
			if err == nil {
				done += batch.Inputs[0].Shape().Dimensions[0]
			}
			if !yield(batch, err) {
				return
			}
			if c.tell != nil {
				c.tell(done, c.total)
			}
		}
	}
}
