// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where the images of a class are uncertain together, the interval over classes covers the AUROC of all classes in about 95 % of samples, and that over images in far
// fewer. The scores of a class are moved by a normal number, and so is how often its images are wrong.
func TestClassCoverage(t *testing.T) {
	const samples, classes, each = 120, 60, 12
	draw := func(rng *rand.Rand, classes int) (scores []float64, wrong []bool, labels []int) {
		for c := range classes {
			shift := 1.5 * rng.NormFloat64()
			for range each {
				scores = append(scores, shift+rng.NormFloat64())
				wrong = append(wrong, rng.Float64() < 1/(1+math.Exp(1-shift)))
				labels = append(labels, 100-c)
			}
		}
		return scores, wrong, labels
	}
	scores, wrong, _ := draw(rand.New(rand.NewPCG(9, 0)), 20000)
	truth := ErrorAUROC(scores, wrong, Bootstrap{}).Value
	overClasses, overImages := 0, 0
	for s := range samples {
		scores, wrong, labels := draw(rand.New(rand.NewPCG(9, uint64(s+1))), classes)
		b := Bootstrap{Resamples: 200, Seed: uint64(s)}
		if e := ErrorAUROC(scores, wrong, b); e.Low <= truth && truth <= e.High {
			overImages++
		}
		b.Classes = labels
		e := ErrorAUROC(scores, wrong, b)
		if e.Low <= truth && truth <= e.High {
			overClasses++
		}
		if e.Value != ErrorAUROC(scores, wrong, Bootstrap{}).Value {
			t.Fatal("classes change the value")
		}
	}
	if share := float64(overClasses) / samples; share < 0.88 || share > 0.99 {
		t.Errorf("%.3f of the intervals over classes cover", share)
	}
	if share := float64(overImages) / samples; share > 0.85 {
		t.Errorf("%.3f of the intervals over images cover: the samples don't show the difference", share)
	}
}

// A resample of classes has whole classes, as many as there are, and copies with their images.
func TestClassesAreWhole(t *testing.T) {
	labels := []int{7, 3, 7, 5, 3, 7}
	b := Bootstrap{Classes: labels}
	d, rng, w := b.images(len(labels)), rand.New(rand.NewPCG(3, 3)), make([]int, 2*len(labels))
	sizes := map[int]bool{}
	for range 100 {
		d(rng, w)
		if w[0] != w[2] || w[0] != w[5] || w[1] != w[4] || w[0]+w[1]+w[3] != 3 {
			t.Fatalf("weights %v", w)
		}
		if diff := cmp.Diff(w[:6], w[6:]); diff != "" {
			t.Fatalf("copies: %s", diff)
		}
		sizes[w[0]+w[2]+w[5]+w[1]+w[4]+w[3]] = true
	}
	if len(sizes) < 3 {
		t.Errorf("sizes of resamples: %v", sizes)
	}
	if diff := cmp.Diff([]int{5, 7}, b.Of([]int{3, 0}).Classes); diff != "" {
		t.Errorf("some images: %s", diff)
	}
	if (Bootstrap{Seed: 1}).Of([]int{9}).Classes != nil {
		t.Error("classes out of nothing")
	}
}

// With one image a class, drawing classes is drawing images, for every measure.
func TestClassesOfOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 40
	scores, other, wrong, labels := make([]float64, n), make([]float64, n), make([]bool, n), make([]int, n)
	for i := range n {
		scores[i], other[i], wrong[i], labels[i] = rng.NormFloat64(), rng.NormFloat64(), rng.IntN(3) == 0, i
	}
	for name, measure := range map[string]func(b Bootstrap) Estimate{
		"errors": func(b Bootstrap) Estimate { return ErrorAUROC(scores, wrong, b) },
		"copies": func(b Bootstrap) Estimate { return CopiesAUROC(other, scores, b) },
		"rank":   func(b Bootstrap) Estimate { return SpearmanEstimate(scores, other, b) },
		"growth": func(b Bootstrap) Estimate { return Growth([][]float64{scores, other}, b) },
		"gain":   func(b Bootstrap) Estimate { return NewReject(scores, wrong, 3, b).Gain },
		"others": func(b Bootstrap) Estimate { return OthersAUROC(scores[:20], other[20:], b) },
	} {
		if images, classes := measure(Bootstrap{Resamples: 100}), measure(Bootstrap{Resamples: 100, Classes: labels}); images != classes {
			t.Errorf("%s: %v, of classes of one image %v", name, images, classes)
		}
	}
}

