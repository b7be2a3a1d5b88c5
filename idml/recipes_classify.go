// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"strings"

	"introspection/idml/resnet"
)

// CIFARMean and CIFARDeviation are the pixel statistics of CIFAR (of 255, by channel). Code: CutMix's, which IDML's classification took over.
var (
	CIFARMean      = [3]float64{125.3, 123.0, 113.9}
	CIFARDeviation = [3]float64{63.0, 62.1, 66.7}
)

// noDecay is OptimizerConfig.DecayEvery of recipes whose learning rate falls at OptimizerConfig.DecayAt alone: more epochs than any run has.
const noDecay = 1_000_000

// ClassificationMethods are the six ways to train a classifier that the paper compares, by which the names of its recipes end: without mixing, with
// Mixup or CutMix, each with plain logits and with introspective ones (ISM, IDML).
var ClassificationMethods = []string{"baseline", "ism-baseline", "mixup", "idml-mixup", "cutmix", "idml-cutmix"}

// classifier returns the settings that all recipes of classification share: stochastic gradient descent with Nesterov's momentum and no clipping, trained batch
// normalization, no warm-up, PyTorch's default start of the uncertainty head. Code: these.
func classifier() Config {
	c := DefaultConfig()
	c.Task, c.Epochs, c.WarmupEpochs, c.Recalls = Classification, 300, 0, []int{1}
	c.Model.BatchNorm, c.Model.UncertaintyInit, c.Model.UncertaintyActivation = TrainedBatchNorm, 1, ReLUActivation
	c.Metric.Form, c.Loss = Plain, LossConfig{Name: CrossEntropyName}
	c.Mixing = MixingConfig{Method: NoMixing, Probability: 1, Beta: 1}
	c.Optimizer.Name, c.Optimizer.Clip, c.Optimizer.ProxyFactor, c.Optimizer.DecayFactor = "sgd", 1e30, 1, 0.1
	return c
}

// cifar is the paper's recipe of CIFAR-10 and CIFAR-100: PyramidNet-200 with α̃ = 240. Code, as far as the withdrawn commands tell: these settings.
func cifar() Config {
	c := classifier()
	c.Data.ImageSize, c.Data.BatchSize, c.Data.Mean, c.Data.Deviation = 32, 64, CIFARMean, CIFARDeviation
	c.Data.Workers = 8
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Pyramid, Width: 16, Blocks: []int{22, 22, 22}, Widening: 240}
	c.Model.EmbeddingSize = 128
	c.Optimizer.LearningRate, c.Optimizer.DecayEvery, c.Optimizer.DecayAt = 0.25, noDecay, []int{150, 225}
	return c
}

// imageNet is the paper's recipe of ImageNet-1K: ResNet-50 from random weights. Code, as far as the withdrawn commands tell: these settings.
func imageNet() Config {
	c := classifier()
	c.Data.BatchSize, c.Data.ColorJitter, c.Data.Lighting, c.Data.Workers = 256, 0.4, 0.1, 16
	c.Model.EmbeddingSize = 512
	c.Optimizer.LearningRate, c.Optimizer.DecayEvery = 0.1, 75
	return c
}

// fashionClassifier is the recipe of the ten classes of the embedded part of Fashion-MNIST: a PyramidNet of 11 layers, which sees 8 × 8 places behind
// ImageNet's stem, and 20 epochs, with falls of the rate where CIFAR's recipe has them, so that a run takes less than a minute on two cores. Ours.
func fashionClassifier() Config {
	c := classifier()
	c.Data.Name, c.Epochs = "fashion", 20
	c.Data.ImageSize, c.Data.BatchSize = 32, 64
	c.Data.Mean, c.Data.Deviation = [3]float64{127.5, 127.5, 127.5}, [3]float64{63.75, 63.75, 63.75}
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Pyramid, Width: 16, Blocks: []int{1, 1, 1}, Widening: 32}
	c.Model.EmbeddingSize = 32
	c.Optimizer.LearningRate, c.Optimizer.DecayEvery, c.Optimizer.DecayAt = 0.1, noDecay, []int{10, 15}
	return c
}

// classifierRecipes are the recipes of classification, by the first part of their names; the second is one of ClassificationMethods.
var classifierRecipes = map[string]struct {
	config func() Config
	// cutMixProbability is CutMix's share of the batches. Code: 0.5 for CIFAR, 1 for ImageNet.
	cutMixProbability float64
}{
	"cifar10": {cifar, 0.5}, "cifar100": {cifar, 0.5}, "imagenet": {imageNet, 1}, "fashion10": {fashionClassifier, 0.5},
}

// classifierRecipe returns the recipe of a name such as "cifar10-idml-cutmix". Mixup's probability and β were not published: ours are 1 and 1, so that each batch
// is mixed by a λ from the uniform distribution, as in the paper's retrieval and, with β = 1, in Mixup's own experiments on CIFAR.
func classifierRecipe(name string) (Config, bool) {
	data, method, _ := strings.Cut(name, "-")
	recipe, ok := classifierRecipes[data]
	if !ok {
		return Config{}, false
	}
	c := recipe.config()
	c.Recipe = name
	if data != "fashion10" {
		c.Data.Name = data
	}
	switch method {
	case "ism-baseline", "idml-mixup", "idml-cutmix":
		c.Metric.Form = Released
	}
	switch method {
	case "baseline", "ism-baseline":
	case "mixup", "idml-mixup":
		c.Mixing.Method = Mixup
	case "cutmix", "idml-cutmix":
		c.Mixing.Method, c.Mixing.Probability = CutMix, recipe.cutMixProbability
	default:
		return Config{}, false
	}
	return c, true
}

// classificationSource is where publishedTops stand.
const classificationSource = "arXiv:2309.09982; CIFAR's with PyramidNet-200, as its commands and baselines have it, where its table says ResNet-50"

// publishedTops are the paper's top-1 and top-5 accuracy in percent by dataset and mixing: plain, then introspective. Top-5 of CIFAR-10 wasn't published.
var publishedTops = map[string]map[string][2][]float64{
	"imagenet": {
		NoMixing: {{76.32, 92.95}, {76.94, 93.24}},
		Mixup:    {{77.42, 93.60}, {77.95, 93.93}},
		CutMix:   {{78.60, 94.08}, {79.04, 94.47}},
	},
	"cifar100": {
		NoMixing: {{83.55, 96.31}, {84.08, 96.46}},
		Mixup:    {{84.22, 95.96}, {84.59, 96.79}},
		CutMix:   {{85.53, 97.03}, {85.65, 97.21}},
	},
	"cifar10": {
		NoMixing: {{96.15}, {96.43}},
		Mixup:    {{96.91}, {97.13}},
		CutMix:   {{97.12}, {97.32}},
	},
}

// publishedTop returns the metrics that the paper reports for a configuration of classification, nil if there are none.
func (c Config) publishedTop() map[string]float64 {
	rows, ok := publishedTops[c.Data.Name][c.Mixing.Method]
	if !ok || c.Metric.Form != Plain && c.Metric.Form != Released {
		return nil
	}
	if share := classifierRecipes[c.Data.Name].cutMixProbability; c.Mixing.Method == CutMix && c.Mixing.Probability != share || c.Mixing.Method == Mixup && c.Mixing.Probability != 1 {
		return nil
	}
	row := rows[0]
	if c.Metric.Form == Released {
		row = rows[1]
	}
	metrics := map[string]float64{}
	for i, percent := range row {
		metrics[[]string{"top@1", "top@5"}[i]] = fraction(percent)
	}
	return metrics
}
