// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
)

func TestConfigsAreValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("DefaultConfig: %v", err)
	}
	for _, name := range RecipeNames() {
		c, err := Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		if c.Recipe != name || c.Data.Name != name {
			t.Errorf("recipe %s calls itself %q and its data %q", name, c.Recipe, c.Data.Name)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The default is the paper's ResNet-50 with 512 dimensions, and two calls share nothing.
func TestDefaultConfigIsItsOwn(t *testing.T) {
	c := DefaultConfig()
	c.Model.Backbone.Blocks[0] = 99
	want := resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Bottleneck, Width: 64, Blocks: []int{3, 4, 6, 3}}
	if diff := cmp.Diff(want, DefaultConfig().Model.Backbone); diff != "" {
		t.Error(diff)
	}
}

func TestValidateNamesTheFault(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, test := range []struct {
		field  string
		values []func(*Config)
	}{
		{"epochs", []func(*Config){func(c *Config) { c.Epochs = 0 }}},
		{"warmup_epochs", []func(*Config){func(c *Config) { c.WarmupEpochs = -1 }}},
		{"evaluate_every", []func(*Config){func(c *Config) { c.EvaluateEvery = 0 }}},
		{"recalls", []func(*Config){func(c *Config) { c.Recalls = nil }, func(c *Config) { c.Recalls = []int{2, 4} }, func(c *Config) { c.Recalls = []int{1, 0} }}},
		{"checkpoint_minutes", []func(*Config){func(c *Config) { c.CheckpointMinutes = -1 }, func(c *Config) { c.CheckpointMinutes = nan }}},
		{"data.validation", []func(*Config){func(c *Config) { c.Data.Validation = 1 }, func(c *Config) { c.Data.Validation = -0.1 }, func(c *Config) { c.Data.Validation = nan }}},
		{"data.on_bad_image", []func(*Config){func(c *Config) { c.Data.OnBadImage = "" }}},
		{"model.compute", []func(*Config){func(c *Config) { c.Model.Compute = "float16" }}},
		{"optimizer.name", []func(*Config){func(c *Config) { c.Optimizer.Name = "lion" }}},
		{"optimizer.momentum", []func(*Config){func(c *Config) { c.Optimizer.Momentum = 1 }, func(c *Config) { c.Optimizer.Momentum = nan }}},
		{"data.name", []func(*Config){func(c *Config) { c.Data.Name = "" }}},
		{"data.image_size", []func(*Config){func(c *Config) { c.Data.ImageSize = 31 }, func(c *Config) { c.Data.ImageSize = -32 }}},
		{"data.batch_size", []func(*Config){func(c *Config) { c.Data.BatchSize = 1 }}},
		{"data.images_per_class", []func(*Config){func(c *Config) { c.Data.ImagesPerClass = -1 }, func(c *Config) { c.Data.ImagesPerClass = 7 }}},
		{"data.mean", []func(*Config){func(c *Config) { c.Data.Mean[2] = nan }, func(c *Config) { c.Data.Mean[0] = inf }}},
		{"data.deviation", []func(*Config){func(c *Config) { c.Data.Deviation[1] = 0 }, func(c *Config) { c.Data.Deviation[2] = nan }}},
		{"data.workers", []func(*Config){func(c *Config) { c.Data.Workers = 0 }}},
		{"model.backbone", []func(*Config){
			func(c *Config) { c.Model.Backbone.Stem = "wide" }, func(c *Config) { c.Model.Backbone.Width = 0 },
			func(c *Config) { c.Model.Backbone.Blocks = nil }, func(c *Config) { c.Model.Backbone.Blocks = []int{3, 0} },
			func(c *Config) { c.Model.Backbone.Blocks = make([]int, 99) },
		}},
		{"model.embedding_size", []func(*Config){func(c *Config) { c.Model.EmbeddingSize = 0 }}},
		{"model.batch_norm", []func(*Config){func(c *Config) { c.Model.BatchNorm = "" }}},
		{"model.uncertainty_init", []func(*Config){func(c *Config) { c.Model.UncertaintyInit = -1 }, func(c *Config) { c.Model.UncertaintyInit = inf }}},
		{"model.uncertainty_activation", []func(*Config){func(c *Config) { c.Model.UncertaintyActivation = "" }, func(c *Config) { c.Model.UncertaintyActivation = "gelu" }}},
		{"metric.form", []func(*Config){func(c *Config) { c.Metric.Form = "figure" }}},
		{"metric.tau", []func(*Config){func(c *Config) { c.Metric.Tau = 0 }, func(c *Config) { c.Metric.Tau = nan }, func(c *Config) { c.Metric.Tau = inf }}},
		{"loss.name", []func(*Config){func(c *Config) { c.Loss.Name = "softmax" }}},
		{"loss.scale", []func(*Config){func(c *Config) { c.Loss.Scale = 0 }, func(c *Config) { c.Loss.Scale = inf }}},
		{"loss.margin", []func(*Config){func(c *Config) { c.Loss.Margin = nan }, func(c *Config) { c.Loss.Margin = inf }}},
		{"mixing.beta", []func(*Config){func(c *Config) { c.Mixing.Beta = 0 }, func(c *Config) { c.Mixing.Beta = inf }}},
		{"optimizer.lr", []func(*Config){func(c *Config) { c.Optimizer.LearningRate = 0 }, func(c *Config) { c.Optimizer.LearningRate = nan }}},
		{"optimizer.proxy_factor", []func(*Config){func(c *Config) { c.Optimizer.ProxyFactor = 0 }}},
		{"optimizer.weight_decay", []func(*Config){func(c *Config) { c.Optimizer.WeightDecay = -1e-4 }, func(c *Config) { c.Optimizer.WeightDecay = nan }}},
		{"optimizer.clip", []func(*Config){func(c *Config) { c.Optimizer.Clip = 0 }, func(c *Config) { c.Optimizer.Clip = inf }}},
		{"optimizer.epsilon", []func(*Config){func(c *Config) { c.Optimizer.Epsilon = 0 }}},
		{"optimizer.decay_every", []func(*Config){func(c *Config) { c.Optimizer.DecayEvery = 0 }}},
		{"optimizer.decay_factor", []func(*Config){func(c *Config) { c.Optimizer.DecayFactor = -0.5 }}},
	} {
		for i, change := range test.values {
			c := DefaultConfig()
			change(&c)
			err := c.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), "config: "+test.field) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, value %d: %v, want one fault of that field", test.field, i, err)
			}
		}
	}
}

