// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
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

// TestMixPixels holds mixes of whole images against loops.
func TestMixPixels(t *testing.T) {
	const batch, side = 3, 6
	const size = side * side * 3
	pixels := make([]uint8, batch*size)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range pixels {
		pixels[i] = uint8(rng.IntN(256))
	}
	permutation := []int32{1, 2, 0}
	images := tensors.FromFlatDataAndDimensions(pixels, batch, side, side, 3)
	tests := []struct {
		method string
		lambda float64
		exact  float64
	}{
		{Mixup, 0, 0},
		{Mixup, 0.3, 0.3},
		{Mixup, 1, 1},
		{CutMix, 1, 1},
		{CutMix, 5.0 / 9, 5.0 / 9}, // a box of 4 × 4 pixels around (2, 3)
		{CutMix, 0, 1 - 5.0/6},     // one of 6 × 6, cut off to 5 rows
	}
	for _, test := range tests {
		out, mix, err := MixPixels(backendtest.Open(t), test.method, images, permutation, test.lambda, [2]int{2, 3})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(mix.Lambda-test.exact) > 1e-12 {
			t.Errorf("%s, λ = %v: %v are left of the image, want %v", test.method, test.lambda, mix.Lambda, test.exact)
		}
		for i, got := range tensors.MustCopyFlatData[uint8](out) {
			own, other := float64(pixels[i]), float64(pixels[int(permutation[i/size])*size+i%size])
			want := test.lambda*own + (1-test.lambda)*other
			if test.method == CutMix {
				row, column := int32(i%size/(side*3)), int32(i%size/3%side)
				want = own
				if row >= mix.Box[0] && row < mix.Box[1] && column >= mix.Box[2] && column < mix.Box[3] {
					want = other
				}
			}
			if math.Abs(float64(got)-want) > 0.5001 {
				t.Fatalf("%s, λ = %v: value %d is %d, want %v", test.method, test.lambda, i, got, want)
			}
		}
	}
}

func TestMixPixelsRefuses(t *testing.T) {
	square := tensors.FromFlatDataAndDimensions(make([]uint8, 2*4*4*3), 2, 4, 4, 3)
	oblong := tensors.FromFlatDataAndDimensions(make([]uint8, 2*2*4*3), 2, 2, 4, 3)
	numbers := tensors.FromFlatDataAndDimensions(make([]float32, 2*4*4*3), 2, 4, 4, 3)
	tests := []struct {
		name, method string
		images       *tensors.Tensor
		permutation  []int32
		lambda       float64
		center       [2]int
		want         string
	}{
		{"no method", NoMixing, square, []int32{1, 0}, 0.5, [2]int{}, "can't be mixed"},
		{"oblong images", Mixup, oblong, []int32{1, 0}, 0.5, [2]int{}, "side, side"},
		{"numbers", Mixup, numbers, []int32{1, 0}, 0.5, [2]int{}, "uint8"},
		{"λ above 1", Mixup, square, []int32{1, 0}, 1.5, [2]int{}, "λ = 1.5"},
		{"NaN", Mixup, square, []int32{1, 0}, math.NaN(), [2]int{}, "λ = NaN"},
		{"twice the same image", Mixup, square, []int32{1, 1}, 0.5, [2]int{}, "permutation"},
		{"too few", Mixup, square, []int32{0}, 0.5, [2]int{}, "permutation"},
		{"too many", Mixup, square, []int32{0, 1, 2}, 0.5, [2]int{}, "permutation"},
		{"a center outside", CutMix, square, []int32{1, 0}, 0.5, [2]int{0, 4}, "outside"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := MixPixels(backendtest.Open(t), test.method, test.images, test.permutation, test.lambda, test.center)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
