// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/gomlx/compute"

	"introspection/idml/retrieval"
	"introspection/idml/weights"
)

// EvaluateEmbeddings measures embeddings made elsewhere: a safetensors file with the tensors "embeddings" [n, d] float32, "labels" [n] int32
// or int64 and optionally "uncertainties" [n, d] and "clusters" [n], which are then used instead of k-means. Errors name the tensor and say what to do.
func EvaluateEmbeddings(ctx context.Context, backend compute.Backend, r io.Reader, o retrieval.Options) (*retrieval.Result, error) {
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, err
	}
	embeddings, err := matrix(f, "embeddings")
	if err != nil {
		return nil, err
	}
	if i := zeroRow(embeddings); i >= 0 {
		return nil, fmt.Errorf("embeddings holds nothing but 0 in row %d, which has no direction: remove such rows", i)
	}
	labels, err := integers(f, "labels", embeddings.Rows)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(labels, func(label int) bool { return label < 0 }); i >= 0 {
		return nil, fmt.Errorf("labels holds %d in row %d: number the classes from 0", labels[i], i)
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
		return retrieval.Matrix{}, fmt.Errorf("%s has shape %v, want [n, d]: one row an image", name, t.Shape)
	}
	if t.Shape[1] < 1 {
		return retrieval.Matrix{}, fmt.Errorf("%s has shape %v: store at least one column", name, t.Shape)
	}
	data, err := t.Float32()
	if err != nil {
		return retrieval.Matrix{}, fmt.Errorf("%w: store it as float32", err)
	}
	for i, v := range data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return retrieval.Matrix{}, fmt.Errorf("%s holds %v in row %d, column %d: remove such rows", name, v, i/t.Shape[1], i%t.Shape[1])
		}
	}
	return retrieval.Matrix{Rows: t.Shape[0], Cols: t.Shape[1], Data: data}, nil
}

// zeroRow returns the first row that is all zeros, -1 if there is none.
func zeroRow(m retrieval.Matrix) int {
	for i := range m.Rows {
		if !slices.ContainsFunc(m.Row(i), func(v float32) bool { return v != 0 }) {
			return i
		}
	}
	return -1
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
	list, err := t.Int()
	if err != nil {
		return nil, fmt.Errorf("%w: store it as int32 or int64", err)
	}
	return list, nil
}
