// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// gratings are synthetic images: each class is a grating of its own direction and color, with noise of its own in each image.
type gratings struct {
	classes, perClass, batch, size int
	first                          int    // label 0 is this direction
	others                         uint64 // other images of the same classes
	epoch, skip                    int
	shuffle, keepShort             bool
}

func (g gratings) Name() string { return "gratings" }

func (g gratings) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		order := make([]int, g.classes*g.perClass)
		for i := range order {
			order[i] = i
		}
		if g.shuffle {
			order = rand.New(rand.NewPCG(uint64(g.epoch), 1)).Perm(len(order))
		}
		for start := g.skip * g.batch; start < len(order); start += g.batch {
			end := min(start+g.batch, len(order))
			if g.shuffle && !g.keepShort && end-start < g.batch {
				return
			}
			if !yield(g.images(order[start:end]), nil) {
				return
			}
		}
	}
}

func (g gratings) images(indices []int) train.Batch {
	var pixels []uint8
	labels := make([]int32, len(indices))
	for k, i := range indices {
		class := i % g.classes
		labels[k] = int32(class)
		rng := rand.New(rand.NewPCG(uint64(i), uint64(g.first)+g.others))
		angle, phase := float64(class+g.first)*0.4, rng.Float64()*2
		for y := range g.size {
			for x := range g.size {
				wave := math.Sin((math.Cos(angle)*float64(x)+math.Sin(angle)*float64(y))*0.9 + phase)
				for c := range 3 {
					level := 128 + 60*wave*math.Cos(angle+float64(c)) + 20*rng.NormFloat64()
					pixels = append(pixels, uint8(max(0, min(255, level))))
				}
			}
		}
	}
	return train.Batch{
		Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, len(indices), g.size, g.size, 3)},
		Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(labels, len(indices))},
	}
}

// smallConfig trains a tiny network on gratings in seconds.
func smallConfig() Config {
	c := Glyphs()
	c.Epochs = 4
	c.Data.ImageSize, c.Data.BatchSize = 16, 16
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Bottleneck, Width: 8, Blocks: []int{1, 1}}
	c.Model.EmbeddingSize = 16
	c.Optimizer.LearningRate = 3e-3
	return c
}

// tinyConfig is too small to learn, and compiles fast.
func tinyConfig() Config {
	c := smallConfig()
	c.Epochs = 2
	c.Data.ImageSize = 8
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Bottleneck, Width: 4, Blocks: []int{1}}
	c.Model.EmbeddingSize = 8
	return c
}

func smallData(c Config) Data {
	trainSet := gratings{classes: 6, perClass: 16, batch: c.Data.BatchSize, size: c.Data.ImageSize, shuffle: true}
	test := gratings{classes: 5, perClass: 9, batch: c.Data.BatchSize, size: c.Data.ImageSize, first: 7}
	return Data{
		Classes: trainSet.classes, Batches: 6, Evaluation: test,
		Train: func(epoch, skip int) train.Dataset {
			d := trainSet
			d.epoch, d.skip = epoch, skip
			return d
		},
	}
}

