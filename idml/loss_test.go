// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// A lossCase is a loss, forms of the metric to test it in, and its naive statement, of which the batch fixed is what miners and samplers see.
type lossCase struct {
	name  string
	loss  Loss
	forms []Form
	naive func(m Metric, fixed, b naiveBatch) float64
}

// lossCases are all losses with the paper's settings, plain and introspective, the simplest of both kinds in all forms; and again with settings under which more
// of their terms are at work in a small batch.
func lossCases() (cases []lossCase) {
	add := func(name string, loss Loss, naive func(m Metric, fixed, b naiveBatch) float64) {
		forms := []Form{Plain, Paper}
		switch {
		case slices.ContainsFunc(cases, func(c lossCase) bool { return c.name == name }):
			forms = []Form{Paper}
		case name == "contrastive":
			forms = []Form{Plain, Constant, Paper}
		case name == "proxy-anchor":
			forms = Forms
		}
		cases = append(cases, lossCase{name, loss, forms, naive})
	}
	for _, l := range []Contrastive{{0, 0.5}, {0.4, 1.3}} {
		add("contrastive", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveContrastive(l, m, fixed, b) })
	}
	for _, l := range []Triplet{{0.1}, {0.6}} {
		add("triplet", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveTriplet(l, m, fixed, b) })
	}
	for _, l := range []Margin{{0.2, 1.2, 0.5, 1.4}, {0.4, 1, 0.9, 2}} {
		add("margin", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveMargin(l, m, fixed, b) })
	}
	for _, l := range []MultiSimilarity{{2, 50, 0.5, 0.1}, {5, 10, 0, 0}} {
		add("multi-similarity", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveMultiSimilarity(l, m, fixed, b) })
	}
	for _, l := range []FastAP{{10}} {
		add("fastap", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveFastAP(l, m, fixed, b) })
	}
	for _, l := range []ProxyNCA{{32}} {
		add("proxy-nca", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveProxyNCA(l, m, fixed, b) })
	}
	for _, l := range []ProxyAnchor{{32, 0.1}, {4, -0.2}} {
		add("proxy-anchor", l, func(m Metric, fixed, b naiveBatch) float64 {
			return naiveProxyAnchor(l, naiveProxySimilarities(m, fixed, b), b.labels)
		})
	}
	return cases
}

// program returns a program of semantic, uncertainty, proxies, labels and random numbers: of each form the loss and its gradients by the first three.
func (c lossCase) program(t *testing.T) *Exec {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) (out []*Node) {
		for _, form := range c.forms {
			loss := c.value(Metric{form, lossTau}, in)
			out = append(out, loss)
			out = append(out, Gradient(loss, in[:3]...)...)
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return exec
}

func (c lossCase) value(m Metric, in []*Node) *Node {
	input := LossInput{Embedding: Embedding{in[0], in[1]}, Labels: in[3]}
	if c.loss.HasProxies() {
		input.Proxies = in[2]
	}
	if c.loss.Samples() {
		input.Uniform = in[4]
	}
	return c.loss.Value(m, input)
}

// lossBatch is a batch of the size that the tests share.
type lossBatch struct {
	name          string
	s, u, p, rand [][]float32
	labels        []int32
	closePairs    bool // some images are equal
}

const (
	lossTau       = 1.5
	lossBatchSize = 12
	lossDim       = 5
	lossClasses   = 14 // of which some are in no batch
)

func newLossBatch(rng *rand.Rand, name string, labels []int32) lossBatch {
	b := lossBatch{name: name, labels: labels, s: randomRows(rng, lossBatchSize, lossDim, 1), u: randomRows(rng, lossBatchSize, lossDim, 0.3)}
	b.p = randomRows(rng, lossClasses, lossDim, 0.7)
	for i := range b.s {
		// Images of a class lie near each other, as after some training, and rows have length 1.
		for k := range b.s[i] {
			b.s[i][k] += 1.2 * float32(math.Sin(float64(7*int(labels[i])+3*k)))
		}
		b.s[i] = unit(b.s[i])
		b.rand = append(b.rand, make([]float32, lossBatchSize))
		for j := range b.rand[i] {
			b.rand[i][j] = rng.Float32()
		}
	}
	return b
}

// lossBatches are the compositions that losses must cope with.
func lossBatches() []lossBatch {
	rng := rand.New(rand.NewPCG(10, 10))
	batches := []lossBatch{
		newLossBatch(rng, "four classes", []int32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}),
		newLossBatch(rng, "a class with one image", []int32{0, 0, 0, 0, 7, 7, 7, 7, 2, 2, 2, 13}),
		newLossBatch(rng, "no positive", []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
		newLossBatch(rng, "no negative", []int32{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}),
	}
	duplicates := newLossBatch(rng, "duplicates", []int32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3})
	duplicates.s[4], duplicates.u[4] = duplicates.s[0], duplicates.u[0]   // of a class
	duplicates.s[9], duplicates.u[9] = duplicates.s[2], duplicates.u[2]   // of two classes
	duplicates.s[11], duplicates.u[11] = duplicates.s[3], duplicates.u[7] // with another uncertainty
	equal := newLossBatch(rng, "all equal", []int32{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3})
	for i := range equal.s {
		equal.s[i] = equal.s[0]
	}
	duplicates.closePairs, equal.closePairs = true, true
	batches = append(batches, duplicates, equal)
	for i := range 5 {
		labels := make([]int32, lossBatchSize)
		for j := range labels {
			labels[j] = int32(rng.IntN(2 + 2*i))
		}
		batches = append(batches, newLossBatch(rng, fmt.Sprintf("random %d", i), labels))
	}
	return batches
}