// All faults are told at once.
func TestValidateJoinsFaults(t *testing.T) {
	c := DefaultConfig()
	c.Epochs, c.Data.BatchSize, c.Metric.Form, c.Loss.Scale, c.Optimizer.Clip = 0, 0, "", 0, 0
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"epochs", "data.batch_size", "metric.form", "loss.scale", "optimizer.clip"} {
		if !strings.Contains(err.Error(), field+" is") {
			t.Errorf("%v doesn't name %s", err, field)
		}
	}
}

func TestConfigRoundTrip(t *testing.T) {
	c := DefaultConfig()
	c.Recipe, c.Seed = "mine", math.MaxUint64
	c.Data.Folder, c.Data.ImagesPerClass, c.Data.Augment = "a b", 4, false
	c.Model.BatchNorm, c.Mixing.Method = TrainedBatchNorm, NoMixing
	c.Metric = Metric{Form: Paper, Tau: 1.0 / 3}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestParseConfigFaults(t *testing.T) {
	whole, err := json.Marshal(Glyphs())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, replacement, want string }{
		{"unknown", `"epochs":20`, `"epochs":20,"speed":1`, `"speed"`},
		{"other case", `"tau":5`, `"Tau":5`, `"metric.Tau"`},
		{"missing", `"epochs":20,`, ``, `lacks the setting "epochs"`},
		{"missing in a group", `,"tau":5`, ``, `lacks the setting "metric.tau"`},
		{"null", `"augment":true`, `"augment":null`, "data.augment is null"},
		{"no group", `{"form":"released","tau":5}`, `null`, "metric is null"},
		{"short list", `"mean":[127.5,127.5,127.5]`, `"mean":[127.5]`, "data.mean is [127.5]"},
		{"long list", `"mean":[127.5,127.5,127.5]`, `"mean":[1,2,3,4]`, "data.mean is [1,2,3,4]"},
		{"type", `"epochs":20`, `"epochs":"20"`, "epochs is a string, want int"},
		{"fraction", `"epochs":20`, `"epochs":2.5`, "epochs"},
		{"negative seed", `"seed":0`, `"seed":-1`, "seed"},
		{"cut off", `}}`, ``, "JSON"},
	} {
		changed := strings.Replace(string(whole), test.old, test.replacement, 1)
		if changed == string(whole) {
			t.Fatalf("%s: %s has no %s", test.name, whole, test.old)
		}
		if _, err := ParseConfig([]byte(changed)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
