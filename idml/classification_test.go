// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/ml/train"
	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

// tinyClassifier compiles fast and learns the gratings a little, with everything that a step of classification can have: CutMix, changed colors, an
// introspective metric, a last batch that is shorter.
func tinyClassifier() Config {
	c := fashionClassifier()
	c.Epochs, c.Data.ImageSize, c.Data.BatchSize = 2, 8, 20
	c.Data.ColorJitter, c.Data.Lighting = 0.2, 0.1
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Basic, Width: 8, Blocks: []int{1}}
	c.Model.EmbeddingSize = 8
	c.Metric.Form, c.Mixing.Method, c.Mixing.Probability = Released, CutMix, 0.5
	return c
}

func classifierData(c Config) Data {
	trainSet := gratings{classes: 6, perClass: 16, batch: c.Data.BatchSize, size: c.Data.ImageSize, shuffle: true, keepShort: true}
	return Data{
		Classes: 6, Batches: 5, Evaluation: gratings{classes: 6, perClass: 9, batch: c.Data.BatchSize, size: c.Data.ImageSize, others: 1},
		Train: func(epoch, skip int) train.Dataset {
			d := trainSet
			d.epoch, d.skip = epoch, skip
			return d
		},
	}
}

// classifySome trains until the context ends after so many steps (0: to the end).
func classifySome(t *testing.T, m *Model, state State, c Config, stop int) ([]float64, *Result) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var losses []float64
	result, err := Train(ctx, backendtest.Open(t), m, state, classifierData(c), TrainOptions{Progress: func(p Progress) {
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
	return losses, result
}

// A classification that is stopped, saved, loaded and continued ends as the unbroken one, bit for bit; its epochs have the short batch.
func TestClassificationResumes(t *testing.T) {
	c := tinyClassifier()
	start := func() *Model {
		m, err := NewModel(c, 6)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	unbroken := start()
	fullLosses, full := classifySome(t, unbroken, State{}, c, 0)
	if len(fullLosses) != 2*5 {
		t.Errorf("%d steps, want 10: each epoch has 96 images in batches of 20", len(fullLosses))
	}
	m, state := start(), State{}
	var losses []float64
	for _, stop := range []int{3, 4, 0} {
		some, result := classifySome(t, m, state, c, stop)
		losses, state = append(losses, some...), result.State
		var file bytes.Buffer
		if err := m.Save(&file, state); err != nil {
			t.Fatal(err)
		}
		var err error
		if m, state, err = Load(&file, c); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(fullLosses, losses); diff != "" {
		t.Errorf("losses (-unbroken +resumed):\n%s", diff)
	}
	if diff := cmp.Diff(full.State.Best, state.Best); diff != "" {
		t.Errorf("the best evaluation (-unbroken +resumed):\n%s", diff)
	}
	for _, p := range unbroken.Params() {
		want, _ := unbroken.Values(p.Name)
		if got, err := m.Values(p.Name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s ends with other values (%v)", p.Name, err)
		}
	}
}

// A classifier learns, by each form, and is judged by top-1 accuracy.
func TestClassificationLearns(t *testing.T) {
	for _, form := range LogitForms {
		c := tinyClassifier()
		c.Epochs, c.Metric.Form, c.Mixing.Method = 4, form, NoMixing
		c.Data.ColorJitter, c.Data.Lighting = 0, 0
		m, err := NewModel(c, 6)
		if err != nil {
			t.Fatal(err)
		}
		losses, result := classifySome(t, m, State{}, c, 0)
		if first, last := mean(losses[:5]), mean(losses[15:]); !(last < 0.8*first) {
			t.Errorf("%s: the loss falls from %v to %v only", form, first, last)
		}
		if top := result.Last.Metrics["top@1"]; !(top > 0.4) {
			t.Errorf("%s: top-1 accuracy %v, want more than 0.4 of 6 classes", form, top)
		}
		best := result.State.Best.Metrics["top@1"]
		if best < result.Last.Metrics["top@1"] {
			t.Errorf("%s: the best epoch has %v, the last one %v", form, best, result.Last.Metrics["top@1"])
		}
	}
}

// The median factor is 1 without uncertainty, in (0, 1) with some.
func TestMedianFactorOfLogits(t *testing.T) {
	for _, form := range []Form{Released, Clean} {
		for _, init := range []float64{0, 3} {
			c := tinyClassifier()
			c.Metric.Form, c.Model.UncertaintyInit = form, init
			m, err := NewModel(c, 6)
			if err != nil {
				t.Fatal(err)
			}
			e, err := NewEmbedder(backendtest.Open(t), m)
			if err != nil {
				t.Fatal(err)
			}
			embedded, err := e.Embed(context.Background(), classifierData(c).Evaluation)
			if err != nil {
				t.Fatal(err)
			}
			factor, err := MedianFactor(backendtest.Open(t), m, embedded)
			if err != nil || (factor == 1) != (init == 0) || !(factor > 0) {
				t.Errorf("%s, init %v: %v, %v", form, init, factor, err)
			}
			var factors []float64
			weight, _ := m.Values(classifierWeight)
			bias, _ := m.Values(classifierBias)
			for i := range embedded.Semantic.Rows {
				for k := range 6 {
					u, d := 0.0, 0.0
					for _, v := range embedded.Uncertainty.Row(i) {
						u += float64(v) * float64(v)
					}
					for j, x := range embedded.Semantic.Row(i) {
						p := weight[k*embedded.Semantic.Cols+j]
						if form == Released {
							p += bias[k]
						}
						d += math.Pow(float64(x)-float64(p), 2)
					}
					factors = append(factors, math.Exp(-u/(5*d)))
				}
			}
			slices.Sort(factors)
			if want := factors[len(factors)/2]; math.Abs(factor-want) > 1e-4 {
				t.Errorf("%s, init %v: %v, want %v", form, init, factor, want)
			}
		}
	}
}

// Each of the 24 recipes is valid, is found by its name, and has the paper's numbers where there are some.
func TestClassificationRecipes(t *testing.T) {
	published := 0
	for _, data := range ClassificationRecipes() {
		for _, method := range ClassificationMethods {
			c, err := Recipe(data + "-" + method)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Validate(); err != nil {
				t.Errorf("%s-%s: %v", data, method, err)
			}
			if c.Recipe != data+"-"+method || c.Task != Classification {
				t.Errorf("%s-%s is %s of %s", data, method, c.Recipe, c.Task)
			}
			if len(c.Published()) > 0 {
				published++
			}
		}
	}
	if published != 18 {
		t.Errorf("%d recipes have published results, want 18", published)
	}
	c, _ := Recipe("cifar100-idml-cutmix")
	if diff := cmp.Diff(map[string]float64{"top@1": 0.8565, "top@5": 0.9721}, c.Published()); diff != "" {
		t.Errorf("cifar100-idml-cutmix (-want +got):\n%s", diff)
	}
	rates := map[int]float64{0: 0.25, 149: 0.25, 150: 0.025, 224: 0.025, 225: 0.0025, 299: 0.0025}
	for epoch, want := range rates {
		if got := c.Optimizer.Rate(epoch); math.Abs(got/want-1) > 1e-12 {
			t.Errorf("the rate of epoch %d is %v, want %v", epoch, got, want)
		}
	}
	trained := 0
	for _, p := range c.Params(100) {
		if p.Group != Statistics {
			size := 1
			for _, d := range p.Shape {
				size *= d
			}
			trained += size
		}
	}
	if want := 26_976_152; trained != want { // with the uncertainty head of 128
		t.Errorf("PyramidNet-200 has %d trained values, want %d", trained, want)
	}
	for _, name := range []string{"cifar10", "cifar10-cutout", "cifar-baseline"} {
		if _, err := Recipe(name); err == nil {
			t.Errorf("%s is a recipe", name)
		}
	}
}

// The best evaluation of a network whose cross-entropy is no number can be saved.
func TestBestOfNaN(t *testing.T) {
	c := tinyClassifier()
	c.Epochs = 1
	m, err := NewModel(c, 6)
	if err != nil {
		t.Fatal(err)
	}
	bias, err := m.Values(classifierBias)
	if err != nil {
		t.Fatal(err)
	}
	bias[0] = float32(math.Inf(1)) // no gradient of a loss that isn't computed mends it
	if err := m.SetValues(classifierBias, bias); err != nil {
		t.Fatal(err)
	}
	data := classifierData(c)
	data.Batches = 1
	data.Train = func(int, int) train.Dataset { return listed{} }
	result, err := Train(context.Background(), backendtest.Open(t), m, State{}, data, TrainOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if loss := result.Last.Metrics["loss"]; loss == loss && !math.IsInf(loss, 0) {
		t.Fatalf("the loss is %v: the test tests nothing", loss)
	}
	var file bytes.Buffer
	if err := m.Save(&file, result.State); err != nil {
		t.Error(err)
	}
	if _, ok := result.State.Best.Metrics["top@1"]; !ok {
		t.Errorf("best %+v", result.State.Best)
	}
}
