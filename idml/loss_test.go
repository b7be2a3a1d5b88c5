// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// A lossCase is a loss and its naive statement, of which the batch fixed is what miners and samplers see.
type lossCase struct {
	name  string
	loss  Loss
	naive func(m Metric, fixed, b naiveBatch) float64
}

// lossCases are all losses with the paper's settings and with others, under which more of their terms are at work in a small batch.
func lossCases() (cases []lossCase) {
	for _, l := range []Contrastive{{0, 0.5}, {0.4, 1.3}} {
		cases = append(cases, lossCase{"contrastive", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveContrastive(l, m, fixed, b) }})
	}
	for _, l := range []Triplet{{0.1}, {0.6}} {
		cases = append(cases, lossCase{"triplet", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveTriplet(l, m, fixed, b) }})
	}
	for _, l := range []Margin{{0.2, 1.2, 0.5, 1.4}, {0.4, 1, 0.9, 2}} {
		cases = append(cases, lossCase{"margin", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveMargin(l, m, fixed, b) }})
	}
	for _, l := range []MultiSimilarity{{2, 50, 0.5, 0.1}, {5, 10, 0, 0}} {
		cases = append(cases, lossCase{"multi-similarity", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveMultiSimilarity(l, m, fixed, b) }})
	}
	for _, l := range []FastAP{{10}, {3}} {
		cases = append(cases, lossCase{"fastap", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveFastAP(l, m, fixed, b) }})
	}
	for _, l := range []ProxyNCA{{32}, {3}} {
		cases = append(cases, lossCase{"proxy-nca", l, func(m Metric, fixed, b naiveBatch) float64 { return naiveProxyNCA(l, m, fixed, b) }})
	}
	for _, l := range []ProxyAnchor{{32, 0.1}, {4, -0.2}} {
		cases = append(cases, lossCase{"proxy-anchor", l, func(m Metric, fixed, b naiveBatch) float64 {
			return naiveProxyAnchor(l, naiveProxySimilarities(m, fixed, b), b.labels)
		}})
	}
	return cases
}

// forms are those that exist for the loss.
func (c lossCase) forms() []Form {
	return slices.DeleteFunc(slices.Clone(Forms), func(f Form) bool { return f.ForProxiesOnly() && !c.loss.HasProxies() })
}

// program returns a program of semantic, uncertainty, proxies, labels and random numbers: of each form the loss and its gradients by the first three.
func (c lossCase) program(t *testing.T) *Exec {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) (out []*Node) {
		for _, form := range c.forms() {
			loss := c.value(Metric{form, 1.5}, in)
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
}

const (
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

// Each loss in each of its forms, and the gradient, is what plain loops in float64 and their differences say, whatever the batch.
func TestLossesAgainstNaive(t *testing.T) {
	batches := lossBatches()
	for _, c := range lossCases() {
		t.Run(fmt.Sprintf("%s%v", c.name, c.loss), func(t *testing.T) {
			t.Parallel()
			exec := c.program(t)
			compared, kinks := 0, 0
			for _, b := range batches {
				out := b.call(t, exec)
				for k, form := range c.forms() {
					name, m, naive, fixed := fmt.Sprintf("%s, %s", b.name, form), Metric{form, 1.5}, b.naive(), b.naive()
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
			}
			if kinks > compared/20 {
				t.Errorf("%d of %d differences are at a kink", kinks, compared)
			}
		})
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

// At zero uncertainty the introspective forms of a loss have its plain value, with mining, sampling and all.
func TestLossesAreIntrospective(t *testing.T) {
	zero := make([][]float32, lossBatchSize)
	for i := range zero {
		zero[i] = make([]float32, lossDim)
	}
	for _, c := range lossCases() {
		exec := c.program(t)
		for _, b := range lossBatches() {
			if strings.Contains(b.name, "equal") || strings.Contains(b.name, "duplicates") {
				continue // where α is 1e-3, even ‖u‖ = 1e-6, which keeps the root's gradient finite, is felt
			}
			full := b.call(t, exec)
			b.u = zero
			out := b.call(t, exec)
			for k, form := range c.forms() {
				plain, got, taught := tensors.ToScalar[float32](out[0]), tensors.ToScalar[float32](out[4*k]), tensors.ToScalar[float32](full[4*k])
				if close := math.Abs(float64(got-plain)) <= 1e-4*math.Abs(float64(plain))+1e-6; close != !form.ForProxiesOnly() {
					t.Errorf("%s, %s, %s: %v at zero uncertainty, plain %v", c.name, b.name, form, got, plain)
				}
				if b.name == "four classes" && form != Plain && taught == plain {
					t.Errorf("%s, %s: uncertainty changes nothing", c.name, form)
				}
			}
		}
	}
}

// NaN among the embeddings is never hidden, though miners find nothing in it.
func TestLossesPassNaN(t *testing.T) {
	for _, c := range lossCases() {
		exec := c.program(t)
		for _, b := range lossBatches() {
			b.s = slices.Clone(b.s)
			b.s[5] = []float32{0, 0, float32(math.NaN()), 0, 0}
			out := b.call(t, exec)
			for k, form := range c.forms() {
				if got := tensors.ToScalar[float32](out[4*k]); !math.IsNaN(float64(got)) {
					t.Errorf("%s, %s, %s: the loss is %v", c.name, b.name, form, got)
				}
			}
		}
	}
}

// No array of a step's loss and gradient is larger than batch × classes, or the proxies themselves, for losses with proxies, at the 11,318 classes of
// SOP-like data, and than batch³ or batch² × bins for the others: never batch × classes × dimension. And how many there are doesn't depend on the sizes.
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
				largest = size.classes * max(size.batch, dim)
			}
			for _, form := range c.forms() {
				loss := c.value(Metric{form, 5}, in)
				if c.loss.HasProxies() {
					Gradient(loss, in[:3]...)
				} else {
					Gradient(loss, in[:2]...)
				}
			}
			counts = append(counts, len(g.Nodes()))
			for _, node := range g.Nodes() {
				if node.NumOutputs() == 1 && node.Shape().Size() > largest {
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

// Each loss takes a few steps of a tiny network, in its introspective form: the proxies move if it has some and stay else, both heads move, and again
// a run repeats its losses.
func TestTrainEachLoss(t *testing.T) {
	for _, info := range Losses() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			c := tinyConfig()
			c.Metric.Form, c.Epochs = Paper, 1
			if err := c.UseLoss(info.Name); err != nil {
				t.Fatal(err)
			}
			m, fresh := newModel(t, c), newModel(t, c)
			losses, _ := trainSome(t, m, State{}, c, 3)
			for i, loss := range losses {
				if !(loss > 0) {
					t.Errorf("step %d: loss %v", i, loss)
				}
			}
			for _, name := range []string{"embedding.weight", "uncertainty.weight", ProxiesName} {
				before, _ := fresh.Values(name)
				after, err := m.Values(name)
				if moves := name != ProxiesName || info.Proxies; err != nil || moves == slices.Equal(before, after) {
					t.Errorf("%s moves: want %v (%v)", name, moves, err)
				}
			}
		})
	}
}
