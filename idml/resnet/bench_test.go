// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// BenchmarkPointwiseGradient times both gradients of a 1×1 convolution of ResNet-50's first stage, 16 images of 56 × 56, as the
// matrix product that convolve makes of it and as a convolution.
func BenchmarkPointwiseGradient(b *testing.B) {
	for _, form := range []struct {
		name string
		of   func(x, kernel *Node, stride int) *Node
	}{{"product", product}, {"convolution", convolution2D}} {
		b.Run(form.name, func(b *testing.B) {
			exec := MustNewExec(backendtest.Open(b), func(x, kernel *Node) (*Node, *Node) {
				gradients := Gradient(ReduceAllSum(Square(form.of(x, kernel, 1))), x, kernel)
				return gradients[0], gradients[1]
			})
			defer exec.Finalize()
			x, kernel := make([]float32, 16*56*56*64), make([]float32, 256*64)
			for i := range x {
				x[i] = float32(i%17) / 17
			}
			for i := range kernel {
				kernel[i] = float32(i%13) / 13
			}
			images, weights := tensors.FromFlatDataAndDimensions(x, 16, 56, 56, 64), tensors.FromFlatDataAndDimensions(kernel, 256, 64, 1, 1)
			for b.Loop() {
				for _, out := range exec.MustCall(images, weights) {
					out.MustFinalizeAll()
				}
			}
		})
	}
}

// A shape is a convolution of a network: size × size kernels from in to out channels on images of side × side, and how often there is one.
type shape struct{ size, stride, side, in, out, count int }

// resnet50Shapes lists the convolutions of ResNet-50 at 224 pixels, equal ones once.
func resnet50Shapes() []shape {
	list := []shape{{7, 2, 224, 3, 64, 1}}
	add := func(s shape) {
		for i := range list {
			if list[i].size == s.size && list[i].stride == s.stride && list[i].side == s.side && list[i].in == s.in && list[i].out == s.out {
				list[i].count++
				return
			}
		}
		s.count = 1
		list = append(list, s)
	}
	side, in := 56, 64
	for stage, blocks := range []int{3, 4, 6, 3} {
		width, stride := 64<<stage, min(stage+1, 2)
		for range blocks {
			add(shape{size: 1, stride: 1, side: side, in: in, out: width})
			add(shape{size: 3, stride: stride, side: side, in: width, out: width})
			if in != 4*width {
				add(shape{size: 1, stride: stride, side: side, in: in, out: 4 * width})
			}
			side, in, stride = side/stride, 4*width, 1
			add(shape{size: 1, stride: 1, side: side, in: width, out: in})
		}
	}
	return list
}

// BenchmarkConvolutions times the convolutions of ResNet-50 for 16 images of 224 pixels, forward and their gradients for images and kernel: each alone, in 10⁹ operations
// a second, and in milliseconds of all that are equal to it in the network.
func BenchmarkConvolutions(b *testing.B) {
	const batch = 16
	for _, s := range resnet50Shapes() {
		values := func(dims ...int) *tensors.Tensor {
			size := 1
			for _, d := range dims {
				size *= d
			}
			flat := make([]float32, size)
			for i := range flat {
				flat[i] = float32(i%17)/17 - 0.5
			}
			return tensors.FromFlatDataAndDimensions(flat, dims...)
		}
		after := s.side / s.stride
		x, kernel, v := values(batch, s.side, s.side, s.in), values(s.out, s.in, s.size, s.size), values(batch, after, after, s.out)
		weighted := func(x, kernel, v *Node) *Node { return ReduceAllSum(Mul(convolve(x, kernel, s.stride), v)) }
		for _, part := range []struct {
			name string
			of   func(x, kernel, v *Node) *Node
		}{
			{"forward", func(x, kernel, _ *Node) *Node { return convolve(x, kernel, s.stride) }},
			{"image gradient", func(x, kernel, v *Node) *Node { return Gradient(weighted(x, kernel, v), x)[0] }},
			{"kernel gradient", func(x, kernel, v *Node) *Node { return Gradient(weighted(x, kernel, v), kernel)[0] }},
		} {
			if s.in == 3 && part.name == "image gradient" {
				continue // nobody wants it
			}
			b.Run(fmt.Sprintf("%d×%d, stride %d, %d², %d→%d/%s", s.size, s.size, s.stride, s.side, s.in, s.out, part.name), func(b *testing.B) {
				exec := MustNewExec(backendtest.Open(b), part.of)
				defer exec.Finalize()
				exec.MustCall(x, kernel, v)[0].MustFinalizeAll()
				for b.Loop() {
					exec.MustCall(x, kernel, v)[0].MustFinalizeAll()
				}
				seconds := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(2*float64(batch*after*after*s.in*s.out*s.size*s.size)/seconds/1e9, "GFLOP/s")
				b.ReportMetric(1000*seconds*float64(s.count), "ms-in-network")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
