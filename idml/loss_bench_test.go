// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// BenchmarkIntrospective times what a loss adds to a training step, its value and its gradients by embeddings and proxies, in the plain form and in the
// introspective ones: 120 images, 512 dimensions, 100 classes.
func BenchmarkIntrospective(b *testing.B) {
	const batch, dim, classes = 120, 512, 100
	rng := rand.New(rand.NewPCG(1, 1))
	rows := func(n int, scale float64) *tensors.Tensor { return tensors.FromValue(randomRows(rng, n, dim, scale)) }
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = int32(i / 4 % classes)
	}
	args := []any{rows(batch, 1), rows(batch, 0.01), rows(classes, 0.14), tensors.FromValue(labels), []uint64{1, 2, 3}}
	for _, info := range Losses() {
		for _, form := range info.Forms {
			b.Run(info.Name+"/"+string(form), func(b *testing.B) {
				c, err := DefaultLoss(info.Name)
				if err != nil {
					b.Fatal(err)
				}
				l, err := NewLoss(c)
				if err != nil {
					b.Fatal(err)
				}
				exec, err := NewExec(backendtest.Open(b), func(in []*Node) []*Node {
					input := LossInput{Embedding: Embedding{normalizeRows(in[0]), in[1]}, Labels: in[3], Proxies: in[2]}
					_, input.Uniform = uniforms(in[4], batch)
					loss := l.Value(Metric{form, DefaultTau}, input)
					return append([]*Node{loss}, Gradient(loss, in[:3]...)...)
				})
				if err != nil {
					b.Fatal(err)
				}
				defer exec.Finalize()
				call := func() {
					out, err := exec.Call(args...)
					if err != nil {
						b.Fatal(err)
					}
					for _, t := range out {
						t.MustFinalizeAll()
					}
				}
				call() // compiles
				for b.Loop() {
					call()
				}
			})
		}
	}
}

// BenchmarkIntrospectiveStep times whole training steps, mixup included, of the smallest recipe's network on images of 32 pixels: what the introspective form adds
// to the step of a larger network is the same, and a smaller share.
func BenchmarkIntrospectiveStep(b *testing.B) {
	const classes = 100
	for _, info := range Losses() {
		for _, form := range info.Forms {
			if form != Plain && form != Paper {
				continue
			}
			b.Run(info.Name+"/"+string(form), func(b *testing.B) {
				c := Glyphs()
				c.Data.BatchSize, c.Model.EmbeddingSize, c.Metric.Form = 120, 512, form
				if err := c.UseLoss(info.Name); err != nil {
					b.Fatal(err)
				}
				m, err := NewModel(c, classes)
				if err != nil {
					b.Fatal(err)
				}
				trainer, err := NewTrainer(backendtest.Open(b), m)
				if err != nil {
					b.Fatal(err)
				}
				indices := make([]int, c.Data.BatchSize)
				for i := range indices {
					indices[i] = i%30 + i/30*classes
				}
				batch := gratings{classes: classes, size: c.Data.ImageSize}.images(indices)
				in := StepInput{Images: batch.Inputs[0], Labels: batch.Labels[0], LearningRate: 1e-4, Mix: c.Mixing.draw(1, 0, 0, c.Data.BatchSize), Random: drawState(1, 0, 0)}
				step := func() {
					if _, err := trainer.Step(in); err != nil {
						b.Fatal(err)
					}
				}
				step() // compiles
				for b.Loop() {
					step()
				}
			})
		}
	}
}
