// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"math"
	"testing"
)

// trained counts the trained values of a network with a classifier of so many classes, and of these the ones of batch normalization.
func trained(c Config, classes int) (all, norm int) {
	for _, a := range c.Arrays() {
		size := 1
		for _, d := range a.Shape {
			size *= d
		}
		switch a.Kind {
		case NormScale, NormShift:
			norm += size
			all += size
		case Kernel:
			all += size
		}
	}
	return all + (c.Channels()+1)*classes, norm
}

// pyramidCount is the same number for a PyramidNet, by the published rule: block i of N has a = round(width + i·α̃/N) inner channels, kernels
// of in·a + 9·a² + 4·a² values, and 2·(in + a + a + 4a) of batch normalization.
func pyramidCount(stem, width, blocks, widening, classes int) int {
	count, in, exact := 3*stem*stem*width+2*width, width, float64(width)
	for range blocks {
		exact += float64(widening) / float64(blocks)
		a := int(math.RoundToEven(exact))
		count += in*a + 13*a*a + 2*(in+6*a)
		in = 4 * a
	}
	return count + 2*in + (in+1)*classes
}

// The numbers of trained values are those of the released code's networks for CIFAR; channels and millions of values are those that the
// authors list (github.com/jhkim89/PyramidNet), where batch normalization isn't counted.
func TestPyramidCounts(t *testing.T) {
	cifar := func(depth, widening int) Config {
		n := (depth - 2) / 9
		return Config{Stem: SmallStem, Block: Pyramid, Width: 16, Blocks: []int{n, n, n}, Widening: widening}
	}
	imageNet := func(widening int) Config {
		return Config{Stem: ImageNetStem, Block: Pyramid, Width: 64, Blocks: []int{3, 24, 36, 3}, Widening: widening}
	}
	for _, test := range []struct {
		c        Config
		classes  int
		want     int     // 0: only the sum by the rule
		channels int     // as listed
		millions float64 // as listed, without batch normalization; 0: not compared
	}{
		{cifar(200, 240), 10, 26_752_702, 1024, 26.6},
		{cifar(200, 240), 100, 26_844_952, 1024, 0},
		{cifar(164, 48), 10, 0, 256, 1.7},
		{cifar(164, 84), 10, 0, 400, 0},
		{cifar(164, 270), 10, 0, 1144, 0},
		{cifar(236, 220), 10, 0, 944, 26.8},
		{cifar(272, 200), 10, 0, 864, 26.0},
		{imageNet(300), 1000, 0, 1456, 62.1},
		{imageNet(450), 1000, 0, 2056, 116.4},
	} {
		all, norm := trained(test.c, test.classes)
		stem, blocks := 3, 0
		if test.c.Stem == ImageNetStem {
			stem = 7
		}
		for _, n := range test.c.Blocks {
			blocks += n
		}
		if want := pyramidCount(stem, test.c.Width, blocks, test.c.Widening, test.classes); all != want {
			t.Errorf("%+v, %d classes: %d trained values, want %d by the rule", test.c, test.classes, all, want)
		}
		if test.want != 0 && all != test.want {
			t.Errorf("%+v, %d classes: %d trained values, want %d", test.c, test.classes, all, test.want)
		}
		if test.c.Channels() != test.channels {
			t.Errorf("%+v: %d channels, want %d", test.c, test.c.Channels(), test.channels)
		}
		if got := float64(all-norm) / 1e6; test.millions != 0 && math.Abs(got-test.millions) > 0.05 {
			t.Errorf("%+v: %.2f million trained values without batch normalization, want %g", test.c, got, test.millions)
		}
	}
	// With an uncertainty head of 128 values.
	for classes, want := range map[int]int{10: 26_883_902, 100: 26_976_152} {
		c := cifar(200, 240)
		all, _ := trained(c, classes)
		if got := all + (c.Channels()+1)*128; got != want {
			t.Errorf("PyramidNet-200, %d classes, with the uncertainty head: %d trained values, want %d", classes, got, want)
		}
	}
}

// The networks of arXiv:1512.03385 for CIFAR, 6·n + 2 layers, whose shortcuts are projections here: two kernels and two batch normalizations
// more than the paper's, of which it lists 0.27, 0.46 and 0.85 million values.
func TestSmallResNetCounts(t *testing.T) {
	const projections = (16*32 + 2*32) + (32*64 + 2*64)
	for n, listed := range map[int]float64{3: 0.27, 5: 0.46, 9: 0.85} {
		want := 3*9*16 + 2*16 + (64+1)*10 + projections
		for stage, in := range []int{16, 16, 32} {
			out := 16 << stage
			want += 9*in*out + (2*n-1)*9*out*out + 2*n*2*out
		}
		got, _ := trained(Config{Stem: SmallStem, Block: Basic, Width: 16, Blocks: []int{n, n, n}}, 10)
		if got != want {
			t.Errorf("ResNet-%d has %d trained values, want %d", 6*n+2, got, want)
		}
		if millions := float64(got-projections) / 1e6; math.Abs(millions-listed) > 0.005 {
			t.Errorf("ResNet-%d has %.4f million trained values without its projections, want %g", 6*n+2, millions, listed)
		}
	}
	if got, _ := trained(Config{Stem: SmallStem, Block: Basic, Width: 16, Blocks: []int{3, 3, 3}}, 10); got != 272_474 {
		t.Errorf("ResNet-20 has %d trained values, want 272,474", got)
	}
}
