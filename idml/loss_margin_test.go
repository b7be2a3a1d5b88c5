// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

// Negatives are drawn as often as their weights say: evenly spaced numbers meet each as often as its share, give or take one.
func TestMarginSamplesByWeight(t *testing.T) {
	const positives, negatives, dim = 41, 9, 7
	l := Margin{Margin: 0.2, Boundary: 1.2, Cutoff: 0.5, FarCutoff: 1.4}
	labels := make([]int32, positives+negatives) // the anchor, image 0, and its class come first
	alpha, uniform := make([][]float32, len(labels)), make([][]float32, len(labels))
	for i := range labels {
		alpha[i], uniform[i] = make([]float32, len(labels)), make([]float32, len(labels))
		if i >= positives {
			labels[i] = 1
		}
	}
	for j := range alpha[0] {
		alpha[0][j] = 0.3
		uniform[0][j] = (float32(j) - 0.5) / (positives - 1) // for j from 1 on: the middles of 40 equal parts
	}
	copy(alpha[0][positives:], []float32{0.1, 0.45, 0.6, 0.8, 1, 1.2, 1.35, 1.45, 1.9})
	out := run(t, func(in []*Node) []*Node {
		taken, drawn := l.sample(in[0], in[1], in[2], dim)
		return []*Node{taken, drawn}
	}, alpha, labels, uniform)
	taken, drawn := out[0].Value().([][]float32)[0], out[1].Value().([][]float32)[0]
	weights := naiveWeights(l, float64Rows(alpha)[0], func(j int) bool { return j >= positives }, dim)
	for j := range labels {
		if want := float32(min(1, j)); j < positives && (taken[j] != want || drawn[j] != 0) {
			t.Errorf("positive %d is taken %v times, drawn %v times", j, taken[j], drawn[j])
		}
		if want := weights[j] * (positives - 1); math.Abs(float64(drawn[j])-want) > 1 || weights[j] == 0 && drawn[j] != 0 {
			t.Errorf("image %d is drawn %v times, want %.2f", j, drawn[j], want)
		}
	}
	if weights[positives] != weights[positives+1] || weights[positives] <= weights[positives+2] || weights[positives+7] != 0 {
		t.Errorf("weights %v: want them equal below the cutoff, falling above, 0 far off", weights[positives:])
	}
}

// At the ends of [0, 1) too, each pair of a class gets a negative, one of another class and within reach.
func TestMarginSamplesNoOthers(t *testing.T) {
	l := Margin{Margin: 0.2, Boundary: 1.2, Cutoff: 0.5, FarCutoff: 1.4}
	rng := rand.New(rand.NewPCG(12, 12))
	const n = 40
	labels := make([]int32, n)
	alpha, uniform := make([][]float32, n), make([][]float32, n)
	for i := range labels {
		labels[i] = int32(rng.IntN(5))
		for range labels {
			alpha[i] = append(alpha[i], 0.3+1.5*rng.Float32())
			uniform[i] = append(uniform[i], []float32{0, math.Nextafter32(1, 0), rng.Float32()}[rng.IntN(3)])
		}
	}
	out := run(t, func(in []*Node) []*Node {
		taken, drawn := l.sample(in[0], in[1], in[2], 128)
		return []*Node{taken, drawn}
	}, alpha, labels, uniform)
	taken, drawn := out[0].Value().([][]float32), out[1].Value().([][]float32)
	for a := range labels {
		var pairs, negatives float32
		for j := range labels {
			pairs, negatives = pairs+taken[a][j], negatives+drawn[a][j]
			if positive := labels[j] == labels[a] && j != a; (taken[a][j] == 1) != positive {
				t.Errorf("anchor %d: image %d is taken for a positive: %v, want %v", a, j, taken[a][j], positive)
			}
			if drawn[a][j] != 0 && (labels[j] == labels[a] || alpha[a][j] >= 1.4) {
				t.Errorf("anchor %d: image %d is drawn, of class %d and %d, at %v", a, j, labels[a], labels[j], alpha[a][j])
			}
		}
		if pairs != negatives || pairs == 0 {
			t.Errorf("anchor %d: %v pairs, %v negatives", a, pairs, negatives)
		}
	}
}

