// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// BenchmarkPointwiseGradient times both gradients of a 1×1 convolution of ResNet-50's first stage, 16 images of 56 × 56, as the
// matrix product that convolve makes of it and as a convolution.
func BenchmarkPointwiseGradient(b *testing.B) {
	asConvolution := func(x, kernel *Node) *Node { return Convolve(x, TransposeAllAxes(kernel, 2, 3, 1, 0)).Done() }
	asProduct := func(x, kernel *Node) *Node { return convolve(x, kernel, 1) }
	for _, form := range []struct {
		name string
		of   func(x, kernel *Node) *Node
	}{{"product", asProduct}, {"convolution", asConvolution}} {
		b.Run(form.name, func(b *testing.B) {
			exec := MustNewExec(backendtest.Open(b), func(x, kernel *Node) (*Node, *Node) {
				gradients := Gradient(ReduceAllSum(Square(form.of(x, kernel))), x, kernel)
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
