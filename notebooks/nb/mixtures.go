// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"context"
	"fmt"
	"image"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/datasets"
	"introspection/idml"
)

// A Mixture is images of which each was mixed with another one, all in the same way.
type Mixture struct {
	// Method is idml.Mixup or idml.CutMix. Lambda is the share of the image itself that is left: of CutMix the exact one, whatever was asked for.
	Method string
	Lambda float64

	side   int
	pixels []uint8 // [n, side, side, 3]
}

// PureMixture returns the images of a dataset as they are, n at most, evenly among all. They must be squares of one size.
func PureMixture(d *datasets.Dataset, n int) (*Mixture, error) {
	all := make([]int, len(d.Examples))
	for i := range all {
		all[i] = i
	}
	m := &Mixture{Lambda: 1}
	for _, i := range spaced(all, n) {
		img, err := d.Image(i)
		if err != nil {
			return nil, err
		}
		if m.side == 0 {
			m.side = img.Width
		}
		if img.Width != m.side || img.Height != m.side {
			return nil, fmt.Errorf("nb: %s is of %d × %d pixels, others of %d × %[4]d", d.Examples[i].Name, img.Width, img.Height, m.side)
		}
		m.pixels = append(m.pixels, img.Pix...)
	}
	if m.side == 0 {
		return nil, fmt.Errorf("nb: mixtures of a dataset without images: %s", d.Name)
	}
	return m, nil
}

// Len returns the number of images.
func (m *Mixture) Len() int { return len(m.pixels) / (m.side * m.side * 3) }

// Name tells the method and the share, as "mixup 0.50"; "pure" of images that aren't mixed.
func (m *Mixture) Name() string {
	if m.Method == "" {
		return pureName
	}
	return fmt.Sprintf("%s %.2f", m.Method, m.Lambda)
}

const pureName = "pure"

// Mix returns these images mixed by a method, by the library's graph: each with the next one in an order that the seed decides, so that none is mixed with itself. CutMix
// cuts its box from the middle.
func (m *Mixture) Mix(backend compute.Backend, method string, lambda float64, seed uint64) (*Mixture, error) {
	images := tensors.FromFlatDataAndDimensions(m.pixels, m.Len(), m.side, m.side, 3)
	defer images.MustFinalizeAll()
	mixed, mix, err := idml.MixPixels(backend, method, images, cycle(m.Len(), seed), lambda, [2]int{m.side / 2, m.side / 2})
	if err != nil {
		return nil, err
	}
	defer mixed.MustFinalizeAll()
	pixels, err := tensors.CopyFlatData[uint8](mixed)
	return &Mixture{Method: method, Lambda: mix.Lambda, side: m.side, pixels: pixels}, err
}

// cycle returns a permutation that leads from each number below n through all others back to it.
func cycle(n int, seed uint64) []int32 {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(n)
	next := make([]int32, n)
	for k, i := range order {
		next[i] = int32(order[(k+1)%n])
	}
	return next
}

// Image returns an image.
func (m *Mixture) Image(i int) image.Image {
	size := m.side * m.side * 3
	return (&datasets.RGB{Width: m.side, Height: m.side, Pix: m.pixels[i*size : (i+1)*size]}).Image()
}

// Norms returns the norm ‖u‖ of each image's uncertainty embedding.
func (m *Mixture) Norms(ctx context.Context, e *idml.Embedder) ([]float64, error) {
	embedded, err := e.Embed(ctx, mixtureBatches{m})
	if err != nil {
		return nil, err
	}
	var norms []float64
	for i := range embedded.Uncertainty.Rows {
		sum := 0.0
		for _, v := range embedded.Uncertainty.Row(i) {
			sum += float64(v) * float64(v)
		}
		norms = append(norms, math.Sqrt(sum))
	}
	return norms, nil
}

// mixtureBatches are the batches of a mixture, as an idml.Embedder takes them; labels are 0.
type mixtureBatches struct{ m *Mixture }

// mixtureBatch is the number of images of a batch: all mixtures' are the same, so that one program serves them.
const mixtureBatch = 100

// Name implements train.Dataset.
func (b mixtureBatches) Name() string { return b.m.Name() }

// Iter implements train.Dataset.
func (b mixtureBatches) Iter() iter.Seq2[train.Batch, error] {
	size := b.m.side * b.m.side * 3
	return func(yield func(train.Batch, error) bool) {
		for start := 0; start < b.m.Len(); start += mixtureBatch {
			n := min(mixtureBatch, b.m.Len()-start)
			pixels := b.m.pixels[start*size : (start+n)*size]
			if !yield(train.Batch{
				Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, n, b.m.side, b.m.side, 3)},
				Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(make([]int32, n), n)},
			}, nil) {
				return
			}
		}
	}
}

// NewMixtureSheet returns a sheet of some images of a mixture, by their numbers: for each image and method a row, from the other image to the image itself by the shares
// lambdas, which stand below. What CutMix leaves exactly, for a box has whole pixels, stands there for it.
func NewMixtureSheet(backend compute.Backend, pure *Mixture, numbers []int, methods []string, lambdas []float64, seed uint64) (*Sheet, error) {
	s := &Sheet{columns: len(lambdas)}
	rows := make([]sheetRow, len(numbers)*len(methods))
	for k, method := range methods {
		for _, lambda := range lambdas {
			mixed, err := pure.Mix(backend, method, lambda, seed)
			if err != nil {
				return nil, err
			}
			for i, number := range numbers {
				row := &rows[i*len(methods)+k]
				row.name = method
				row.images, row.notes = append(row.images, mixed.Image(number)), append(row.notes, fmt.Sprintf("λ %.2f", mixed.Lambda))
			}
		}
	}
	s.rows = rows
	if len(rows) == 0 || len(lambdas) == 0 {
		return nil, fmt.Errorf("nb: a sheet of %d mixtures in %d shares", len(rows), len(lambdas))
	}
	return s, nil
}
