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

var resNet50 = Config{Stem: ImageNetStem, Width: 64, Blocks: []int{3, 4, 6, 3}}

// The sizes and names of torchvision's resnet50: 25,557,032 parameters, 2,049,000 of them in fc.
func TestArraysOfResNet50(t *testing.T) {
	kernels, scales, statistics := 0, 0, 0
	shapes := map[string][]int{}
	var names []string
	for _, a := range resNet50.Arrays() {
		size := 1
		for _, d := range a.Shape {
			size *= d
		}
		switch a.Kind {
		case Kernel:
			kernels += size
		case NormScale, NormShift:
			scales += size
		default:
			statistics += size
		}
		if shapes[a.Name] != nil {
			t.Errorf("%s is there twice", a.Name)
		}
		shapes[a.Name], names = a.Shape, append(names, a.Name)
	}
	if got := kernels + scales; got != 25_557_032-2_049_000 {
		t.Errorf("%d trained values, want 23508032", got)
	}
	if scales != 53_120 || statistics != scales || len(names) != 53*5 {
		t.Errorf("%d scales and shifts, %d statistics, %d arrays", scales, statistics, len(names))
	}
	for name, want := range map[string][]int{
		"conv1.weight": {64, 3, 7, 7}, "bn1.running_var": {64},
		"layer1.0.conv1.weight": {64, 64, 1, 1}, "layer1.0.downsample.0.weight": {256, 64, 1, 1}, "layer1.2.conv1.weight": {64, 256, 1, 1},
		"layer2.3.bn3.bias": {512}, "layer3.5.conv2.weight": {256, 256, 3, 3}, "layer4.0.conv1.weight": {512, 1024, 1, 1},
		"layer4.0.downsample.0.weight": {2048, 1024, 1, 1}, "layer4.0.downsample.1.running_mean": {2048}, "layer4.2.conv3.weight": {2048, 512, 1, 1},
	} {
		if diff := cmp.Diff(want, shapes[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, name := range []string{"layer1.3.conv1.weight", "layer2.4.conv1.weight", "layer4.1.downsample.0.weight", "layer5.0.conv1.weight"} {
		if shapes[name] != nil {
			t.Errorf("there is a %s", name)
		}
	}
	want := []string{
		"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
		"layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias", "layer1.0.bn1.running_mean", "layer1.0.bn1.running_var", "layer1.0.conv2.weight",
	}
	if diff := cmp.Diff(want, names[:len(want)]); diff != "" {
		t.Errorf("the first names (-want +got):\n%s", diff)
	}
}

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
	for _, a := range (Config{Stem: ImageNetStem, Width: 8, Blocks: []int{1, 2, 1, 1}}).Arrays() {
		got[a.Name] = a.Shape
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-PyTorch +ours):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{resNet50, {SmallStem, 1, []int{1}}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for want, c := range map[string]Config{
		`stem is ""`:              {"", 64, []int{1}},
		`stem is "large"`:         {"large", 64, []int{1}},
		"width is 0":              {SmallStem, 0, []int{1}},
		"0 stages":                {SmallStem, 8, nil},
		"5 stages":                {SmallStem, 8, []int{1, 1, 1, 1, 1}},
		"stage 2 has 0 blocks":    {SmallStem, 8, []int{1, 0}},
		"stage 1 has -1 blocks":   {SmallStem, 8, []int{-1}},
		"width is -3, want at le": {SmallStem, -3, []int{1}},
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
		{Config{ImageNetStem, 8, []int{1, 2, 1, 1}}, 32, 256},
		{Config{ImageNetStem, 16, []int{2}}, 4, 64},
		{Config{SmallStem, 4, []int{1, 1, 2}}, 4, 64},
		{Config{SmallStem, 3, []int{1}}, 1, 12},
	} {
		if test.c.Stride() != test.stride || test.c.Channels() != test.channels {
			t.Errorf("%+v: stride %d, %d channels; want %d, %d", test.c, test.c.Stride(), test.c.Channels(), test.stride, test.channels)
		}
		for norm, moved := range map[BatchNorm]int{StoredStatistics: 0, BatchStatistics: len(test.c.Arrays()) * 2 / 5} {
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
