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

// naiveColor changes one image [pixels, 3] of 0 to 1 as Color says, in float64.
func naiveColor(pixels [][3]float64, amounts []float32, order []int32, light []float32) {
	gray := func(p [3]float64) float64 { return 0.299*p[0] + 0.587*p[1] + 0.114*p[2] }
	for k := range 3 {
		mean := 0.0
		for _, p := range pixels {
			mean += gray(p) / float64(len(pixels))
		}
		for i, p := range pixels {
			toward := map[int32]float64{0: 0, 1: mean, 2: gray(p)}[order[k]]
			for c := range 3 {
				pixels[i][c] += float64(amounts[k]) * (toward - p[c])
			}
		}
	}
	for i := range pixels {
		for c := range 3 {
			pixels[i][c] += float64(light[c])
		}
	}
}

func TestChangeColorAgainstNaive(t *testing.T) {
	const batch, side = 6, 5
	c := DataConfig{ColorJitter: 0.4, Lighting: 0.1, Augment: true}
	color := c.drawColor(3, 1, 2, batch)
	defer color.finalize()
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, batch*side*side*3)
	for i := range x {
		x[i] = rng.Float32()
	}
	out := run(t, func(in []*Node) []*Node { return []*Node{changeColor(in[0], in[1], in[2], in[3])} },
		tensors.FromFlatDataAndDimensions(x, batch, side, side, 3), color.Amounts, color.Order, color.Light)
	got := tensors.MustCopyFlatData[float32](out[0])
	amounts, light := tensors.MustCopyFlatData[float32](color.Amounts), tensors.MustCopyFlatData[float32](color.Light)
	order := tensors.MustCopyFlatData[int32](color.Order)
	outside := 0
	for b := range batch {
		pixels := make([][3]float64, side*side)
		for i := range pixels {
			for k := range 3 {
				pixels[i][k] = float64(x[(b*side*side+i)*3+k])
			}
		}
		naiveColor(pixels, amounts[3*b:], order[3*b:], light[3*b:])
		for i, p := range pixels {
			for k, want := range p {
				if v := float64(got[(b*side*side+i)*3+k]); math.Abs(v-want) > 1e-5 {
					t.Fatalf("image %d, pixel %d, color %d: %v, want %v", b, i, k, v, want)
				}
				if want < 0 || want > 1 {
					outside++
				}
			}
		}
	}
	if outside == 0 {
		t.Error("no pixel left [0, 1]: the test can't tell whether they are clamped")
	}
}

// Amounts are uniform in ±ColorJitter, orders are all six, and light has the covariance Σ e·eᵀ·(λ·Lighting)².
func TestDrawColor(t *testing.T) {
	const size = 20000
	c := DataConfig{ColorJitter: 0.4, Lighting: 0.1, Augment: true}
	color, again := c.drawColor(1, 2, 3, size), c.drawColor(1, 2, 3, size)
	if diff := cmp.Diff(tensors.MustCopyFlatData[float32](color.Amounts), tensors.MustCopyFlatData[float32](again.Amounts)); diff != "" {
		t.Error("two draws differ")
	}
	amounts, light := tensors.MustCopyFlatData[float32](color.Amounts), tensors.MustCopyFlatData[float32](color.Light)
	if low, high := slices.Min(amounts), slices.Max(amounts); low < -0.4 || high > 0.4 || low > -0.39 || high < 0.39 {
		t.Errorf("amounts from %v to %v", low, high)
	}
	orders := map[[3]int32]int{}
	order := tensors.MustCopyFlatData[int32](color.Order)
	for i := range size {
		orders[[3]int32(order[3*i:])]++
	}
	if len(orders) != 6 {
		t.Errorf("orders %v", orders)
	}
	for a := range 3 {
		for b := range 3 {
			got, want := 0.0, 0.0
			for i := range size {
				got += float64(light[3*i+a]) * float64(light[3*i+b]) / size
			}
			for k, eigenvalue := range colorEigenvalues {
				want += colorVectors[a][k] * colorVectors[b][k] * math.Pow(eigenvalue*0.1, 2)
			}
			if math.Abs(got/want-1) > 0.05 {
				t.Errorf("covariance of colors %d and %d is %v, want %v", a, b, got, want)
			}
		}
	}
	for name, other := range map[string]Color{"seed": c.drawColor(2, 2, 3, size), "epoch": c.drawColor(1, 3, 3, size), "batch": c.drawColor(1, 2, 4, size)} {
		if tensors.MustCopyFlatData[float32](other.Amounts)[0] == amounts[0] {
			t.Errorf("another %s gives the same draw", name)
		}
	}
	if (DataConfig{ColorJitter: 0.4}).changesColor() || (DataConfig{Augment: true}).changesColor() || !c.changesColor() {
		t.Error("changesColor")
	}
}
