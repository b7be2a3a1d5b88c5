// SPDX-License-Identifier: Apache-2.0

// Package resnet builds residual networks (He et al., arXiv:1512.03385) and pyramidal ones (Han et al., arXiv:1610.02915) as GoMLX
// graphs, under the parameter names and array layouts of torchvision, so that published weights need no conversion.
//
// [Config] describes a network, [Named] those of the first paper, [Config.Arrays] lists a network's arrays, and [Config.Features] maps
// normalized images [batch, height, width, 3] to feature maps [batch, h, w, channels]. The package holds no variables: a [Params]
// hands in the value of each array as a node and receives new running statistics.
//
// # Names
//
// Convolutions have a "weight" and no bias; layers of batch normalization "bn" have a "weight", a "bias", a "running_mean" and a
// "running_var". Stages i count from 1, the blocks j of a stage from 0:
//
//	conv1, bn1                               the stem
//	layer{i}.{j}.conv{k}, .bn{k}             k = 1, 2 in a Basic block, 1 to 3 in a Bottleneck; bn{k} follows conv{k}
//	layer{i}.{j}.downsample.0, .downsample.1 convolution and batch normalization of a shortcut, where it has one
//	layer{i}.{j}.bn1, .conv{k}, .bn{k+1}     k = 1 to 3 in a Pyramid block: bn1 comes before conv1, bn{k+1} follows conv{k}
//	bn_final                                 behind the last Pyramid block
package resnet

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// Stem names how the network begins.
type Stem string

const (
	// ImageNetStem is torchvision's: a 7×7 convolution of stride 2 and a 3×3 maximum pool of stride 2. It divides the side by 4.
	ImageNetStem Stem = "imagenet"
	// SmallStem is a 3×3 convolution of stride 1 without pooling, for images of about 32 pixels.
	SmallStem Stem = "small"
)

// Config describes a residual network:
//
//	ResNet-50, and others by Named  {Stem: ImageNetStem, Block: Bottleneck, Width: 64, Blocks: {3, 4, 6, 3}}
//	ResNet-20 for CIFAR             {Stem: SmallStem, Block: Basic, Width: 16, Blocks: {3, 3, 3}}
//	PyramidNet-200, α̃ = 240         {Stem: SmallStem, Block: Pyramid, Width: 16, Blocks: {22, 22, 22}, Widening: 240}
//
// With the small stem, n blocks in each of three stages make 6·n + 2 layers of Basic blocks, 9·n + 2 of the others. Shortcuts that change
// the side or the number of channels are projections in Basic and Bottleneck blocks ("option B" of arXiv:1512.03385, whose networks for
// CIFAR have zeros instead, "option A", and so a few values less).
type Config struct {
	// Stem is the form of the first layers.
	Stem Stem `json:"stem"`
	// Block is the form of the residual blocks.
	Block Block `json:"block"`
	// Width is the number of channels behind the stem; stage i has Width·2^i inner channels, i from 0, unless the blocks are Pyramid.
	Width int `json:"width"`
	// Blocks is the number of residual blocks of each stage. Every stage but the first halves the side.
	Blocks []int `json:"blocks"`
	// Widening is α̃ of Pyramid blocks, by how many channels the inner width grows from Width to the last block's: block i of N, counted
	// from 1 over all stages, has round(Width + i·α̃/N) inner channels. It is 0 for the other blocks.
	Widening int `json:"widening"`
}

// Channels is the number of channels of the feature maps: 2048 of ResNet-50, 512 of ResNet-18, 1024 of PyramidNet-200 with α̃ = 240.
func (c Config) Channels() (channels int) {
	c.eachBlock(func(b block) { channels = b.out })
	return channels
}

// Stride is the ratio of the image's side to the feature map's.
func (c Config) Stride() int {
	stride := 1 << (len(c.Blocks) - 1)
	if c.Stem == ImageNetStem {
		stride *= 4
	}
	return stride
}

