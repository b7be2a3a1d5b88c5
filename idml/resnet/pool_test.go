// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

// naiveMaxPool is the pooling of x [height, width, 1] by its definition, and the gradient of Σ y·w.
func naiveMaxPool(x, w []float32, height, width int) (y, dx []float32) {
	dx = make([]float32, len(x))
	for row := 0; row < height; row += 2 {
		for col := 0; col < width; col += 2 {
			best := -1
			for i := max(row-1, 0); i < min(row+2, height); i++ {
				for j := max(col-1, 0); j < min(col+2, width); j++ {
					if v := x[i*width+j]; best < 0 || v > x[best] || v != v {
						best = i*width + j
					}
				}
			}
			dx[best] += w[len(y)]
			y = append(y, x[best])
		}
	}
	return y, dx
}

// Small whole numbers make many ties, of which the first gets the gradient; NaN is a maximum.
func TestMaxPoolAgainstNaive(t *testing.T) {
	backend := backendtest.Open(t)
	for _, side := range [][2]int{{8, 8}, {7, 10}, {1, 1}, {1, 2}, {2, 3}, {3, 1}} {
		height, width := side[0], side[1]
		x, w := random(1, height*width, 0), random(2, (height+1)/2*((width+1)/2), 0)
		for i := range x {
			x[i] = float32(math.Round(float64(x[i])))
		}
		if height == 8 {
			x[37] = float32(math.NaN())
		}
		exec, err := NewExec(backend, func(x, w *Node) (*Node, *Node) {
			y := maxPool(x)
			return y, Gradient(ReduceAllSum(Mul(y, w)), x)[0]
		})
		if err != nil {
			t.Fatal(err)
		}
		h, v := (height+1)/2, (width+1)/2
		got, err := exec.Call(tensors.FromFlatDataAndDimensions(x, 1, height, width, 1), tensors.FromFlatDataAndDimensions(w, 1, h, v, 1))
		if err != nil {
			t.Fatal(err)
		}
		y, dx := naiveMaxPool(x, w, height, width)
		for i, want := range [][]float32{y, dx} {
			if diff := cmp.Diff(text(want), text(tensors.MustCopyFlatData[float32](got[i]))); diff != "" {
				t.Errorf("%d × %d, %s (-want +got):\n%s", height, width, []string{"output", "gradient"}[i], diff)
			}
		}
		exec.Finalize()
	}
}

// text writes numbers so that NaN equals NaN, to six digits: what several windows give one element is added in another order.
func text(x []float32) (out []string) {
	for _, v := range x {
		out = append(out, fmt.Sprintf("%.6g", v))
	}
	return out
}

// BenchmarkMaxPoolGradient times the gradient of the pooling of ResNet-50's stem, 8 images of 224 × 224, as maxPool and as XLA's own.
func BenchmarkMaxPoolGradient(b *testing.B) {
	own := func(x *Node) *Node {
		return MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	}
	for _, form := range []struct {
		name string
		of   func(x *Node) *Node
	}{{"maxPool", maxPool}, {"xla", own}} {
		b.Run(form.name, func(b *testing.B) {
			exec := MustNewExec(backendtest.Open(b), func(x *Node) *Node { return Gradient(ReduceAllSum(Square(form.of(relu(x)))), x)[0] })
			defer exec.Finalize()
			x := tensors.FromFlatDataAndDimensions(random(1, 8*112*112*64, 0), 8, 112, 112, 64)
			for b.Loop() {
				exec.MustCall(x)[0].MustFinalizeAll()
			}
		})
	}
}
