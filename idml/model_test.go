// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
)

// deviation returns the root of the mean square.
func deviation(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(v)))
}

// wideConfig has arrays large enough for statistics of their values.
func wideConfig() Config {
	c := DefaultConfig()
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Bottleneck, Width: 16, Blocks: []int{3, 1}}
	c.Model.EmbeddingSize, c.Model.UncertaintyInit = 64, 0.5
	return c
}

// The wanted deviations are He's √(2/fan-out), worked out by hand, and that of a uniform distribution, bound/√3.
func TestInitialValues(t *testing.T) {
	m, err := NewModel(wideConfig(), 50)
	if err != nil {
		t.Fatal(err)
	}
	bound := 0.5 / math.Sqrt(128) // of 128 features
	for name, want := range map[string]float64{
		"conv1.weight":                 math.Sqrt(2.0 / (16 * 49)),
		"layer1.0.conv2.weight":        math.Sqrt(2.0 / (16 * 9)),
		"layer2.0.conv3.weight":        math.Sqrt(2.0 / 128),
		"layer2.0.downsample.0.weight": math.Sqrt(2.0 / 128),
		"embedding.weight":             math.Sqrt(2.0 / 64),
		"uncertainty.weight":           bound / math.Sqrt(3),
		"proxies":                      math.Sqrt(2.0 / 50),
	} {
		values, err := m.Values(name)
		if err != nil {
			t.Fatal(err)
		}
		tolerance := 5 / math.Sqrt(2*float64(len(values))) // five standard errors
		if got := deviation(values); math.Abs(got/want-1) > tolerance {
			t.Errorf("%s deviates by %v, want %v within %.1f %%", name, got, want, 100*tolerance)
		}
	}
	for _, name := range []string{"uncertainty.weight", "uncertainty.bias"} {
		values, _ := m.Values(name)
		if top := slices.Max(values); float64(top) > bound || float64(top) < 0.8*bound || float64(slices.Min(values)) < -bound {
			t.Errorf("%s lies in [%v, %v], want up to ±%v", name, slices.Min(values), top, bound)
		}
	}
	for name, want := range map[string]float32{
		"bn1.weight": 1, "bn1.bias": 0, "layer1.0.bn3.running_mean": 0, "layer2.0.downsample.1.running_var": 1, "embedding.bias": 0,
	} {
		values, err := m.Values(name)
		if err != nil || slices.ContainsFunc(values, func(v float32) bool { return v != want }) {
			t.Errorf("%s isn't %v everywhere (%v)", name, want, err)
		}
	}
}

