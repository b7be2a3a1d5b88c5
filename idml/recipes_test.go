// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecipe(t *testing.T) {
	if want := []string{"cars", "cub", "fashion", "folder", "glyphs", "sop"}; !slices.Equal(RecipeNames(), want) {
		t.Errorf("RecipeNames() = %v, want %v", RecipeNames(), want)
	}
	if _, err := Recipe("birds"); err == nil || !strings.Contains(err.Error(), `"birds"`) || !strings.Contains(err.Error(), "cars, cub, fashion, folder, glyphs, sop") {
		t.Errorf("unknown recipe: %v", err)
	}
}

// The settings and results of the paper's retrieval recipes, as its table and the released code have them.
func TestPaperRecipes(t *testing.T) {
	for name, want := range map[string]struct {
		lr, factor float64
		every      int
		recalls    []int
		published  map[string]float64
	}{
		"cub":  {6e-4, 0.5, 5, []int{1, 2, 4, 8}, map[string]float64{"recall@1": 0.707, "recall@2": 0.802, "recall@4": 0.879, "nmi": 0.735, "r_precision": 0.393, "map@r": 0.284}},
		"cars": {2.5e-4, 0.5, 10, []int{1, 2, 4, 8}, map[string]float64{"recall@1": 0.906, "recall@2": 0.945, "recall@4": 0.971, "nmi": 0.769, "r_precision": 0.426, "map@r": 0.338}},
		"sop":  {6e-4, 0.25, 10, []int{1, 10, 100}, map[string]float64{"recall@1": 0.815, "recall@10": 0.927, "nmi": 0.923, "r_precision": 0.548, "map@r": 0.513}},
	} {
		got, err := Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.published, got.Published()); diff != "" {
			t.Errorf("%s: published results (-want +got):\n%s", name, diff)
		}
		c := DefaultConfig()
		c.Recipe, c.Data.Name, c.Model.Weights, c.Recalls, c.Data.Workers = name, name, "imagenet", want.recalls, 16
		c.Optimizer.LearningRate, c.Optimizer.DecayEvery, c.Optimizer.DecayFactor = want.lr, want.every, want.factor
		c.Epochs, c.WarmupEpochs, c.Data.BatchSize, c.Data.ImageSize = 60, 5, 120, 224
		c.Optimizer.Name, c.Optimizer.WeightDecay, c.Optimizer.Clip, c.Optimizer.ProxyFactor = "adamw", 1e-4, 10, 100
		c.Loss, c.Metric, c.Mixing = LossConfig{Name: "proxy-anchor", Scale: 32, Margin: 0.1}, Metric{"released", 5}, MixingConfig{"mixup", 1, 1}
		c.Model.EmbeddingSize, c.Model.BatchNorm = 512, "frozen"
		if diff := cmp.Diff(c, got); diff != "" || got.Model.Backbone.Name() != "resnet50" {
			t.Errorf("%s on %s (-want +got):\n%s", name, got.Model.Backbone.Name(), diff)
		}
		got.Metric.Form = Paper
		if got.Published() != nil {
			t.Errorf("%s: there are published results of the paper's form", name)
		}
	}
}