// Validate returns the first fault of the description, or nil.
func (c Config) Validate() error {
	if c.Stem != ImageNetStem && c.Stem != SmallStem {
		return fmt.Errorf("resnet: stem is %q, want %q or %q", c.Stem, ImageNetStem, SmallStem)
	}
	if c.Block != Bottleneck && c.Block != Basic && c.Block != Pyramid {
		return fmt.Errorf("resnet: block is %q, want %q, %q or %q", c.Block, Bottleneck, Basic, Pyramid)
	}
	if c.Block == Pyramid && c.Widening < 1 {
		return fmt.Errorf("resnet: widening is %d, want at least 1 for %q blocks", c.Widening, Pyramid)
	}
	if c.Block != Pyramid && c.Widening != 0 {
		return fmt.Errorf("resnet: widening is %d, want 0 for %q blocks, whose width doubles from stage to stage", c.Widening, c.Block)
	}
	if c.Width < 1 {
		return fmt.Errorf("resnet: width is %d, want at least 1", c.Width)
	}
	if len(c.Blocks) < 1 || len(c.Blocks) > 4 {
		return fmt.Errorf("resnet: blocks has %d stages, want 1 to 4", len(c.Blocks))
	}
	for i, n := range c.Blocks {
		if n < 1 {
			return fmt.Errorf("resnet: stage %d has %d blocks, want at least 1", i+1, n)
		}
	}
	return nil
}

// Params gives a graph the arrays of a network.
type Params interface {
	// Value returns the current value of the named array.
	Value(name string) *Node
	// SetValue gives the named array, a running statistic, its value after this step.
	SetValue(name string, value *Node)
}

// Kind tells what an array of the network is.
type Kind int

const (
	// Kernel is a convolution's weights [out, in, height, width].
	Kernel Kind = iota
	// NormScale and NormShift are batch normalization's trained factor and offset [channels].
	NormScale
	NormShift
	// RunningMean and RunningVariance are batch normalization's running statistics [channels]; no gradient reaches them.
	RunningMean
	RunningVariance
)

// Array is one array of the network.
type Array struct {
	Name  string
	Kind  Kind
	Shape []int
}

// Arrays lists the arrays of the network in the order of PyTorch's state_dict, under the names of the package comment
// (num_batches_tracked, which nothing reads, is left out).
func (c Config) Arrays() []Array {
	var list []Array
	conv := func(name string, out, in, size int) {
		list = append(list, Array{name + ".weight", Kernel, []int{out, in, size, size}})
	}
	norm := func(name string, channels int) {
		for _, p := range []Array{{"weight", NormScale, nil}, {"bias", NormShift, nil}, {"running_mean", RunningMean, nil}, {"running_var", RunningVariance, nil}} {
			list = append(list, Array{name + "." + p.Name, p.Kind, []int{channels}})
		}
	}
	if c.Stem == ImageNetStem {
		conv("conv1", c.Width, 3, 7)
	} else {
		conv("conv1", c.Width, 3, 3)
	}
	norm("bn1", c.Width)
	c.eachBlock(func(b block) {
		if b.form == Pyramid {
			norm(b.name+".bn1", b.in)
		}
		for _, l := range b.layers() {
			conv(b.name+"."+l.conv, l.out, l.in, l.size)
			norm(b.name+"."+l.norm, l.out)
		}
		if b.project {
			conv(b.name+".downsample.0", b.out, b.in, 1)
			norm(b.name+".downsample.1", b.out)
		}
	})
	if c.Block == Pyramid {
		norm("bn_final", c.Channels())
	}
	return list
}

// Features returns the feature maps [batch, h, w, Channels] of normalized images [batch, height, width, 3].
//
// The images' type, float32 or bfloat16, is the one that convolutions, ReLU and pooling compute in and that the result has. The arrays
// stay float32, and so do their gradients and the arithmetic of batch normalization.
func (c Config) Features(p Params, images *Node, norm BatchNorm) *Node {
	stride := 1
	if c.Stem == ImageNetStem {
		stride = 2
	}
	x := norm.convolve(p, "conv1", "bn1", images, stride)
	if c.Stem == ImageNetStem || c.Block != Pyramid { // the pyramids for small images have no ReLU here
		x = relu(x)
	}
	if c.Stem == ImageNetStem {
		x = maxPool(x)
	}
	c.eachBlock(func(b block) { x = b.build(p, x, norm) })
	if c.Block == Pyramid {
		x = relu(norm.apply(p, "bn_final", x))
	}
	return x
}

// relu is max(x, 0) with gradient 0 at 0, as PyTorch has it (GoMLX's own has gradient 1 there). NaN stays NaN.
func relu(x *Node) *Node {
	return Where(LessOrEqual(x, ScalarZero(x.Graph(), x.DType())), ZerosLike(x), x)
}
