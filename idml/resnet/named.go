// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"fmt"
	"slices"
	"strings"
)

// named are the networks of arXiv:1512.03385 for 224 × 224 images that torchvision names so. All begin with 64 channels.
var named = []struct {
	name   string
	block  Block
	blocks [4]int
}{
	{"resnet18", Basic, [4]int{2, 2, 2, 2}},
	{"resnet34", Basic, [4]int{3, 4, 6, 3}},
	{"resnet50", Bottleneck, [4]int{3, 4, 6, 3}},
	{"resnet101", Bottleneck, [4]int{3, 4, 23, 3}},
}

// Named returns the network that torchvision calls resnet18, resnet34, resnet50 or resnet101.
func Named(name string) (Config, error) {
	for _, n := range named {
		if n.name == name {
			return Config{Stem: ImageNetStem, Block: n.block, Width: 64, Blocks: slices.Clone(n.blocks[:])}, nil
		}
	}
	return Config{}, fmt.Errorf("resnet: no network is called %q, want one of %s", name, strings.Join(Names(), ", "))
}

// Names lists the names that [Named] knows, the shallowest network first.
func Names() []string {
	names := make([]string, len(named))
	for i, n := range named {
		names[i] = n.name
	}
	return names
}

// Name returns the name by which [Named] knows the network, or "" if it knows none like it.
func (c Config) Name() string {
	for _, n := range named {
		if c.Stem == ImageNetStem && c.Block == n.block && c.Width == 64 && slices.Equal(c.Blocks, n.blocks[:]) {
			return n.name
		}
	}
	return ""
}
