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
	if want := []string{"fashion", "folder", "glyphs"}; !slices.Equal(RecipeNames(), want) {
		t.Errorf("RecipeNames() = %v, want %v", RecipeNames(), want)
	}
	if _, err := Recipe("cub"); err == nil || !strings.Contains(err.Error(), `"cub"`) || !strings.Contains(err.Error(), "fashion, folder, glyphs") {
		t.Errorf("unknown recipe: %v", err)
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
		{"mixing.mixup", "false", func(c *Config) { c.Mixing.Mixup = false }},
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
		{"epoch", "1", "config has: data, epochs, evaluate_every, loss, metric, mixing, model, optimizer, recipe, seed, warmup_epochs"},
		{"optimizer.rate", "1", "config.optimizer has: clip, decay_every, decay_factor, epsilon, lr, proxy_factor, weight_decay"},
		{"model.backbone.depth", "50", "config.model.backbone has: blocks, stem, width"},
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
		{"mixing.mixup", "1", "mixing.mixup is a number, want bool"},
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
