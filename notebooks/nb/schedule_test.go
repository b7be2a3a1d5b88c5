// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"

	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

func TestSchedule(t *testing.T) {
	s, err := NewSchedule([]string{"cub", "sop"}, []idml.Config{idml.CUB(), idml.SOP()})
	if err != nil {
		t.Fatal(err)
	}
	var canvas recorder.Canvas
	w, h := s.Size()
	s.Draw(draw.NewCanvas(&canvas, w, h))
	var texts []string
	for _, action := range canvas.Actions {
		if a, ok := action.(*recorder.FillString); ok { // that of the rates is drawn in a turned system
			texts = append(texts, a.String)
			if a.String != "learning rate" && !inside(vg.Rectangle{Max: vg.Point{X: w, Y: h}}, vg.Rectangle{Min: a.Point, Max: a.Point}) {
				t.Errorf("%q at %v is outside", a.String, a.Point)
			}
		}
	}
	for _, want := range []string{
		"cub", "sop", "1e-7", "1e-3", "60", "proxies and semantic head: epochs 1 to 60", "uncertainty head: epochs 6 to 60",
		"backbone, batch norm's scale and shift: epochs 6 to 60", "batch norm's mean and variance: never",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("it doesn't say %q: %q", want, texts)
		}
	}
	longer := idml.SOP()
	longer.WarmupEpochs++
	if _, err := NewSchedule([]string{"cub", "sop"}, []idml.Config{idml.CUB(), longer}); err == nil {
		t.Error("one set of bars stands for recipes of different warm-ups")
	}
	if _, err := NewSchedule([]string{"cub"}, nil); err == nil {
		t.Error("a name without a recipe")
	}
}

// tinyConfig is a configuration whose steps are compiled and taken in a moment.
func tinyConfig() idml.Config {
	c := idml.CUB()
	c.Data.ImageSize, c.Data.BatchSize, c.Data.Workers = 16, 8, 1
	c.Model.Weights, c.Model.EmbeddingSize = idml.RandomWeights, 8
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Basic, Width: 4, Blocks: []int{1}}
	c.Mixing.Method = idml.NoMixing
	return c
}

// TestBars takes a step in warm-up and one after it, and compares what they move with what the schedule says.
func TestBars(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles training steps")
	}
	backend := backendtest.Open(t)
	for name, change := range map[string]func(*idml.Config){
		"released": func(*idml.Config) {},
		"paper":    func(c *idml.Config) { c.Metric.Form, c.Model.BatchNorm = idml.Paper, idml.TrainedBatchNorm },
		"plain":    func(c *idml.Config) { c.Metric.Form = idml.Plain },
	} {
		t.Run(name, func(t *testing.T) {
			c := tinyConfig()
			change(&c)
			m := Must(idml.NewModel(c, 3))
			trainer := Must(idml.NewTrainer(backend, m))
			for _, epoch := range []int{0, c.WarmupEpochs} {
				in := randomStep(c)
				in.Warmup = epoch < c.WarmupEpochs
				before := allValues(m)
				Must(trainer.Step(in))
				moved := map[idml.Group]bool{}
				for key, values := range allValues(m) {
					moved[key.group] = moved[key.group] || !slices.Equal(values, before[key])
				}
				said := map[idml.Group]bool{}
				all := bars(c)
				for i, groups := range [][]idml.Group{{idml.Proxies, idml.SemanticHead}, {idml.UncertaintyHead}, {idml.Backbone}, {idml.Statistics}} {
					for _, g := range groups {
						said[g] = all[i].from <= epoch && epoch < all[i].to
					}
				}
				if diff := cmp.Diff(said, moved); diff != "" {
					t.Errorf("epoch %d, said and moved: %s", epoch+1, diff)
				}
			}
		})
	}
}

// randomStep returns a batch of noise.
func randomStep(c idml.Config) idml.StepInput {
	rng := rand.New(rand.NewPCG(1, 2))
	side := c.Data.ImageSize
	images := make([]uint8, c.Data.BatchSize*side*side*3)
	for i := range images {
		images[i] = uint8(rng.IntN(256))
	}
	return idml.StepInput{
		Images: tensors.FromFlatDataAndDimensions(images, c.Data.BatchSize, side, side, 3),
		Labels: tensors.FromValue([]int32{0, 1, 2, 0, 1, 2, 0, 1}), LearningRate: 0.01,
	}
}

type parameter struct {
	name  string
	group idml.Group
}

func allValues(m *idml.Model) map[parameter][]float32 {
	out := map[parameter][]float32{}
	for _, p := range m.Params() {
		out[parameter{p.Name, p.Group}] = slices.Clone(Must(m.Values(p.Name)))
	}
	return out
}