// The numbers are uniform, other ones each time, and decided by the state alone.
func TestUniforms(t *testing.T) {
	const n = 64
	draw := func(state [3]uint64) [][]float32 {
		out := run(t, func(in []*Node) []*Node {
			next, first := uniforms(in[0], n)
			_, second := uniforms(next, n)
			return []*Node{first, second}
		}, state[:])
		return [][]float32{tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])}
	}
	state := drawState(1, 2, 3)
	first := draw(state)
	if !slices.Equal(first[0], draw(state)[0]) || slices.Equal(first[0], first[1]) {
		t.Error("the state doesn't decide the numbers, or they repeat")
	}
	for name, other := range map[string][3]uint64{"seed": drawState(2, 2, 3), "epoch": drawState(1, 3, 3), "batch": drawState(1, 2, 4), "epoch and batch swapped": drawState(1, 3, 2)} {
		if slices.Equal(draw(other)[0], first[0]) {
			t.Errorf("another %s gives the same numbers", name)
		}
	}
	for _, numbers := range first {
		var sum, squares float64
		for _, v := range numbers {
			if !(v >= 0 && v < 1) {
				t.Fatalf("%v is not in [0, 1)", v)
			}
			sum, squares = sum+float64(v), squares+float64(v)*float64(v)
		}
		count := float64(len(numbers))
		if mean := sum / count; math.Abs(mean-0.5) > 0.02 || math.Abs(squares/count-1.0/3) > 0.02 {
			t.Errorf("mean %v, mean square %v", mean, squares/count)
		}
	}
}

// A spyLoss is the mean product of the random numbers of its use and of the one before, 1/4 if they are others, 1/3 if they are the same.
type spyLoss struct {
	Margin
	last *Node
	uses int
}

func (l *spyLoss) Value(m Metric, in LossInput) *Node {
	before := l.last
	if l.last, l.uses = in.Uniform, l.uses+1; before == nil {
		before = in.Uniform
	}
	return ReduceAllMean(Mul(in.Uniform, before))
}

// The images' own loss and the two of their mixes draw numbers of their own, which the input's state decides.
func TestStepDrawsForEachUse(t *testing.T) {
	c := tinyConfig()
	c.Metric.Form = Plain
	if err := c.UseLoss("margin"); err != nil {
		t.Fatal(err)
	}
	trainer, err := NewTrainer(backendtest.Open(t), newModel(t, c))
	if err != nil {
		t.Fatal(err)
	}
	spy := &spyLoss{}
	trainer.loss = spy
	indices := make([]int, 32)
	batch := gratings{classes: 6, perClass: 16, size: c.Data.ImageSize}.images(indices)
	mix := Mix{Lambda: 0.5, Permutation: make([]int32, len(indices))}
	step := func(state [3]uint64) float64 {
		loss, err := trainer.Step(StepInput{Images: batch.Inputs[0], Labels: batch.Labels[0], Mix: mix, Random: state})
		if err != nil {
			t.Fatal(err)
		}
		return loss
	}
	first := step([3]uint64{1, 2, 3})
	if want := 1.0/3 + 1.0/4; spy.uses != 3 || math.Abs(first-want) > 0.04 {
		t.Errorf("%d uses have the products %v, want %v of 3", spy.uses, first, want)
	}
	if second := step([3]uint64{1, 2, 4}); second == first || step([3]uint64{1, 2, 3}) != first {
		t.Errorf("losses %v, %v: the state doesn't decide the numbers", first, second)
	}
}

// A run with sampled negatives that is stopped, saved, loaded and continued draws the negatives of the unbroken one.
func TestResumeRepeatsTheSamples(t *testing.T) {
	c := tinyConfig()
	c.Metric.Form, c.Epochs, c.Mixing.Method = Paper, 1, NoMixing
	if err := c.UseLoss("margin"); err != nil {
		t.Fatal(err)
	}
	want, _ := trainSome(t, newModel(t, c), State{}, c, 5)
	m := newModel(t, c)
	got, result := trainSome(t, m, State{}, c, 2)
	var file bytes.Buffer
	if err := m.Save(&file, result.State); err != nil {
		t.Fatal(err)
	}
	m, state, err := Load(&file, c)
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := trainSome(t, m, state, c, 3)
	if diff := cmp.Diff(want, append(got, rest...)); diff != "" {
		t.Errorf("losses (-unbroken +resumed):\n%s", diff)
	}
}
