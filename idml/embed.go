// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/idml/resnet"
	"introspection/idml/retrieval"
)

// Embedded holds the embeddings of a dataset's images, in the dataset's order.
type Embedded struct {
	// Semantic [n, dim] has rows of length 1; in classification, it is the averages of the feature maps [n, channels].
	Semantic retrieval.Matrix
	// Uncertainty [n, dim] is as the uncertainty head gives it, behind its activation: see [ModelConfig].
	Uncertainty retrieval.Matrix
	// Logits [n, classes] are a classifier's plain ones; empty in retrieval.
	Logits retrieval.Matrix
	// Features [n, channels] are the pooled feature maps that the heads see; empty but from a [NewFeatureEmbedder].
	Features retrieval.Matrix
	Labels   []int
}

// Embedder embeds images with a model, by stored statistics of batch normalization.
type Embedder struct {
	exec     *model.Exec
	logits   bool // the program's results end with logits,
	features bool // and features
}

// NewEmbedder prepares the embedding of images. It sees the model's values as they are at each call. A second Embedder of a model on the same backend has the first one's program.
func NewEmbedder(backend compute.Backend, m *Model) (*Embedder, error) {
	return newEmbedder(backend, m, false)
}

// NewFeatureEmbedder is NewEmbedder whose Embedder also gives Embedded.Features.
func NewFeatureEmbedder(backend compute.Backend, m *Model) (*Embedder, error) {
	return newEmbedder(backend, m, true)
}

func newEmbedder(backend compute.Backend, m *Model, features bool) (*Embedder, error) {
	embedder := &Embedder{logits: m.config.Task == Classification, features: features}
	p := m.on(backend)
	exec, err := prepare(p, p.embeddings, features, func() (*model.Exec, error) {
		return model.NewExec(backend, m.store, func(_ *model.Scope, images *graph.Node) []*graph.Node {
			features := m.features(images, resnet.StoredStatistics)
			e := m.heads(features)
			out := []*graph.Node{e.Semantic, e.Uncertainty}
			if embedder.logits {
				weight, bias := m.classifier(images.Graph())
				out = append(out, linear(e.Semantic, weight, bias))
			}
			if embedder.features {
				out = append(out, features)
			}
			return out
		})
	})
	if err != nil {
		return nil, fmt.Errorf("idml: preparing the embedding: %w", err)
	}
	embedder.exec = exec.SetMaxCache(-1) // GoMLX takes 32 sizes of batches, and a worker may come to more: each folder with fewer images than a batch is another
	return embedder, nil
}

// parts returns where the program's results go.
func (e *Embedder) parts(out *Embedded) []*retrieval.Matrix {
	list := []*retrieval.Matrix{&out.Semantic, &out.Uncertainty}
	if e.logits {
		list = append(list, &out.Logits)
	}
	if e.features {
		list = append(list, &out.Features)
	}
	return list
}

// Embed returns the embeddings of all images of a dataset, whose batches are images uint8 [batch, h, w, 3] and labels int32 [batch]. A last batch that is
// shorter is filled up for the device, so that one program serves all. The context is looked at between batches.
func (e *Embedder) Embed(ctx context.Context, ds train.Dataset) (*Embedded, error) {
	out := &Embedded{}
	full := 0
	for batch, err := range ds.Iter() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("idml: embedding %s: %w", ds.Name(), err)
		}
		full = max(full, batch.Inputs[0].Shape().Dimensions[0])
		if err := e.batch(batch, full, out); err != nil {
			return nil, fmt.Errorf("idml: embedding %s: %w", ds.Name(), err)
		}
	}
	return out, nil
}

// batch appends the embeddings of one batch, which it finalizes.
func (e *Embedder) batch(batch train.Batch, full int, out *Embedded) error {
	defer func() {
		batch.Inputs[0].MustFinalizeAll()
		batch.Labels[0].MustFinalizeAll()
	}()
	labels, err := tensors.CopyFlatData[int32](batch.Labels[0])
	if err != nil {
		return err
	}
	images := batch.Inputs[0]
	if len(labels) < full {
		if images, err = padBatch(images, full); err != nil {
			return err
		}
		defer images.MustFinalizeAll()
	}
	parts, err := e.exec.Call(images)
	if err != nil {
		return err
	}
	for i, part := range parts {
		defer part.MustFinalizeAll()
		to := e.parts(out)[i]
		to.Rows, to.Cols = to.Rows+len(labels), part.Shape().Dimensions[1]
		if err := tensors.ConstFlatData(part, func(flat []float32) {
			to.Data = append(to.Data, flat[:len(labels)*to.Cols]...)
		}); err != nil {
			return err
		}
	}
	for _, label := range labels {
		out.Labels = append(out.Labels, int(label))
	}
	return nil
}

// padBatch returns images uint8 [n, h, w, 3] with n filled up by black images.
func padBatch(images *tensors.Tensor, n int) (*tensors.Tensor, error) {
	dims := images.Shape().Dimensions
	padded := tensors.FromShape(shapes.Make(dtypes.Uint8, n, dims[1], dims[2], dims[3]))
	flat, err := tensors.CopyFlatData[uint8](images)
	if err != nil {
		return nil, err
	}
	return padded, tensors.MutableFlatData(padded, func(to []uint8) { copy(to, flat) })
}
