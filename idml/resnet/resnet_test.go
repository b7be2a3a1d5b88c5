// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

var resNet50 = Config{Stem: ImageNetStem, Block: Bottleneck, Width: 64, Blocks: []int{3, 4, 6, 3}}

// PyTorch's own list of a small network, from the header of the reference's file (see testdata/reference).
func TestArraysAgainstReference(t *testing.T) {
	data, err := os.ReadFile("../../testdata/reference/two_head_resnet.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]struct{ Shape []int }
	n := binary.LittleEndian.Uint64(data)
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	want, got := map[string][]int{}, map[string][]int{}
	for key, v := range header {
		name, ok := strings.CutPrefix(key, "weights.")
		if ok && !strings.HasPrefix(name, "embedding.") && !strings.HasPrefix(name, "uncertainty.") && !strings.HasSuffix(name, ".num_batches_tracked") {
			want[name] = v.Shape
		}
	}
	for _, a := range (Config{Stem: ImageNetStem, Block: Bottleneck, Width: 8, Blocks: []int{1, 2, 1, 1}}).Arrays() {
		got[a.Name] = a.Shape
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-PyTorch +ours):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{resNet50, {SmallStem, Basic, 1, []int{1}, 0}, {SmallStem, Pyramid, 16, []int{22, 22, 22}, 240}, {ImageNetStem, Pyramid, 1, []int{1}, 1}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for want, c := range map[string]Config{
		`stem is ""`:            {"", Basic, 64, []int{1}, 0},
		`stem is "large"`:       {"large", Basic, 64, []int{1}, 0},
		`block is ""`:           {SmallStem, "", 8, []int{1}, 0},
		`block is "wide"`:       {SmallStem, "wide", 8, []int{1}, 0},
		"width is 0":            {SmallStem, Basic, 0, []int{1}, 0},
		"0 stages":              {SmallStem, Bottleneck, 8, nil, 0},
		"5 stages":              {SmallStem, Basic, 8, []int{1, 1, 1, 1, 1}, 0},
		"stage 2 has 0 blocks":  {SmallStem, Basic, 8, []int{1, 0}, 0},
		"stage 1 has -1 blocks": {SmallStem, Bottleneck, 8, []int{-1}, 0},
		`widening is 0, want at least 1 for "pyramid"`: {SmallStem, Pyramid, 16, []int{1}, 0},
		`widening is -1, want at least 1`:              {SmallStem, Pyramid, 16, []int{1}, -1},
		`widening is 8, want 0 for "basic" blocks`:     {SmallStem, Basic, 16, []int{1}, 8},
		`widening is 1, want 0 for "bottleneck"`:       {ImageNetStem, Bottleneck, 16, []int{1}, 1},
		"width is -3, want at le":                      {SmallStem, Basic, -3, []int{1}, 0},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

// nodes gives a graph parameters of the arrays' shapes; statistics records which were moved.
type nodes struct {
	g          *Graph
	arrays     map[string]Array
	values     map[string]*Node
	statistics map[string]*Node
}

func newNodes(g *Graph, c Config) nodes {
	n := nodes{g, map[string]Array{}, map[string]*Node{}, map[string]*Node{}}
	for _, a := range c.Arrays() {
		n.arrays[a.Name] = a
	}
	return n
}

func (n nodes) Value(name string) *Node {
	a, ok := n.arrays[name]
	if !ok {
		panic("no array " + name)
	}
	if n.values[name] == nil {
		n.values[name] = Parameter(n.g, name, shapes.Make(dtypes.Float32, a.Shape...))
	}
	return n.values[name]
}

func (n nodes) SetValue(name string, value *Node) { n.statistics[name] = value }

// Graphs are built, not compiled: the feature maps have the side and channels that Stride and Channels tell; every array is used; and only
// batch statistics move the running ones, all of them.
func TestFeatures(t *testing.T) {
	for _, test := range []struct {
		c                Config
		stride, channels int
	}{
		{resNet50, 32, 2048},
		{Config{ImageNetStem, Bottleneck, 8, []int{1, 2, 1, 1}, 0}, 32, 256},
		{Config{ImageNetStem, Bottleneck, 16, []int{2}, 0}, 4, 64},
		{Config{SmallStem, Bottleneck, 4, []int{1, 1, 2}, 0}, 4, 64},
		{Config{SmallStem, Bottleneck, 3, []int{1}, 0}, 1, 12},
		{Config{ImageNetStem, Basic, 64, []int{2, 2, 2, 2}, 0}, 32, 512},
		{Config{ImageNetStem, Basic, 16, []int{2}, 0}, 4, 16},
		{Config{SmallStem, Basic, 3, []int{2, 1}, 0}, 2, 6},
		{Config{SmallStem, Basic, 16, []int{3, 3, 3}, 0}, 4, 64},
		{Config{SmallStem, Bottleneck, 16, []int{2, 2, 2}, 0}, 4, 256},
		{Config{SmallStem, Pyramid, 16, []int{3, 3, 3}, 48}, 4, 256},
		{Config{SmallStem, Pyramid, 2, []int{1}, 1}, 1, 12},
		{Config{ImageNetStem, Pyramid, 64, []int{1, 1, 2, 1}, 100}, 32, 656},
	} {
		if test.c.Stride() != test.stride || test.c.Channels() != test.channels {
			t.Errorf("%+v: stride %d, %d channels; want %d, %d", test.c, test.c.Stride(), test.c.Channels(), test.stride, test.channels)
		}
		statistics := 0
		for _, a := range test.c.Arrays() {
			if a.Kind == RunningMean || a.Kind == RunningVariance {
				statistics++
			}
		}
		for norm, moved := range map[BatchNorm]int{StoredStatistics: 0, BatchStatistics: statistics} {
			g := NewGraph(backendtest.Open(t), fmt.Sprint(test.c, norm))
			p := newNodes(g, test.c)
			images := Parameter(g, "images", shapes.Make(dtypes.Float32, 2, 3*test.stride, 2*test.stride, 3))
			got := test.c.Features(p, images, norm).Shape().Dimensions
			if diff := cmp.Diff([]int{2, 3, 2, test.channels}, got); diff != "" {
				t.Errorf("%+v: the feature maps' shape (-want +got):\n%s", test.c, diff)
			}
			if len(p.values) != len(p.arrays) || len(p.statistics) != moved {
				t.Errorf("%+v, norm %d: %d of %d arrays are used, %d are moved, want %d", test.c, norm, len(p.values), len(p.arrays), len(p.statistics), moved)
			}
			for name, v := range p.statistics {
				if k := p.arrays[name].Kind; k != RunningMean && k != RunningVariance || !v.Shape().Equal(p.values[name].Shape()) {
					t.Errorf("%s is moved to a %v", name, v.Shape())
				}
			}
		}
	}
}