// Of one class that is in both sets and one that is in either, all resamples without the common one still have something to compare only if the sets are drawn by
// themselves.
func TestClassesOfTwoSets(t *testing.T) {
	high, low := []float64{5, 6}, []float64{1, 7}
	apart := OthersAUROC(high, low, Bootstrap{Resamples: 400, Classes: []int{0, 1, 2, 3}})
	together := OthersAUROC(high, low, Bootstrap{Resamples: 400, Classes: []int{0, 1, 0, 1}})
	if apart.Value != 0.5 || together.Value != 0.5 {
		t.Errorf("values %v and %v", apart, together)
	}
	if apart.Low != 0 || apart.High != 1 {
		t.Errorf("apart: %v", apart)
	}
	// Class 0 has 5 and 1, class 1 has 6 and 7: of class 0 alone the AUROC is 1, of class 1 alone 0.
	if together.Low != 0 || together.High != 1 {
		t.Errorf("together: %v", together)
	}
	seen := map[float64]bool{}
	b := Bootstrap{Resamples: 1}
	for seed := range uint64(200) {
		b.Seed, b.Classes = seed, []int{0, 1, 0, 1}
		seen[OthersAUROC(high, low, b).Low] = true
	}
	if len(seen) != 3 { // both classes, or either twice
		t.Errorf("drawn together there are the values %v", seen)
	}
	defer func() {
		if recover() == nil {
			t.Error("classes of another number of images pass")
		}
	}()
	ErrorAUROC(high, []bool{true, false}, Bootstrap{Resamples: 1, Classes: []int{1}})
}

// Resamples of one class, or of one image beside others, would all be the same: there is a value and no interval, which would seem to be exact.
func TestNothingToDraw(t *testing.T) {
	scores, wrong, labels := []float64{3, 1, 2, 5}, []bool{true, false, false, true}, []int{7, 7, 7, 7}
	b := Bootstrap{Resamples: 100}
	one := b
	one.Classes = labels
	two := b
	two.Classes = []int{7, 7, 7, 8}
	for name, e := range map[string]Estimate{
		"errors of a class":      ErrorAUROC(scores, wrong, one),
		"copies of a class":      CopiesAUROC(scores, []float64{1, 1, 1, 1}, one),
		"rank in a class":        SpearmanEstimate(scores, []float64{1, 2, 3, 5}, one),
		"area of a class":        NewReject(scores, wrong, 2, one).Area,
		"a class beside another": OthersAUROC(scores[:3], scores[3:], two),
		"an image beside three":  OthersAUROC(scores[:1], scores[1:], b),
		"growth of an image":     Growth([][]float64{{1}, {2}}, b),
	} {
		if !e.Exists() || !math.IsNaN(e.Low) || !math.IsNaN(e.High) {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := ErrorAUROC(scores, wrong, b); math.IsNaN(e.Low) {
		t.Errorf("of four images there is no interval: %v", e)
	}
}

// The curve of resamples of unequal size is that of the images written down as often as they are drawn.
func TestRejectOfUnequalClasses(t *testing.T) {
	scores, wrong := []float64{4, 1, 3, 2, 6}, []bool{true, false, false, true, true}
	labels := []int{0, 0, 0, 1, 2}
	b := Bootstrap{Resamples: 1, Classes: labels}
	for seed := range uint64(40) {
		b.Seed = seed
		w := make([]int, len(scores))
		b.images(len(scores))(rand.New(rand.NewPCG(seed, 1)), w)
		var s []float64
		var bad []bool
		for i, k := range w {
			for range k {
				s, bad = append(s, scores[i]), append(bad, wrong[i])
			}
		}
		got, want := NewReject(scores, wrong, 4, b), NewReject(s, bad, 4, Bootstrap{})
		if !near(got.Area.Low, want.Area.Value) || !near(got.Perfect.Low, want.Perfect.Value) || !near(got.Error.High, want.Error.Value) {
			t.Fatalf("drawn %v: %+v, want %+v", w, got, want)
		}
		for k := range got.Curve {
			if !near(got.Curve[k].Error.Low, want.Curve[k].Error.Value) {
				t.Fatalf("drawn %v, point %d: %v, want %v", w, k, got.Curve[k].Error.Low, want.Curve[k].Error.Value)
			}
		}
	}
}

// BenchmarkErrorAUROC is the interval of one AUROC over the classes of 1,680 images, 2,000 resamples.
func BenchmarkErrorAUROC(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	scores, wrong, labels := make([]float64, 1680), make([]bool, 1680), make([]int, 1680)
	for i := range scores {
		scores[i], wrong[i], labels[i] = rng.Float64(), rng.IntN(4) == 0, i/20
	}
	for b.Loop() {
		ErrorAUROC(scores, wrong, Bootstrap{Resamples: 2000, Classes: labels})
	}
}
