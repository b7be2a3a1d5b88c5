// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// Block names the form of the residual blocks: the convolutions that a block adds to its input, and where batch normalization and ReLU
// stand. In Basic and Bottleneck blocks each convolution is followed by batch normalization, and by a ReLU, which comes behind the sum
// for the last one.
type Block string

const (
	// Bottleneck is a 1×1 convolution, a 3×3 one that carries the stride (torchvision's "ResNet v1.5"; the paper strides the 1×1), and
	// a 1×1 one to four times the inner channels: ResNet-50 and 101.
	Bottleneck Block = "bottleneck"
	// Basic is two 3×3 convolutions, of which the first carries the stride: ResNet-18 and 34.
	Basic Block = "basic"
	// Pyramid is the bottleneck of PyramidNet (arXiv:1610.02915, additive): the convolutions of Bottleneck between four batch
	// normalizations, the first before the first convolution, with a ReLU behind the second and the third only and none behind the sum.
	// The inner width grows at every block, by Config.Widening over all. The shortcut has no parameters: a 2×2 mean at stride 2, and
	// zeros for the channels that the input lacks. Behind the last block stand another batch normalization and a ReLU.
	//
	// Code: as in the code of CutMix (clovaai/CutMix-PyTorch), widths are added up in floating point and halves are rounded to even; the
	// authors' Torch code rounds them up. At odd sides its mean takes the elements that there are; theirs has no such sides.
	Pyramid Block = "pyramid"
)

// expansion is the ratio of a block's output channels to its inner ones.
func (b Block) expansion() int {
	if b == Basic {
		return 1
	}
	return 4
}

// block is one residual block.
type block struct {
	form                   Block
	name                   string
	in, inner, out, stride int
	// project puts a 1×1 convolution on the shortcut: where the block changes the side or the number of channels, unless it is a Pyramid.
	project bool
}

// eachBlock calls visit for each block in order.
func (c Config) eachBlock(visit func(block)) {
	total := 0
	for _, count := range c.Blocks {
		total += count
	}
	growth := float64(c.Widening) / float64(total)
	in, width := c.Width, float64(c.Width)
	for stage, count := range c.Blocks {
		for i := range count {
			first := stage > 0 && i == 0
			if c.Block == Pyramid {
				width += growth
			} else if first {
				width *= 2
			}
			inner := int(math.RoundToEven(width))
			b := block{form: c.Block, name: fmt.Sprintf("layer%d.%d", stage+1, i), in: in, inner: inner, out: inner * c.Block.expansion(), stride: 1}
			if first {
				b.stride = 2
			}
			b.project = b.form != Pyramid && (b.stride != 1 || b.in != b.out)
			visit(b)
			in = b.out
		}
	}
}

// convolution is one convolution of a block, with a size × size kernel, and the batch normalization behind it.
type convolution struct {
	conv, norm            string
	in, out, size, stride int
}

// layers lists the block's convolutions in order.
func (b block) layers() []convolution {
	switch b.form {
	case Basic:
		return []convolution{{"conv1", "bn1", b.in, b.inner, 3, b.stride}, {"conv2", "bn2", b.inner, b.out, 3, 1}}
	case Pyramid:
		return []convolution{{"conv1", "bn2", b.in, b.inner, 1, 1}, {"conv2", "bn3", b.inner, b.inner, 3, b.stride}, {"conv3", "bn4", b.inner, b.out, 1, 1}}
	default:
		return []convolution{{"conv1", "bn1", b.in, b.inner, 1, 1}, {"conv2", "bn2", b.inner, b.inner, 3, b.stride}, {"conv3", "bn3", b.inner, b.out, 1, 1}}
	}
}

// build returns the block's output [batch, height/stride, width/stride, out] for x [batch, height, width, in]; odd sides are halved upward.
func (b block) build(p Params, x *Node, norm BatchNorm) *Node {
	apply := func(conv, bn string, x *Node, stride int) *Node {
		return norm.convolve(p, b.name+"."+conv, b.name+"."+bn, x, stride)
	}
	y := x
	if b.form == Pyramid {
		y = norm.apply(p, b.name+".bn1", y)
	}
	for i, l := range b.layers() {
		if i > 0 {
			y = relu(y)
		}
		y = apply(l.conv, l.norm, y, l.stride)
	}
	if b.form == Pyramid {
		if b.stride > 1 {
			x = halve(x)
		}
		return Add(widen(x, b.out), y)
	}
	if b.project {
		x = apply("downsample.0", "downsample.1", x, b.stride)
	}
	return relu(Add(x, y))
}