func (b lossBatch) naive() naiveBatch {
	return naiveBatch{s: float64Rows(b.s), u: float64Rows(b.u), p: float64Rows(b.p), uniform: float64Rows(b.rand), labels: b.labels}
}

// call runs the case's program.
func (b lossBatch) call(t *testing.T, exec *Exec) []*tensors.Tensor {
	t.Helper()
	out, err := exec.Call(b.s, b.u, b.p, b.labels, b.rand)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each loss in each of its forms, whatever the batch: value and gradient are what plain loops in float64 and their differences say; without
// uncertainty the introspective forms are plain; NaN is never hidden, though miners find nothing in it.
func TestLosses(t *testing.T) {
	batches := lossBatches()
	for _, c := range lossCases() {
		t.Run(fmt.Sprintf("%s%v", c.name, c.loss), func(t *testing.T) {
			t.Parallel()
			exec := c.program(t)
			compared, kinks := 0, 0
			for _, b := range batches {
				n, bad := c.checkNaive(t, exec, b)
				compared, kinks = compared+n, kinks+bad
				c.checkWithoutUncertainty(t, exec, b)
				c.checkNaN(t, exec, b)
			}
			if kinks > compared/20 {
				t.Errorf("%d of %d differences are at a kink", kinks, compared)
			}
		})
	}
}

// checkNaive compares values and gradients with the naive statement, and returns how many differences were compared and how many are at a kink.
func (c lossCase) checkNaive(t *testing.T, exec *Exec, b lossBatch) (compared, kinks int) {
	t.Helper()
	out := b.call(t, exec)
	for k, form := range c.forms {
		name, m, naive, fixed := fmt.Sprintf("%s, %s", b.name, form), Metric{form, lossTau}, b.naive(), b.naive()
		got, want := float64(tensors.ToScalar[float32](out[4*k])), c.naive(m, naive, naive)
		if !(math.Abs(got-want) <= 1e-4*(math.Abs(want)+1e-3)) {
			t.Errorf("%s: loss %v, want %v", name, got, want)
			continue
		}
		for i, rows := range [][][]float64{naive.s, naive.u, naive.p} {
			n, bad := checkGradient(t, fmt.Sprintf("%s, input %d", name, i), func() float64 { return c.naive(m, fixed, naive) }, rows, out[4*k+1+i])
			compared, kinks = compared+n, kinks+bad
		}
	}
	return compared, kinks
}

// checkWithoutUncertainty compares the forms of a loss with its plain one at u = 0, and shows that they differ else.
func (c lossCase) checkWithoutUncertainty(t *testing.T, exec *Exec, b lossBatch) {
	t.Helper()
	if b.closePairs {
		return // where α is 1e-3, even ‖u‖ = 1e-6, which keeps the root's gradient finite, is felt
	}
	uncertain := b.call(t, exec)
	b.u = make([][]float32, lossBatchSize)
	for i := range b.u {
		b.u[i] = make([]float32, lossDim)
	}
	out, naive := b.call(t, exec), b.naive()
	plain := c.naive(Metric{Plain, lossTau}, naive, naive)
	for k, form := range c.forms {
		got := float64(tensors.ToScalar[float32](out[4*k]))
		if equal := math.Abs(got-plain) <= 1e-4*math.Abs(plain)+1e-6; equal == form.ForProxiesOnly() {
			t.Errorf("%s, %s: %v at zero uncertainty, plain %v", b.name, form, got, plain)
		}
		if other := float64(tensors.ToScalar[float32](uncertain[4*k])); b.name == "four classes" && form != Plain && math.Abs(other-plain) < 1e-4*plain {
			t.Errorf("%s: uncertainty changes the loss from %v to %v only", form, plain, other)
		}
	}
}

func (c lossCase) checkNaN(t *testing.T, exec *Exec, b lossBatch) {
	t.Helper()
	b.s = slices.Clone(b.s)
	b.s[5] = []float32{0, 0, float32(math.NaN()), 0, 0}
	out := b.call(t, exec)
	for k, form := range c.forms {
		if got := float64(tensors.ToScalar[float32](out[4*k])); !math.IsNaN(got) {
			t.Errorf("%s, %s: the loss of NaN is %v", b.name, form, got)
		}
	}
}

// checkGradient compares a gradient with central differences of f by the rows x, and returns how many values were compared. Where the differences to both
// sides disagree, f has a kink or a step: those are only counted.
func checkGradient(t *testing.T, name string, f func() float64, x [][]float64, gradient *tensors.Tensor) (compared, kinks int) {
	t.Helper()
	const h = 1e-6
	got, here := gradient.Value().([][]float32), f()
	for i := range x {
		for j := range x[i] {
			old := x[i][j]
			x[i][j] = old + h
			up := f()
			x[i][j] = old - h
			down := f()
			x[i][j] = old
			want := (up - down) / (2 * h)
			if compared++; math.Abs((up-here)-(here-down)) > 0.02*h*(math.Abs(want)+0.1) {
				kinks++
				continue
			}
			if !(math.Abs(float64(got[i][j])-want) <= 2e-3*(math.Abs(want)+0.05)) {
				t.Errorf("%s: gradient [%d][%d] is %v, differences give %v", name, i, j, got[i][j], want)
				return compared, kinks
			}
		}
	}
	return compared, kinks
}

// No array that a loss and its gradient compute is larger than batch × classes or its inputs, for losses with proxies, with as many as the 11,318 of Stanford
// Online Products, and than batch³ for the others: never batch × classes × dimension. How many there are doesn't depend on the sizes.
func TestLossMemory(t *testing.T) {
	const dim = 512
	for _, c := range lossCases() {
		var counts []int
		for _, size := range []struct{ batch, classes int }{{120, 100}, {60, 100}, {60, 11318}, {120, 11318}} {
			g := NewGraph(backendtest.Open(t), "memory")
			float := func(name string, dims ...int) *Node { return Parameter(g, name, shapes.Make(dtypes.Float32, dims...)) }
			in := []*Node{
				float("s", size.batch, dim), float("u", size.batch, dim), float("p", size.classes, dim),
				Parameter(g, "labels", shapes.Make(dtypes.Int32, size.batch)), float("uniform", size.batch, size.batch),
			}
			largest := size.batch * size.batch * size.batch
			if c.loss.HasProxies() {
				largest = max(size.batch*size.classes, size.batch*dim, size.classes*dim)
			}
			for _, form := range c.forms {
				loss := c.value(Metric{form, 5}, in)
				if c.loss.HasProxies() {
					Gradient(loss, in[:3]...)
				} else {
					Gradient(loss, in[:2]...)
				}
			}
			counts = append(counts, len(g.Nodes()))
			for _, node := range g.Nodes() {
				if node.Type() != NodeTypeParameter && node.NumOutputs() == 1 && node.Shape().Size() > largest {
					t.Errorf("%s: an array of %v at %+v, more than %d numbers", c.name, node.Shape(), size, largest)
				}
			}
			g.Finalize()
		}
		if slices.Max(counts) != slices.Min(counts) {
			t.Errorf("%s: its graph has %v nodes at different sizes", c.name, counts)
		}
	}
}

// A loss of each kind takes a few steps of a tiny network, in its introspective form: the proxies move if it has some and stay else, both heads move.
// TestResumeRepeatsTheSamples does so with one that samples.
func TestTrainWithOtherLosses(t *testing.T) {
	for name, proxies := range map[string]bool{"triplet": false, "proxy-nca": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tinyConfig()
			c.Metric.Form, c.Epochs, c.Mixing.Method = Paper, 1, NoMixing
			if err := c.UseLoss(name); err != nil {
				t.Fatal(err)
			}
			m, fresh := newModel(t, c), newModel(t, c)
			losses, _ := trainSome(t, m, State{}, c, 3)
			for i, loss := range losses {
				if !(loss > 0) {
					t.Errorf("step %d: loss %v", i, loss)
				}
			}
			for _, array := range []string{"embedding.weight", "uncertainty.weight", ProxiesName} {
				before, _ := fresh.Values(array)
				after, err := m.Values(array)
				if moves := array != ProxiesName || proxies; err != nil || moves == slices.Equal(before, after) {
					t.Errorf("%s moves: want %v (%v)", array, moves, err)
				}
			}
		})
	}
}

// Which parts of the model are trained, by loss, form and warm-up: the semantic head always, the backbone after the warm-up.
func TestTrainedParts(t *testing.T) {
	for _, info := range Losses() {
		for _, form := range info.Forms {
			for _, warmup := range []bool{true, false} {
				c := tinyConfig()
				c.Metric.Form = form
				if err := c.UseLoss(info.Name); err != nil {
					t.Fatal(err)
				}
				trainer, err := NewTrainer(backendtest.Open(t), newModel(t, c))
				if err != nil {
					t.Fatal(err)
				}
				var got [Statistics + 1]bool
				for _, p := range trainer.trained(warmup) {
					got[p.Group] = true
				}
				want := [Statistics + 1]bool{SemanticHead: true, Proxies: info.Proxies, Backbone: !warmup}
				want[UncertaintyHead] = form == Paper || form == ReleasedRaw || form == Released && !warmup
				if got != want {
					t.Errorf("%s, %s, warm-up %v: groups %v are trained, want %v", info.Name, form, warmup, got, want)
				}
			}
		}
	}
}
