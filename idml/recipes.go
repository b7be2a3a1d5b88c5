// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"maps"
	"math"
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
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Bottleneck, Width: 16, Blocks: []int{1, 1, 1, 1}}
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

// CUB is the paper's recipe of CUB-200-2011: 100 species of birds to train, 100 others to retrieve. Code: these settings.
func CUB() Config { return photographs("cub", 6e-4, 5, 0.5) }

// Cars is the paper's recipe of Cars196: 98 models of cars to train, 98 others to retrieve. Code: these settings.
func Cars() Config { return photographs("cars", 2.5e-4, 10, 0.5) }

// SOP is the paper's recipe of Stanford Online Products: 11,318 products to train, 11,316 others to retrieve. Code: these settings.
func SOP() Config {
	c := photographs("sop", 6e-4, 10, 0.25)
	c.Recalls = []int{1, 10, 100}
	return c
}

// photographs is what the paper's retrieval recipes share, from ImageNet weights, with what differs.
func photographs(name string, learningRate float64, decayEvery int, decayFactor float64) Config {
	c := DefaultConfig()
	c.Recipe, c.Data.Name, c.Model.Weights = name, name, ImageNetWeights
	c.Data.Workers = 16 // a GPU's step outruns two
	c.Optimizer.LearningRate, c.Optimizer.DecayEvery, c.Optimizer.DecayFactor = learningRate, decayEvery, decayFactor
	return c
}

// recipes are the named configurations.
var recipes = map[string]func() Config{"glyphs": Glyphs, "fashion": Fashion, "folder": Folder, "cub": CUB, "cars": Cars, "sop": SOP}

// pairBatches is how many images of a class a batch should have if the loss compares images with each other, by dataset: without regard to classes, a batch of
// many classes would hardly have two of one. Batches of fashion, 60 images of five classes, need no help. Ours: 4, which divides the recipes' batch
// sizes. The authors of the margin loss take 5.
var pairBatches = map[string]int{"glyphs": 4, "cub": 4, "cars": 4, "sop": 4}

// UseLoss sets the named loss with its default settings, or returns an error that lists the names. For a loss that compares images with each
// other, batches that were shuffled without regard to classes get 4 images of each class on the datasets of many classes.
func (c *Config) UseLoss(name string) error {
	loss, err := DefaultLoss(name)
	if err != nil {
		return err
	}
	built, err := NewLoss(loss)
	if err != nil {
		return err
	}
	c.Loss = loss
	if !built.HasProxies() && c.Data.ImagesPerClass == 0 {
		c.Data.ImagesPerClass = pairBatches[c.Data.Name]
	}
	return nil
}

// retrievalSource is where the published results of retrieval stand.
const retrievalSource = "IDML with ResNet-50, arXiv:2309.09982, from one run each, the best epoch chosen on the test classes"

// PublishedSource is where the results of Published stand.
func (c Config) PublishedSource() string {
	if c.Task == Classification {
		return classificationSource
	}
	return retrievalSource
}

// published are the paper's results of its retrieval recipes, as fractions: with Proxy-Anchor in the form that its code computes.
var published = map[string]map[string]float64{
	"cub":  {"recall@1": 0.707, "recall@2": 0.802, "recall@4": 0.879, "nmi": 0.735, "r_precision": 0.393, "map@r": 0.284},
	"cars": {"recall@1": 0.906, "recall@2": 0.945, "recall@4": 0.971, "nmi": 0.769, "r_precision": 0.426, "map@r": 0.338},
	"sop":  {"recall@1": 0.815, "recall@10": 0.927, "nmi": 0.923, "r_precision": 0.548, "map@r": 0.513},
}

// publishedRecalls are R@1 of the paper's table of seven losses, in percent: plain, then introspective.
var publishedRecalls = map[string]map[string][2]float64{
	"triplet":          {"cub": {63.6, 65.3}, "cars": {70.8, 73.7}, "sop": {76.5, 77.4}},
	"proxy-nca":        {"cub": {64.6, 66.0}, "cars": {82.6, 85.5}, "sop": {77.0, 78.3}},
	"fastap":           {"cub": {65.1, 66.4}, "cars": {81.6, 83.9}, "sop": {75.9, 76.8}},
	"contrastive":      {"cub": {65.6, 67.2}, "cars": {82.7, 85.5}, "sop": {76.4, 77.3}},
	"margin":           {"cub": {65.9, 67.9}, "cars": {82.6, 86.1}, "sop": {78.5, 79.4}},
	"multi-similarity": {"cub": {67.3, 69.0}, "cars": {83.3, 86.3}, "sop": {78.1, 79.7}},
	"proxy-anchor":     {"cub": {69.0, 70.7}, "cars": {87.3, 90.6}, "sop": {79.5, 81.5}},
}

// Published returns the metrics that the paper reports for the configuration's dataset, loss and form of the metric, nil if there are none.
// Other settings, such as the number of epochs, may differ.
//
// The text of the paper was not at hand. Its introspective rows are taken to stand for what its code computes with proxies, Released, and, for losses that
// compare images with each other, which the code doesn't run, for the formula of its figure, Paper; both with mixup. Whether its plain rows mix isn't
// known: they stand for both.
func (c Config) Published() map[string]float64 {
	if c.Task == Classification {
		return c.publishedTop()
	}
	recalls, ok := publishedRecalls[c.Loss.Name][c.Data.Name]
	if !ok {
		return nil
	}
	introspective := Paper
	if loss, err := NewLoss(c.Loss); err != nil || loss.HasProxies() {
		introspective = Released
	}
	switch {
	case c.Metric.Form == Plain:
		return map[string]float64{"recall@1": fraction(recalls[0])}
	case c.Metric.Form != introspective || !c.Mixing.Mixes():
		return nil
	case c.Loss.Name == "proxy-anchor":
		return maps.Clone(published[c.Data.Name])
	}
	return map[string]float64{"recall@1": fraction(recalls[1])}
}

// fraction returns a hundredth of a number with up to two decimals, as the nearest float64 to its digits.
func fraction(percent float64) float64 { return math.Round(percent*100) / 10000 }

// RecipeNames lists the names of the recipes of retrieval, sorted, ClassificationRecipes those of classification, of which each has one for each of
// ClassificationMethods: "cifar10-baseline".
func RecipeNames() []string { return slices.Sorted(maps.Keys(recipes)) }

// ClassificationRecipes lists the first parts of the names of the recipes of classification, sorted: see RecipeNames.
func ClassificationRecipes() []string { return slices.Sorted(maps.Keys(classifierRecipes)) }

// Recipe returns the named recipe, or an error that lists the names.
func Recipe(name string) (Config, error) {
	if recipe, ok := recipes[name]; ok {
		return recipe(), nil
	}
	if c, ok := classifierRecipe(name); ok {
		return c, nil
	}
	return Config{}, fmt.Errorf("idml: no recipe is called %q; there are: %s; and %s, each with -%s behind it", name,
		strings.Join(RecipeNames(), ", "), strings.Join(ClassificationRecipes(), ", "), strings.Join(ClassificationMethods, ", -"))
}
