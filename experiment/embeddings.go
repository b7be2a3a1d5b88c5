// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/gomlx/compute"

	"introspection/idml/retrieval"
	"introspection/idml/weights"
)

// EvaluateEmbeddings measures embeddings made elsewhere: a safetensors file with the tensors "embeddings" [n, d] float32, "labels" [n] int32
// or int64 and optionally "uncertainties" [n, d] and "clusters" [n], which are then used instead of k-means.
func EvaluateEmbeddings(ctx context.Context, backend compute.Backend, r io.Reader, o retrieval.Options) (*retrieval.Result, error) {
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, err
	}
	embeddings, err := matrix(f, "embeddings")
	if err != nil {
		return nil, err
	}
	labels, err := integers(f, "labels", embeddings.Rows)
	if err != nil {
		return nil, err
	}
	if _, ok := f.Tensor("uncertainties"); ok {
		uncertainties, err := matrix(f, "uncertainties")
		if err != nil {
			return nil, err
		}
		if uncertainties.Rows != embeddings.Rows {
			return nil, fmt.Errorf("uncertainties has %d rows, embeddings %d: one row an image", uncertainties.Rows, embeddings.Rows)
		}
	}
	if _, ok := f.Tensor("clusters"); ok {
		if o.Clusters, err = integers(f, "clusters", embeddings.Rows); err != nil {
			return nil, err
		}
	}
	return retrieval.Evaluate(ctx, backend, embeddings, labels, o)
}

// matrix returns the named tensor [n, d], whose values must be finite.
func matrix(f *weights.File, name string) (retrieval.Matrix, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return retrieval.Matrix{}, fmt.Errorf("there is no tensor %q [n, d]: store one of float32", name)
	}
	if len(t.Shape) != 2 {
		return retrieval.Matrix{}, fmt.Errorf("%s has shape %v, want [n, d]", name, t.Shape)
	}
	data, err := t.Float32()
	if err != nil {
		return retrieval.Matrix{}, err
	}
	for i, v := range data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return retrieval.Matrix{}, fmt.Errorf("%s holds %v in row %d, column %d: remove such rows", name, v, i/t.Shape[1], i%t.Shape[1])
		}
	}
	return retrieval.Matrix{Rows: t.Shape[0], Cols: t.Shape[1], Data: data}, nil
}

// integers returns the named tensor [n].
func integers(f *weights.File, name string, n int) ([]int, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("there is no tensor %q [n]: store one of int32 or int64", name)
	}
	if len(t.Shape) != 1 || t.Shape[0] != n {
		return nil, fmt.Errorf("%s has shape %v, want [%d]: one number for each row of embeddings", name, t.Shape, n)
	}
	return t.Int()
}
