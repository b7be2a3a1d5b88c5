// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// Epsilon and Momentum are PyTorch's defaults of BatchNorm2d, which torchvision and the released code use: Epsilon is added to the
// variance, and Momentum is the weight of the batch in the running statistics.
const (
	Epsilon  = 1e-5
	Momentum = 0.1
)

// BatchNorm tells which statistics normalize a batch (Ioffe and Szegedy, arXiv:1502.03167). The scale and the shift are
// trained in both cases.
type BatchNorm int

const (
	// StoredStatistics normalizes by the running mean and variance and leaves them as they are: PyTorch's eval mode, and the
	// "frozen" batch normalization of the released training.
	StoredStatistics BatchNorm = iota
	// BatchStatistics normalizes by the batch's own mean and biased variance, and moves the running ones (with the unbiased
	// variance) toward them: PyTorch's train mode.
	BatchStatistics
)

// apply normalizes the last axis of x [batch, height, width, channels] with the arrays of the named layer:
// y = (x − mean)/√(variance + ε)·weight + bias.
//
// Statistics and arithmetic are of the arrays' type, float32, and the result is rounded to x's: as PyTorch's autocast, whose batch
// normalization reads and writes bfloat16 and computes in float32. In bfloat16, with 8 bits of precision, x − mean of a channel
// far from 0 would lose what distinguishes the images, and a running statistic that moves by a tenth at a time would stop moving.
func (b BatchNorm) apply(p Params, name string, x *Node) *Node {
	mean, variance := p.Value(name+".running_mean"), p.Value(name+".running_var")
	dtype := x.DType()
	if b == BatchStatistics {
		x = storeGradient(x)
	}
	x = ConvertDType(x, mean.DType())
	if b == BatchStatistics {
		batchMean := ReduceMean(x, 0, 1, 2)
		centered := Sub(x, channels(batchMean))
		batchVariance := ReduceMean(Square(centered), 0, 1, 2)
		n := float64(x.Shape().Size() / batchMean.Shape().Size())
		move := func(running, batch *Node) *Node {
			return Add(MulScalar(running, 1-Momentum), MulScalar(StopGradient(batch), Momentum))
		}
		p.SetValue(name+".running_mean", move(mean, batchMean))
		p.SetValue(name+".running_var", move(variance, MulScalar(batchVariance, n/max(n-1, 1))))
		mean, variance = batchMean, batchVariance
	}
	scale, shift := affine(p, name, mean, variance)
	return ConvertDType(Add(Mul(x, channels(scale)), channels(shift)), dtype)
}

// affine returns the factor and the offset by which a layer's arrays normalize x with a mean and a variance: y = x·scale + shift.
func affine(p Params, name string, mean, variance *Node) (scale, shift *Node) {
	scale = Div(p.Value(name+".weight"), Sqrt(AddScalar(variance, Epsilon)))
	return scale, Sub(p.Value(name+".bias"), Mul(mean, scale))
}

// convolve returns the convolution of x with the weight of layer conv, normalized by layer name. With stored statistics the factor goes into the kernel, which is far
// smaller than what it makes: one pass over the result less, and one less in the gradient.
func (b BatchNorm) convolve(p Params, conv, name string, x *Node, stride int) *Node {
	kernel := p.Value(conv + ".weight")
	if b == BatchStatistics {
		return b.apply(p, name, convolve(x, kernel, stride))
	}
	mean, variance := p.Value(name+".running_mean"), p.Value(name+".running_var")
	scale, shift := affine(p, name, mean, variance)
	y := convolve(x, Mul(kernel, Reshape(scale, -1, 1, 1, 1)), stride)
	return ConvertDType(Add(ConvertDType(y, shift.DType()), channels(shift)), y.DType())
}

// storeGradient returns x. Its gradient is computed once and stored; XLA's CPU compiler would compute it anew in each loop that reads it: transposed for a kernel's gradient, and
// in a sum of residuals with those of all sums behind it, so that the work grows as the square of the number of blocks.
func storeGradient(x *Node) *Node {
	return IdentityWithCustomGradient(x, func(_, gradient *Node) *Node {
		// A barrier of one value is none on the CPU (go-xla), so it has a second one.
		return OptimizationBarriers(gradient, ScalarZero(x.Graph(), x.DType()))[0]
	})
}

// channels shapes a [channels] node so that it broadcasts over [batch, height, width, channels].
func channels(x *Node) *Node { return ExpandLeftToRank(x, 4) }
