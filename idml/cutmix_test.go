// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"
)

func TestCutMixBox(t *testing.T) {
	tests := []struct {
		name        string
		side        int
		lambda      float64
		row, column int
		want        [4]int32
		exact       float64
	}{
		{"in the middle", 32, 0.75, 16, 16, [4]int32{8, 24, 8, 24}, 0.75},
		{"cut off at a corner", 32, 0.75, 0, 31, [4]int32{0, 8, 23, 32}, 1 - 8.0*9/1024},
		{"an odd width becomes even", 32, 1 - 9.0*9/1024, 10, 10, [4]int32{6, 14, 6, 14}, 1 - 64.0/1024},
		{"nothing", 32, 1, 5, 6, [4]int32{5, 5, 6, 6}, 1},
		{"all of it", 32, 0, 16, 16, [4]int32{0, 32, 0, 32}, 0},
		{"all, off center", 32, 0, 0, 0, [4]int32{0, 16, 0, 16}, 0.75},
	}
	for _, test := range tests {
		box, exact := cutMixBox(test.side, test.lambda, test.row, test.column)
		if box != test.want || math.Abs(exact-test.exact) > 1e-12 {
			t.Errorf("%s: %v, λ %v; want %v, %v", test.name, box, exact, test.want, test.exact)
		}
	}
}

// λ is the share of the image that is its own, Probability the share of the batches that are mixed.
func TestDrawCutMix(t *testing.T) {
	const n, side = 4000, 16
	c := MixingConfig{Method: CutMix, Probability: 0.5, Beta: 1}
	mixed := 0
	for i := range n {
		mix := c.draw(5, i/100, i%100, 4, side)
		b := mix.Box
		if area := float64((b[1]-b[0])*(b[3]-b[2])) / (side * side); math.Abs(1-area-mix.Lambda) > 1e-12 {
			t.Fatalf("λ is %v of the box %v", mix.Lambda, b)
		}
		if b[0] < 0 || b[1] > side || b[2] < 0 || b[3] > side || b[0] > b[1] || b[2] > b[3] {
			t.Fatalf("box %v", b)
		}
		if mix.Lambda < 1 {
			mixed++
		}
	}
	// Of the half that is mixed, a box is empty where √(1−λ)·16 is below 2: in 1/64.
	if got, want := float64(mixed)/n, 0.5*(1-1.0/64); math.Abs(got-want) > 0.03 {
		t.Errorf("%v of the batches are mixed, want %v", got, want)
	}
	mixup := MixingConfig{Method: Mixup, Probability: 0.3, Beta: 1}
	mixed = 0
	for i := range n {
		if mixup.draw(5, i/100, i%100, 4, side).Lambda < 1 {
			mixed++
		}
	}
	if got := float64(mixed) / n; math.Abs(got-0.3) > 0.03 {
		t.Errorf("%v of the batches are mixed, want 0.3", got)
	}
}

func TestCutImagesAgainstNaive(t *testing.T) {
	const batch, height, width = 3, 4, 5
	x := make([]float32, batch*height*width*3)
	for i := range x {
		x[i] = float32(i)
	}
	permutation := []int32{2, 0, 1}
	for _, box := range [][4]int32{{1, 3, 0, 2}, {0, 4, 0, 5}, {2, 2, 1, 4}, {3, 4, 4, 5}} {
		out := run(t, func(in []*Node) []*Node {
			c := MixingConfig{Method: CutMix}
			return []*Node{c.mix(in[0], c.mixNodes(in[1:]))}
		}, append([]any{tensors.FromFlatDataAndDimensions(x, batch, height, width, 3)},
			MixingConfig{Method: CutMix}.mixArguments(Mix{Lambda: 0.5, Permutation: permutation, Box: box})...)...)
		want := make([]float32, len(x))
		for i := range want {
			b, row, column := i/(height*width*3), int32(i/(width*3)%height), int32(i/3%width)
			from := b
			if row >= box[0] && row < box[1] && column >= box[2] && column < box[3] {
				from = int(permutation[b])
			}
			want[i] = x[i+(from-b)*height*width*3]
		}
		if diff := cmp.Diff(want, tensors.MustCopyFlatData[float32](out[0])); diff != "" {
			t.Errorf("box %v (-want +got):\n%s", box, diff)
		}
	}
}
