// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// naivePool is average plus maximum of x [batch, places, channels], and the gradient of Σ pooled·dy, of which places with the same maximum get equal parts.
func naivePool(x, dy []float32, batch, places, channels int) (y, dx []float32) {
	y, dx = make([]float32, batch*channels), make([]float32, len(x))
	for b := range batch {
		for c := range channels {
			var sum float32
			var top []int
			for p := range places {
				i := (b*places+p)*channels + c
				sum += x[i]
				switch {
				case len(top) == 0 || x[i] > x[top[0]]:
					top = []int{i}
				case x[i] == x[top[0]]:
					top = append(top, i)
				}
				dx[i] += dy[b*channels+c] / float32(places)
			}
			y[b*channels+c] = sum/float32(places) + x[top[0]]
			for _, i := range top {
				dx[i] += dy[b*channels+c] / float32(len(top))
			}
		}
	}
	return y, dx
}

// Half of the values are among three, so that most maxima are shared.
func TestPoolFeaturesAgainstNaive(t *testing.T) {
	const batch, height, width, channels = 3, 4, 5, 6
	rng := rand.New(rand.NewPCG(1, 2))
	x, dy := make([]float32, batch*height*width*channels), make([]float32, batch*channels)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		if i%channels < channels/2 {
			x[i] = float32(rng.IntN(3))
		}
	}
	for i := range dy {
		dy[i] = float32(rng.NormFloat64())
	}
	out := run(t, func(in []*Node) []*Node {
		y := poolFeatures(in[0])
		return []*Node{y, Gradient(ReduceAllSum(Mul(y, in[1])), in[0])[0]}
	}, tensors.FromFlatDataAndDimensions(x, batch, height, width, channels), tensors.FromFlatDataAndDimensions(dy, batch, channels))
	y, dx := naivePool(x, dy, batch, height*width, channels)
	if got := tensors.MustCopyFlatData[float32](out[0]); relative(got, y) > 1e-6 {
		t.Errorf("pooled %v, want %v", got, y)
	}
	if got := tensors.MustCopyFlatData[float32](out[1]); relative(got, dx) > 1e-6 {
		t.Errorf("gradient differs by %v", relative(got, dx))
	}
	if !slices.Equal(out[0].Shape().Dimensions, []int{batch, channels}) {
		t.Errorf("shape %v", out[0].Shape())
	}
}
