// SPDX-License-Identifier: Apache-2.0

package idml

import (
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
