// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"strings"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// convolve returns the convolution of x [batch, height, width, in] with the kernel [out, in, k, k] (torchvision's layout), k odd, with a
// padding of k/2 on every side. It is computed in x's type, to which the kernel is rounded; the kernel's gradient is of the kernel's type.
//
// On the CPU a 1×1 kernel becomes a matrix product: forward and both gradients take 0.42 of the convolution's time (BenchmarkPointwiseGradient, 2 cores). On CUDA, where
// matrix products are in full float32 (see idml/backend), it stays a convolution, which is in TF32.
func convolve(x, kernel *Node, stride int) *Node {
	kernel = ConvertDType(kernel, x.DType())
	if kernel.Shape().Dimensions[2] == 1 && !onCUDA(x.Graph().Backend()) {
		return product(x, kernel, stride)
	}
	return convolution2D(x, kernel, stride)
}

// product is convolve for a 1×1 kernel as a matrix product.
func product(x, kernel *Node, stride int) *Node {
	if stride > 1 {
		x = Slice(x, AxisRange(), AxisRange().Stride(stride), AxisRange().Stride(stride), AxisRange())
	}
	out, in := kernel.Shape().Dimensions[0], kernel.Shape().Dimensions[1]
	return DotGeneral(x, []int{3}, nil, Reshape(kernel, out, in), []int{1}, nil)
}

// convolution2D is convolve as the compiler's own convolution.
func convolution2D(x, kernel *Node, stride int) *Node {
	pad := [2]int{kernel.Shape().Dimensions[2] / 2, kernel.Shape().Dimensions[2] / 2}
	return Convolve(x, TransposeAllAxes(kernel, 2, 3, 1, 0)).Strides(stride).PaddingPerDim([][2]int{pad, pad}).Done()
}

// onCUDA tells whether a backend is XLA's CUDA plugin.
func onCUDA(b compute.Backend) bool {
	named, ok := b.(interface{ PluginName() string })
	if !ok {
		return false
	}
	name := strings.ToLower(named.PluginName())
	return strings.Contains(name, "cuda") || strings.Contains(name, "nvidia") // as go-xla
}