// The paper's table of seven losses, R@1 in percent on CUB, Cars and SOP: plain, then introspective.
func TestPublishedLosses(t *testing.T) {
	table := map[string][2][3]float64{
		"triplet": {{63.6, 70.8, 76.5}, {65.3, 73.7, 77.4}}, "proxy-nca": {{64.6, 82.6, 77.0}, {66.0, 85.5, 78.3}},
		"fastap": {{65.1, 81.6, 75.9}, {66.4, 83.9, 76.8}}, "contrastive": {{65.6, 82.7, 76.4}, {67.2, 85.5, 77.3}},
		"margin": {{65.9, 82.6, 78.5}, {67.9, 86.1, 79.4}}, "multi-similarity": {{67.3, 83.3, 78.1}, {69.0, 86.3, 79.7}},
		"proxy-anchor": {{69.0, 87.3, 79.5}, {70.7, 90.6, 81.5}},
	}
	for _, info := range Losses() {
		for i, name := range []string{"cub", "cars", "sop"} {
			for _, form := range Forms {
				c, err := Recipe(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.UseLoss(info.Name); err != nil {
					t.Fatal(err)
				}
				c.Metric.Form = form
				want := math.NaN()
				switch {
				case form == Plain:
					want = table[info.Name][0][i]
				case info.Proxies && form == Released, !info.Proxies && form == Paper:
					want = table[info.Name][1][i]
				}
				if got, ok := c.Published()["recall@1"]; ok == math.IsNaN(want) || ok && got != math.Round(want*10)/1000 {
					t.Errorf("%s, %s, %s: %v, want %v %%", name, info.Name, form, got, want)
				}
				c.Mixing.Method = NoMixing
				if published := c.Published(); (published != nil) != (form == Plain) {
					t.Errorf("%s, %s, %s without mixup: %v", name, info.Name, form, published)
				}
				c.Data.Name, c.Mixing.Method = "glyphs", Mixup
				if published := c.Published(); published != nil {
					t.Errorf("glyphs, %s, %s: %v", info.Name, form, published)
				}
			}
		}
	}
}

func TestSet(t *testing.T) {
	for _, test := range []struct {
		key, value string
		want       func(*Config)
	}{
		{"epochs", "7", func(c *Config) { c.Epochs = 7 }},
		{"seed", "18446744073709551615", func(c *Config) { c.Seed = math.MaxUint64 }},
		{"seed", "9007199254740993", func(c *Config) { c.Seed = 1<<53 + 1 }},
		{"optimizer.lr", "3e-4", func(c *Config) { c.Optimizer.LearningRate = 3e-4 }},
		{"optimizer.weight_decay", "0", func(c *Config) { c.Optimizer.WeightDecay = 0 }},
		{"mixing.method", "none", func(c *Config) { c.Mixing.Method = NoMixing }},
		{"metric.form", "paper", func(c *Config) { c.Metric.Form = Paper }},
		{"metric.form", `"paper"`, func(c *Config) { c.Metric.Form = Paper }},
		{"data.folder", "1", func(c *Config) { c.Data.Folder = "1" }},
		{"data.folder", "a=b c", func(c *Config) { c.Data.Folder = "a=b c" }},
		{"data.folder", "", func(c *Config) { c.Data.Folder = "" }},
		{"data.mean", "[1, 2, 3]", func(c *Config) { c.Data.Mean = [3]float64{1, 2, 3} }},
		{"model.backbone.blocks", "[3,4]", func(c *Config) { c.Model.Backbone.Blocks = []int{3, 4} }},
		{"model.backbone.stem", "small", func(c *Config) { c.Model.Backbone.Stem = "small" }},
	} {
		got, want := Glyphs(), Glyphs()
		test.want(&want)
		if err := got.Set(test.key, test.value); err != nil {
			t.Errorf("%s=%s: %v", test.key, test.value, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s=%s (-want +got):\n%s", test.key, test.value, diff)
		}
	}
}

// A setting that isn't changed keeps every digit.
func TestSetKeepsTheOthers(t *testing.T) {
	c := Glyphs()
	c.Seed = math.MaxUint64 - 1
	want := c
	want.Epochs = 3
	if err := c.Set("epochs", "3"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestSetFaults(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"epoch", "1", "config has: checkpoint_minutes, data, epochs, evaluate_every, loss, metric, mixing, model, optimizer, recalls, recipe, seed, task, warmup_epochs"},
		{"optimizer.rate", "1", "config.optimizer has: clip, decay_at, decay_every, decay_factor, epsilon, lr, momentum, name, proxy_factor, weight_decay"},
		{"model.backbone.depth", "50", "config.model.backbone has: block, blocks, stem, widening, width"},
		{"Epochs", "1", "config has: "},
		{"", "1", "config has: "},
		{"optimizer.", "1", "config.optimizer has: "},
		{"optimizer", "{}", `"optimizer" is a group; set one of: clip, `},
		{"epochs.of", "1", "epochs has no parts"},
		{"epochs", "many", "epochs is a string, want int"},
		{"epochs", "", "epochs is a string, want int"},
		{"epochs", "2.5", "epochs"},
		{"epochs", "null", "epochs is null"},
		{"epochs", "1 2", "epochs"},
		{"seed", "-1", "seed"},
		{"seed", "18446744073709551616", "seed"},
		{"data.augment", "1", "data.augment is a number, want bool"},
		{"optimizer.lr", "true", "optimizer.lr is a bool, want float64"},
		{"optimizer.lr", "1e999", "optimizer.lr"},
		{"data.mean", "[1,2]", "data.mean is [1,2]"},
		{"data.mean", "[1,null,2]", "data.mean is [1,null,2]"},
		{"model.backbone.blocks", "[1,two]", "model.backbone.blocks is a string"},
	} {
		c := Glyphs()
		err := c.Set(test.key, test.value)
		if err == nil || !strings.HasPrefix(err.Error(), "config: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s=%s: %v, want %q", test.key, test.value, err, test.want)
		}
		if diff := cmp.Diff(Glyphs(), c); diff != "" {
			t.Errorf("%s=%s is an error and changes settings:\n%s", test.key, test.value, diff)
		}
	}
}
