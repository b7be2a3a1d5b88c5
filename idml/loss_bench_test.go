// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// BenchmarkIntrospective times what a loss adds to a training step, its value and its gradients by embeddings and proxies, in each of its forms: 120
// images, 512 dimensions, 100 classes.
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
		b.Run(info.Name, func(b *testing.B) {
			l, err := NewLoss(defaultLoss(b, info.Name))
			if err != nil {
				b.Fatal(err)
			}
			compareForms(b, info.Forms, func(form Form) func() error {
				exec, err := NewExec(backendtest.Open(b), func(in []*Node) []*Node {
					input := LossInput{Embedding: Embedding{normalizeRows(in[0]), in[1]}, Labels: in[3], Proxies: in[2]}
					_, input.Uniform = uniforms(in[4], batch)
					loss := l.Value(Metric{form, DefaultTau}, input)
					return append([]*Node{loss}, Gradient(loss, in[:3]...)...)
				})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(exec.Finalize)
				return func() error {
					out, err := exec.Call(args...)
					for _, t := range out {
						t.MustFinalizeAll()
					}
					return err
				}
			})
		})
	}
}

// BenchmarkIntrospectiveStep times whole training steps, mixup included, of 120 images of 32 pixels by the smallest recipe's network with 512 dimensions and 100
// classes. What the introspective form adds to the step of a larger network is the same, and a smaller share.
func BenchmarkIntrospectiveStep(b *testing.B) {
	const classes = 100
	for _, info := range Losses() {
		b.Run(info.Name, func(b *testing.B) {
			compareForms(b, []Form{Plain, Paper}, func(form Form) func() error {
				c := Glyphs()
				c.Data.BatchSize, c.Model.EmbeddingSize, c.Metric.Form, c.Loss = 120, 512, form, defaultLoss(b, info.Name)
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
					indices[i] = i%30 + i/30*classes // four images of a class
				}
				batch := gratings{classes: classes, size: c.Data.ImageSize}.images(indices)
				in := StepInput{
					Images: batch.Inputs[0], Labels: batch.Labels[0], LearningRate: 1e-4, Mix: c.Mixing.draw(1, 0, 0, c.Data.BatchSize, c.Data.ImageSize), Random: drawState(1, 0, 0),
				}
				return func() error {
					_, err := trainer.Step(in)
					return err
				}
			})
		})
	}
}

func defaultLoss(b *testing.B, name string) LossConfig {
	b.Helper()
	c, err := DefaultLoss(name)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// compareForms runs what each form is given by turns, so that other work on the machine slows all alike, and reports the shortest time of each, and the median
// of its ratio to the first's of the same turn.
func compareForms(b *testing.B, forms []Form, prepare func(Form) func() error) {
	b.Helper()
	calls := make([]func() error, len(forms))
	for i, form := range forms {
		calls[i] = prepare(form)
		if err := calls[i](); err != nil { // compiles
			b.Fatal(err)
		}
	}
	shortest, ratios := make([]float64, len(forms)), make([][]float64, len(forms))
	for b.Loop() {
		var first float64
		for i, call := range calls {
			start := time.Now()
			if err := call(); err != nil {
				b.Fatal(err)
			}
			seconds := time.Since(start).Seconds()
			if i == 0 {
				first = seconds
			}
			if len(ratios[i]) == 0 || seconds < shortest[i] {
				shortest[i] = seconds
			}
			ratios[i] = append(ratios[i], seconds/first)
		}
	}
	b.ReportMetric(0, "ns/op") // of all forms together, of no interest
	for i, form := range forms {
		b.ReportMetric(shortest[i]*1e3, fmt.Sprintf("ms-%s", form))
		if slices.Sort(ratios[i]); i > 0 {
			b.ReportMetric(ratios[i][len(ratios[i])/2], fmt.Sprintf("%s/%s", form, forms[0]))
		}
	}
}