// Initial values are a function of seed and name, not of what else the model has.
func TestInitialValuesDependOnSeedAndName(t *testing.T) {
	values := func(c Config, classes int, name string) []float32 {
		m, err := NewModel(c, classes)
		if err != nil {
			t.Fatal(err)
		}
		v, err := m.Values(name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	base := wideConfig()
	other := wideConfig()
	other.Model.Backbone.Blocks, other.Metric.Form, other.Epochs = []int{2, 1}, Plain, 3
	seeded := wideConfig()
	seeded.Seed = 1
	for _, name := range []string{"conv1.weight", "layer1.1.conv1.weight", "embedding.weight", "uncertainty.bias"} {
		want := values(base, 50, name)
		if !slices.Equal(want, values(other, 7, name)) {
			t.Errorf("%s depends on the rest of the model", name)
		}
		if slices.Equal(want, values(seeded, 50, name)) {
			t.Errorf("%s doesn't depend on the seed", name)
		}
	}
	if slices.Equal(values(base, 50, "layer1.1.conv1.weight"), values(base, 50, "layer1.2.conv1.weight")) {
		t.Error("two arrays start with the same values")
	}
}

// torchvision's networks have so many parameters, 1000·(channels+1) of them in fc.
func TestParamsOfNamedNetworks(t *testing.T) {
	for _, test := range []struct {
		name                           string
		parameters, channels, normSize int
	}{
		{"resnet18", 11_689_512, 512, 4_800},
		{"resnet34", 21_797_672, 512, 8_512},
		{"resnet50", 25_557_032, 2048, 26_560},
		{"resnet101", 44_549_160, 2048, 52_672},
	} {
		c := DefaultConfig()
		var err error
		if c.Model.Backbone, err = resnet.Named(test.name); err != nil {
			t.Fatal(err)
		}
		sizes := map[Group]int{}
		params := c.Params(100)
		for _, p := range params {
			size := 1
			for _, d := range p.Shape {
				size *= d
			}
			sizes[p.Group] += size
		}
		head := test.channels*512 + 512
		want := map[Group]int{
			Backbone: test.parameters - 1000*(test.channels+1), SemanticHead: head, UncertaintyHead: head, Proxies: 51_200, Statistics: 2 * test.normSize,
		}
		if diff := cmp.Diff(want, sizes); diff != "" {
			t.Errorf("%s: values by group (-want +got):\n%s", test.name, diff)
		}
		if last := params[len(params)-1]; last.Name != ProxiesName || !slices.Equal(last.Shape, []int{100, 512}) {
			t.Errorf("%s: the last is %s %v", test.name, last.Name, last.Shape)
		}
	}
}

func TestModelFaults(t *testing.T) {
	if _, err := NewModel(tinyConfig(), 0); err == nil {
		t.Error("a model of no classes")
	}
	m := newModel(t, tinyConfig())
	if _, err := m.Values("fc.weight"); err == nil || !strings.Contains(err.Error(), `"fc.weight"`) {
		t.Errorf("Values: %v", err)
	}
	if err := m.SetValues("fc.weight", nil); err == nil || !strings.Contains(err.Error(), `"fc.weight"`) {
		t.Errorf("SetValues: %v", err)
	}
	if err := m.SetValues("bn1.weight", make([]float32, 3)); err == nil || !strings.Contains(err.Error(), "bn1.weight") {
		t.Errorf("SetValues of another length: %v", err)
	}
}

func TestNormalizePixels(t *testing.T) {
	c := tinyConfig()
	c.Data.Mean, c.Data.Deviation = [3]float64{10, 20, 30}, [3]float64{2, 4, 0.5}
	m := newModel(t, c)
	pixels := []uint8{10, 20, 30, 255, 0, 31}
	out := run(t, func(in []*Node) []*Node { return []*Node{m.normalizePixels(in[0]), m.normalizePixels(in[1])} },
		tensors.FromFlatDataAndDimensions(pixels, 1, 1, 2, 3), tensors.FromFlatDataAndDimensions([]float32{1, 2, 3}, 1, 1, 1, 3))
	for i, got := range tensors.MustCopyFlatData[float32](out[0]) {
		if want := (float64(pixels[i]) - c.Data.Mean[i%3]) / c.Data.Deviation[i%3]; math.Abs(float64(got)-want) > 1e-5*math.Abs(want) {
			t.Errorf("pixel %d becomes %v, want %v", i, got, want)
		}
	}
	if got := tensors.MustCopyFlatData[float32](out[1]); !slices.Equal(got, []float32{1, 2, 3}) {
		t.Errorf("normalized images became %v", got)
	}
}

// Which parts a step moves, by form and warm-up.
func TestTrainedGroups(t *testing.T) {
	heads, all := []Group{SemanticHead, Proxies}, []Group{Backbone, SemanticHead, Proxies}
	both, everything := []Group{SemanticHead, UncertaintyHead, Proxies}, []Group{Backbone, SemanticHead, UncertaintyHead, Proxies}
	for form, want := range map[Form][2][]Group{
		Plain: {heads, all}, Released: {heads, everything}, ReleasedRaw: {both, everything}, Paper: {both, everything},
	} {
		c := tinyConfig()
		c.Metric.Form = form
		trainer := &Trainer{config: c, model: newModel(t, c), loss: proxyAnchor()}
		for i, warmup := range []bool{true, false} {
			var got []Group
			for _, p := range trainer.trained(warmup) {
				if !slices.Contains(got, p.Group) {
					got = append(got, p.Group)
				}
			}
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s, warm-up %v: groups %v, want %v", form, warmup, got, want[i])
			}
		}
	}
}

func TestLearningRate(t *testing.T) {
	c := OptimizerConfig{LearningRate: 8, DecayEvery: 5, DecayFactor: 0.5}
	for epoch, want := range map[int]float64{0: 8, 4: 8, 5: 4, 9: 4, 10: 2, 26: 0.25} {
		if got := c.Rate(epoch); got != want {
			t.Errorf("epoch %d: %v, want %v", epoch, got, want)
		}
	}
}
