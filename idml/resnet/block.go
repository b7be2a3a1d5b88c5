// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// Block names the form of the residual blocks: the convolutions that a block adds to its input. Each convolution is followed by batch
// normalization, and by a ReLU, which comes behind the sum for the last one.
type Block string

const (
	// Bottleneck is a 1×1 convolution, a 3×3 one that carries the stride (torchvision's "ResNet v1.5"; the paper strides the 1×1), and
	// a 1×1 one to four times the inner channels: ResNet-50 and 101.
	Bottleneck Block = "bottleneck"
	// Basic is two 3×3 convolutions, of which the first carries the stride: ResNet-18 and 34.
	Basic Block = "basic"
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
	// project puts a 1×1 convolution on the shortcut: where the block changes the side or the number of channels.
	project bool
}

// eachBlock calls visit for each block in order.
func (c Config) eachBlock(visit func(block)) {
	in := c.Width
	for stage, count := range c.Blocks {
		inner := c.Width << stage
		for i := range count {
			b := block{form: c.Block, name: fmt.Sprintf("layer%d.%d", stage+1, i), in: in, inner: inner, out: inner * c.Block.expansion(), stride: 1}
			if stage > 0 && i == 0 {
				b.stride = 2
			}
			b.project = b.stride != 1 || b.in != b.out
			visit(b)
			in = b.out
		}
	}
}

// convolution is one convolution of a block, with a size × size kernel.
type convolution struct{ in, out, size, stride int }

// layers lists the block's convolutions, conv1 first.
func (b block) layers() []convolution {
	if b.form == Basic {
		return []convolution{{b.in, b.inner, 3, b.stride}, {b.inner, b.out, 3, 1}}
	}
	return []convolution{{b.in, b.inner, 1, 1}, {b.inner, b.inner, 3, b.stride}, {b.inner, b.out, 1, 1}}
}

// build returns the block's output [batch, height/stride, width/stride, out] for x [batch, height, width, in].
func (b block) build(p Params, x *Node, norm BatchNorm) *Node {
	apply := func(conv, bn string, x *Node, stride int) *Node {
		return norm.apply(p, b.name+"."+bn, convolve(x, p.Value(b.name+"."+conv+".weight"), stride))
	}
	y := x
	for i, l := range b.layers() {
		if i > 0 {
			y = relu(y)
		}
		y = apply(fmt.Sprintf("conv%d", i+1), fmt.Sprintf("bn%d", i+1), y, l.stride)
	}
	if b.project {
		x = apply("downsample.0", "downsample.1", x, b.stride)
	}
	return relu(Add(x, y))
}
