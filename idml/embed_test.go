// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

// listed is a dataset of batches of gratings: the images with these indices. After the batches comes the error, if any; before
// is called before each.
type listed struct {
	batches [][]int
	err     error
	before  func(batch int)
}

func (listed) Name() string { return "listed" }

func (l listed) Iter() iter.Seq2[train.Batch, error] {
	g := gratings{classes: 5, size: 8}
	return func(yield func(train.Batch, error) bool) {
		for i, indices := range l.batches {
			if l.before != nil {
				l.before(i)
			}
			if !yield(g.images(indices), nil) {
				return
			}
		}
		if l.err != nil {
			yield(train.Batch{}, l.err)
		}
	}
}

// upTo returns the numbers from start to below end.
func upTo(start, end int) (list []int) {
	for i := start; i < end; i++ {
		list = append(list, i)
	}
	return list
}

// The embeddings stand in the order of the images; a short last batch gives the numbers that a full one gives; and what an image
// is embedded as doesn't depend on its neighbors.
func TestEmbed(t *testing.T) {
	c := tinyConfig()
	c.Model.UncertaintyInit = 1
	e, err := NewEmbedder(backendtest.Open(t), newModel(t, c))
	if err != nil {
		t.Fatal(err)
	}
	embed := func(batches ...[]int) *Embedded {
		out, err := e.Embed(t.Context(), listed{batches: batches})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const n, dim = 21, 8
	short := embed(upTo(0, 8), upTo(8, 16), upTo(16, n))
	if short.Semantic.Rows != n || short.Semantic.Cols != dim || len(short.Semantic.Data) != n*dim ||
		short.Uncertainty.Rows != n || short.Uncertainty.Cols != dim || len(short.Uncertainty.Data) != n*dim || len(short.Labels) != n {
		t.Fatalf("%d × %d, %d × %d, %d labels", short.Semantic.Rows, short.Semantic.Cols, short.Uncertainty.Rows, short.Uncertainty.Cols, len(short.Labels))
	}
	full := embed(upTo(0, 8), upTo(8, 16), append(upTo(16, n), 1, 2, 3))
	if !slices.Equal(short.Semantic.Data, full.Semantic.Data[:n*dim]) || !slices.Equal(short.Uncertainty.Data, full.Uncertainty.Data[:n*dim]) {
		t.Error("the short last batch has other embeddings than the full one")
	}
	backward := upTo(0, n+3)
	slices.Reverse(backward)
	reversed := embed(backward[:8], backward[8:16], backward[16:])
	for i := range n {
		if short.Labels[i] != i%5 {
			t.Errorf("label %d is %d, want %d", i, short.Labels[i], i%5)
		}
		var length float64
		for k := range dim {
			at, mirrored := i*dim+k, (n+2-i)*dim+k
			s, u := float64(short.Semantic.Data[at]), float64(short.Uncertainty.Data[at])
			length += s * s
			if math.Abs(s-float64(reversed.Semantic.Data[mirrored])) > 1e-5 || math.Abs(u-float64(reversed.Uncertainty.Data[mirrored])) > 1e-5*(1+math.Abs(u)) {
				t.Fatalf("image %d is embedded otherwise in another place", i)
			}
		}
		if math.Abs(length-1) > 1e-5 {
			t.Errorf("row %d has squared length %v", i, length)
		}
	}
	if slices.Equal(short.Semantic.Data[:dim], short.Semantic.Data[dim:2*dim]) || slices.Equal(short.Uncertainty.Data[:dim], short.Uncertainty.Data[dim:2*dim]) {
		t.Error("two images have the same embedding")
	}
	t.Run("faults", func(t *testing.T) { checkEmbedFaults(t, e) })
}

// An Embedder that is to give features gives them beside the embeddings it gives without, and the heads make the embeddings of them.
func TestEmbedFeatures(t *testing.T) {
	c := tinyConfig()
	c.Model.UncertaintyInit, c.Model.UncertaintyActivation = 1, TanhActivation
	m := newModel(t, c)
	embed := func(prepare func(compute.Backend, *Model) (*Embedder, error)) *Embedded {
		e, err := prepare(backendtest.Open(t), m)
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Embed(t.Context(), listed{batches: [][]int{upTo(0, 8), upTo(8, 13)}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	without, with := embed(NewEmbedder), embed(NewFeatureEmbedder)
	if without.Features.Rows != 0 || with.Features.Rows != 13 || with.Features.Cols != c.Model.Backbone.Channels() || with.Logits.Rows != 0 {
		t.Fatalf("features %d × %d, without %d", with.Features.Rows, with.Features.Cols, without.Features.Rows)
	}
	if relative(with.Semantic.Data, without.Semantic.Data) > 1e-5 || relative(with.Uncertainty.Data, without.Uncertainty.Data) > 1e-5 {
		t.Error("other embeddings with features")
	}
	weight, err := m.Values("uncertainty.weight")
	if err != nil {
		t.Fatal(err)
	}
	bias, err := m.Values("uncertainty.bias")
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	for i := range with.Features.Rows {
		for k, b := range bias {
			for j, x := range with.Features.Row(i) {
				b += weight[k*with.Features.Cols+j] * x
			}
			want = append(want, float32(math.Tanh(float64(b))))
		}
	}
	if relative(with.Uncertainty.Data, want) > 1e-5 {
		t.Error("the uncertainty head makes something else of the features")
	}
}

func checkEmbedFaults(t *testing.T, e *Embedder) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	_, err := e.Embed(ctx, listed{batches: [][]int{upTo(0, 8), upTo(0, 8), upTo(0, 8)}, before: func(batch int) {
		seen = batch
		if batch == 1 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("a context that ends before batch 1: %v, after batch %d", err, seen)
	}
	broken := errors.New("image 9 is broken")
	if _, err := e.Embed(t.Context(), listed{batches: [][]int{upTo(0, 8)}, err: broken}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "listed") {
		t.Errorf("a dataset that fails: %v", err)
	}
	empty, err := e.Embed(t.Context(), listed{})
	if err != nil || empty.Semantic.Rows != 0 || len(empty.Labels) != 0 {
		t.Errorf("a dataset without images: %v, %v", empty, err)
	}
}

// A model that is kept may have to embed batches of any number of sizes; GoMLX's own limit is 32.
func TestEmbedManySizes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles 33 programs")
	}
	c := tinyConfig()
	c.Model.Backbone.Block, c.Model.Backbone.Width = resnet.Basic, 1
	e, err := NewEmbedder(backendtest.Open(t), newModel(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 33 {
		if _, err := e.Embed(t.Context(), listed{batches: [][]int{upTo(0, n+1)}}); err != nil {
			t.Fatal(err)
		}
	}
}