func newModel(t *testing.T, c Config) *Model {
	t.Helper()
	m, err := NewModel(c, smallData(c).Classes)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrain(t *testing.T) {
	c := smallConfig()
	run, err := runlog.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	evaluations := 0
	m := newModel(t, c)
	result, err := Train(context.Background(), backendtest.Open(t), m, State{}, smallData(c), TrainOptions{Run: run, Progress: func(p Progress) {
		if p.Metrics != nil {
			evaluations++
			return
		}
		losses = append(losses, p.Loss)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(losses), 4*6; got != want || result.State.Step != want {
		t.Fatalf("%d steps (state: %d), want %d", got, result.State.Step, want)
	}
	if first, last := mean(losses[:6]), mean(losses[18:]); last > 0.8*first {
		t.Errorf("the loss went from %v to %v", first, last)
	}
	if evaluations != c.Epochs || result.Last.Epoch != c.Epochs || result.Stopped {
		t.Errorf("%d evaluations, last after epoch %d, stopped %v", evaluations, result.Last.Epoch, result.Stopped)
	}
	if r := result.Last.Metrics["recall@1"]; r < 0.5 { // chance is 0.2
		t.Errorf("R@1 of unseen classes is %v", r)
	}
	records, err := run.Records()
	if err != nil || len(records) != 24+4 {
		t.Errorf("metrics.jsonl has %d lines, %v; want 24 steps and 4 evaluations", len(records), err)
	}
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}

// A run that is stopped after any step or within an evaluation, saved, loaded and continued takes the same steps, bit for bit, as the
// unbroken one, and evaluates what that evaluates.
func TestResumeRepeatsTheSameSteps(t *testing.T) {
	c := tinyConfig()
	unbroken := newModel(t, c)
	fullLosses, full := trainSome(t, unbroken, State{}, c, 0)
	m, state := newModel(t, c), State{}
	var losses []float64
	for _, stop := range []int{3, inEvaluation, 6, 0} { // within an epoch, in its evaluation, at the end of the next, to the end
		some, result := trainSome(t, m, state, c, stop)
		losses = append(losses, some...)
		state = result.State
		var file bytes.Buffer
		if err := m.Save(&file, state); err != nil {
			t.Fatal(err)
		}
		var loaded State
		var err error
		if m, loaded, err = Load(&file, c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(state, loaded); diff != "" {
			t.Errorf("state after loading (-saved +loaded):\n%s", diff)
		}
	}
	if diff := cmp.Diff(fullLosses, losses); diff != "" {
		t.Errorf("losses (-unbroken +resumed):\n%s", diff)
	}
	if diff := cmp.Diff(full.State.Best, state.Best); diff != "" || state.Epoch != c.Epochs || state.Step != full.State.Step {
		t.Errorf("it ends in %+v; the best evaluation (-unbroken +resumed):\n%s", state, diff)
	}
	for _, p := range unbroken.Params() {
		want, _ := unbroken.Values(p.Name)
		if got, err := m.Values(p.Name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s ends with other values (%v)", p.Name, err)
		}
	}
}

// inEvaluation makes trainSome stop in the first evaluation.
const inEvaluation = -1

// trainSome trains until the context ends after so many steps (0: to the end), and returns the losses and the result.
func trainSome(t *testing.T, m *Model, state State, c Config, stop int) ([]float64, *Result) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var losses []float64
	data := smallData(c)
	if stop == inEvaluation {
		data.Evaluation = listed{batches: [][]int{{0, 1}, {2, 3}}, before: func(int) { cancel() }}
	}
	result, err := Train(ctx, backendtest.Open(t), m, state, data, TrainOptions{Progress: func(p Progress) {
		if p.Metrics == nil {
			losses = append(losses, p.Loss)
		}
		if stop > 0 && len(losses) == stop {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if result.Stopped != (stop != 0) || stop > 0 && len(losses) != stop {
		t.Fatalf("stopped %v after %d steps, want %d", result.Stopped, len(losses), stop)
	}
	return losses, result
}

func TestTrainFindsFaultsFirst(t *testing.T) {
	c := tinyConfig()
	m := newModel(t, c)
	data := smallData(c)
	for name, change := range map[string]func(*Data){
		"classes": func(d *Data) { d.Classes = 9 },
		"batches": func(d *Data) { d.Batches = 0 },
	} {
		d := data
		change(&d)
		if _, err := Train(context.Background(), backendtest.Open(t), m, State{}, d, TrainOptions{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A loss that is not a number ends training with an error instead of ruining the checkpoint.
func TestTrainStopsAtNaN(t *testing.T) {
	c := tinyConfig()
	c.Mixing.Method = NoMixing
	m := newModel(t, c)
	values, err := m.Values("conv1.weight")
	if err != nil {
		t.Fatal(err)
	}
	values[0] = float32(math.NaN())
	if err := m.SetValues("conv1.weight", values); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(context.Background(), backendtest.Open(t), m, State{}, smallData(c), TrainOptions{}); err == nil {
		t.Error("no error")
	}
}
