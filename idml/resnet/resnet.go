// SPDX-License-Identifier: Apache-2.0

// Package resnet builds residual networks (He et al., arXiv:1512.03385) as GoMLX graphs, under the parameter names and array
// layouts of torchvision, so that published weights need no conversion.
//
// [Config] describes a network, [Named] those of the paper, [Config.Arrays] lists a network's arrays, and [Config.Features] maps
// normalized images [batch, height, width, 3] to feature maps [batch, h, w, channels]. The package holds no variables: a [Params]
// hands in the value of each array as a node and receives new running statistics.
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

// Config describes a residual network. ResNet-50 is {Stem: ImageNetStem, Block: Bottleneck, Width: 64, Blocks: {3, 4, 6, 3}}; see [Named].
type Config struct {
	// Stem is the form of the first layers.
	Stem Stem `json:"stem"`
	// Block is the form of the residual blocks.
	Block Block `json:"block"`
	// Width is the number of channels behind the stem; stage i has Width·2^i inner channels, i from 0.
	Width int `json:"width"`
	// Blocks is the number of residual blocks of each stage. Every stage but the first halves the side.
	Blocks []int `json:"blocks"`
}

// Channels is the number of channels of the feature maps: 2048 of ResNet-50, 512 of ResNet-18.
func (c Config) Channels() int { return c.Width << (len(c.Blocks) - 1) * c.Block.expansion() }

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
	if c.Block != Bottleneck && c.Block != Basic {
		return fmt.Errorf("resnet: block is %q, want %q or %q", c.Block, Bottleneck, Basic)
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

// Arrays lists the arrays of the network in torchvision's order, under torchvision's names (num_batches_tracked, which
// nothing reads, is left out).
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
		for i, l := range b.layers() {
			conv(fmt.Sprintf("%s.conv%d", b.name, i+1), l.out, l.in, l.size)
			norm(fmt.Sprintf("%s.bn%d", b.name, i+1), l.out)
		}
		if b.project {
			conv(b.name+".downsample.0", b.out, b.in, 1)
			norm(b.name+".downsample.1", b.out)
		}
	})
	return list
}

// Features returns the feature maps [batch, h, w, Channels] of normalized images [batch, height, width, 3].
//
// The images' type, float32 or bfloat16, is the one that convolutions, ReLU and pooling compute in and that the result has. The arrays
// stay float32, and so do their gradients and the arithmetic of batch normalization.
func (c Config) Features(p Params, images *Node, norm BatchNorm) *Node {
	var x *Node
	if c.Stem == ImageNetStem {
		x = convolve(images, p.Value("conv1.weight"), 2)
		x = relu(norm.apply(p, "bn1", x))
		x = MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	} else {
		x = convolve(images, p.Value("conv1.weight"), 1)
		x = relu(norm.apply(p, "bn1", x))
	}
	c.eachBlock(func(b block) { x = b.build(p, x, norm) })
	return x
}

// relu is max(x, 0) with gradient 0 at 0, as PyTorch has it (GoMLX's own has gradient 1 there). NaN stays NaN.
func relu(x *Node) *Node {
	return Where(LessOrEqual(x, ScalarZero(x.Graph(), x.DType())), ZerosLike(x), x)
}
