// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"
)

// A draw is a function of its arguments alone, each of which counts.
func TestDrawIsPure(t *testing.T) {
	c := MixingConfig{Method: Mixup, Probability: 1, Beta: 1}
	first := c.draw(1, 2, 3, 20, 32)
	if diff := cmp.Diff(first, c.draw(1, 2, 3, 20, 32)); diff != "" {
		t.Errorf("two draws differ:\n%s", diff)
	}
	for name, other := range map[string]Mix{
		"seed": c.draw(2, 2, 3, 20, 32), "epoch": c.draw(1, 3, 3, 20, 32), "batch": c.draw(1, 2, 4, 20, 32), "epoch and batch swapped": c.draw(1, 3, 2, 20, 32),
	} {
		if other.Lambda == first.Lambda || slices.Equal(other.Permutation, first.Permutation) {
			t.Errorf("another %s gives the same draw", name)
		}
	}
}

// λ has the moments of Beta(b, b): mean 1/2 and variance 1/(4(2b+1)); permutations are ones, and each image meets each.
func TestDrawDistribution(t *testing.T) {
	const n, size = 4000, 5
	for _, beta := range []float64{0.2, 1, 4} {
		c := MixingConfig{Method: Mixup, Probability: 1, Beta: beta}
		var sum, squares float64
		var met [size][size]int
		for i := range n {
			mix := c.draw(7, i/100, i%100, size, 32)
			if !(mix.Lambda >= 0 && mix.Lambda <= 1) {
				t.Fatalf("λ is %v", mix.Lambda)
			}
			sum += mix.Lambda
			squares += (mix.Lambda - 0.5) * (mix.Lambda - 0.5)
			sorted := slices.Clone(mix.Permutation)
			slices.Sort(sorted)
			if !slices.Equal(sorted, []int32{0, 1, 2, 3, 4}) {
				t.Fatalf("no permutation: %v", mix.Permutation)
			}
			for j, k := range mix.Permutation {
				met[j][k]++
			}
		}
		if mean, want := sum/n, 0.5; math.Abs(mean-want) > 0.03 {
			t.Errorf("Beta(%v, %v): mean %v", beta, beta, mean)
		}
		if variance, want := squares/n, 1/(4*(2*beta+1)); math.Abs(variance/want-1) > 0.1 {
			t.Errorf("Beta(%v, %v): variance %v, want %v", beta, beta, variance, want)
		}
		for j := range met {
			for k, count := range met[j] {
				if math.Abs(float64(count)/n-1.0/size) > 0.03 {
					t.Errorf("image %d meets image %d in %d of %d draws", j, k, count, n)
				}
			}
		}
	}
}

func TestMixImagesAgainstNaive(t *testing.T) {
	const batch, size = 4, 2 * 3 * 3
	rng := rand.New(rand.NewPCG(1, 1))
	images := make([]float32, batch*size)
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	permutation := []int32{2, 1, 3, 0}
	x, p := tensors.FromFlatDataAndDimensions(images, batch, 2, 3, 3), tensors.FromFlatDataAndDimensions(permutation, batch)
	for _, lambda := range []float64{0, 0.3, 1} {
		out := run(t, func(in []*Node) []*Node {
			return []*Node{mixImages(in[0], in[1], in[2]), permuteRows(in[1], in[1])}
		}, x, p, float32(lambda))
		for i, got := range tensors.MustCopyFlatData[float32](out[0]) {
			other := images[int(permutation[i/size])*size+i%size]
			if want := lambda*float64(images[i]) + (1-lambda)*float64(other); math.Abs(float64(got)-want) > 1e-6 {
				t.Fatalf("λ = %v: value %d is %v, want %v", lambda, i, got, want)
			}
		}
		if got := tensors.MustCopyFlatData[int32](out[1]); !slices.Equal(got, []int32{3, 1, 0, 2}) {
			t.Errorf("permuted labels: %v", got)
		}
	}
}
