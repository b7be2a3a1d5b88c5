// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"introspection/idml/resnet"
)

// smallImageConfig is what the recipes on embedded 32 × 32 images share: a narrow residual network from random weights with trained batch
// normalization, no warm-up, and a learning rate that falls late in a short training. Ours: set so that a run takes a minute on two
// cores and every form of the metric trains; at three times the rate, plain Proxy-Anchor does better and the introspective
// forms that teach the uncertainty head collapse.
func smallImageConfig() Config {
	c := DefaultConfig()
	c.Epochs, c.WarmupEpochs, c.EvaluateEvery = 20, 0, 1
	c.Data.ImageSize, c.Data.BatchSize = 32, 60
	c.Data.Mean, c.Data.Deviation = [3]float64{127.5, 127.5, 127.5}, [3]float64{63.75, 63.75, 63.75}
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Width: 16, Blocks: []int{1, 1, 1, 1}}
	c.Model.EmbeddingSize, c.Model.BatchNorm = 64, TrainedBatchNorm
	c.Optimizer.LearningRate, c.Optimizer.ProxyFactor = 2e-3, 10
	c.Optimizer.DecayEvery, c.Optimizer.DecayFactor = 14, 0.2
	return c
}

// Glyphs is the recipe of the embedded letters: 84 classes of letters to train, 84 others to retrieve. A run ends in about
// one minute on two cores.
func Glyphs() Config {
	c := smallImageConfig()
	c.Recipe, c.Data.Name = "glyphs", "glyphs"
	return c
}

// Fashion is the recipe of the embedded part of Fashion-MNIST (arXiv:1708.07747): five classes of clothing to train, five others to
// retrieve. Raw pixels already find 9 of 10 there.
func Fashion() Config {
	c := smallImageConfig()
	c.Recipe, c.Data.Name = "fashion", "fashion"
	return c
}

// Folder is the recipe of one's own images from random weights: small enough for a first look on a laptop. With a GPU and a
// thousand images a class, raise data.image_size and model.backbone.
func Folder() Config {
	c := smallImageConfig()
	c.Recipe, c.Data.Name = "folder", "folder"
	c.Data.ImageSize = 64
	c.Data.Mean, c.Data.Deviation = ImageNetMean, ImageNetDeviation
	return c
}

// recipes are the named configurations.
var recipes = map[string]func() Config{"glyphs": Glyphs, "fashion": Fashion, "folder": Folder}

// RecipeNames lists the names that Recipe knows, sorted.
func RecipeNames() []string { return slices.Sorted(maps.Keys(recipes)) }

// Recipe returns the named recipe, or an error that lists the names.
func Recipe(name string) (Config, error) {
	recipe, ok := recipes[name]
	if !ok {
		return Config{}, fmt.Errorf("idml: no recipe is called %q; there are: %s", name, strings.Join(RecipeNames(), ", "))
	}
	return recipe(), nil
}

// Set changes one setting, named by its path in config.json ("optimizer.lr"), to a value in JSON ("3e-4", "true", "[1, 1, 1, 1]"); a text
// needs no quotes. An unknown key is an error that lists those beside it.
func (c *Config) Set(key, value string) error {
	whole, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(whole, &tree); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	path, node := strings.Split(key, "."), tree
	for i, name := range path {
		old, ok := node[name]
		if !ok {
			return fmt.Errorf("config: no setting is called %q; %s has: %s", key, strings.Join(append([]string{"config"}, path[:i]...), "."), strings.Join(slices.Sorted(maps.Keys(node)), ", "))
		}
		child, isGroup := old.(map[string]any)
		if i == len(path)-1 {
			if isGroup {
				return fmt.Errorf("config: %q is a group; set one of: %s", key, strings.Join(slices.Sorted(maps.Keys(child)), ", "))
			}
			node[name] = parseValue(value, old)
			break
		}
		if !isGroup {
			return fmt.Errorf("config: no setting is called %q: %s has no parts", key, strings.Join(path[:i+1], "."))
		}
		node = child
	}
	changed, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("config: %s: %w", key, err)
	}
	var out Config
	if err := json.Unmarshal(changed, &out); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("config: %s can't be %q: want %s", key, value, wrong.Type)
		}
		return fmt.Errorf("config: %s=%s: %w", key, value, err)
	}
	*c = out
	return nil
}

// parseValue reads a value as JSON; a text where a text is wanted, or where it isn't JSON, stands for itself.
func parseValue(value string, old any) any {
	var parsed any
	if _, text := old.(string); text || json.Unmarshal([]byte(value), &parsed) != nil {
		return strings.Trim(value, `"`)
	}
	return parsed
}
