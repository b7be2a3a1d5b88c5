// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"io"

	"github.com/gomlx/compute"

	"introspection/idml"
	"introspection/idml/retrieval"
	"introspection/idml/weights"
)

// UncertaintyOfEmbeddings measures the uncertainty of embeddings made elsewhere: a safetensors file as [EvaluateEmbeddings] reads it, whose tensor "uncertainties" must be
// there. Without a network there are no other images: it measures how ‖u‖ and mean β tell wrong R@1, and how they go with the distance to the center of the class.
func UncertaintyOfEmbeddings(ctx context.Context, backend compute.Backend, r io.Reader, b BootstrapOptions) (*UncertaintyReport, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, err
	}
	e, err := embeddedOf(f)
	if err != nil {
		return nil, err
	}
	s := newUncertaintyStudy(trial{backend: backend, config: idml.Config{Task: idml.Retrieval}}, b, Options{})
	if err := s.scoreClean(ctx, nil, e); err != nil {
		return nil, err
	}
	defer s.scorer.close()
	return s.report, s.answers(ctx, e)
}

// embeddedOf returns the embeddings of a file, the semantic ones with the length 1.
func embeddedOf(f *weights.File) (*idml.Embedded, error) {
	e := &idml.Embedded{}
	var err error
	if e.Semantic, err = matrix(f, "embeddings"); err != nil {
		return nil, err
	}
	if i := zeroRow(e.Semantic); i >= 0 {
		return nil, fmt.Errorf("embeddings holds nothing but 0 in row %d, which has no direction: remove such rows", i)
	}
	if e.Labels, err = integers(f, "labels", e.Semantic.Rows); err != nil {
		return nil, err
	}
	if e.Uncertainty, err = matrix(f, "uncertainties"); err != nil {
		return nil, err
	}
	if e.Uncertainty.Rows != e.Semantic.Rows {
		return nil, fmt.Errorf("uncertainties has %d rows, embeddings %d: one row an image", e.Uncertainty.Rows, e.Semantic.Rows)
	}
	e.Semantic = retrieval.Matrix{Rows: e.Semantic.Rows, Cols: e.Semantic.Cols, Data: append([]float32(nil), e.Semantic.Data...)}
	for i := range e.Semantic.Rows {
		normalize(e.Semantic.Row(i))
	}
	return e, nil
}
