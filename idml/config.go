// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"introspection/idml/resnet"
)

// Constants of the method. Each names its source: Paper (arXiv:2309.09982 and what it cites), Code (the authors' released
// implementation) or Ours (our choice, with the reason).
const (
	// DefaultTau is the τ of α·exp(−β/(τα)). Paper: 5. The released code has the same 5 in its exponent.
	DefaultTau = 5.0
	// ProxyAnchorScale and ProxyAnchorMargin are α and δ of Proxy-Anchor. Paper (arXiv:2003.13911): 32 and 0.1. Code: the same.
	ProxyAnchorScale  = 32.0
	ProxyAnchorMargin = 0.1
	// ProxyLearningRateFactor multiplies the learning rate of proxies. Code: 100; Paper (arXiv:2003.13911): 100.
	ProxyLearningRateFactor = 100.0
	// WeightDecay is AdamW's decoupled decay, of every trained array, batch normalization and biases included. Code: 1e-4.
	WeightDecay = 1e-4
	// GradientClip bounds each component of the gradient. Code: 10.
	GradientClip = 10.0
	// UncertaintyInit multiplies PyTorch's default initial values of the uncertainty head. Code: 1. Ours: 0.01. With 1, ‖u‖ of ResNet-50 with 512
	// dimensions is so large that the factor exp(−…) of Paper and ReleasedRaw leaves the semantic head no gradient to speak of; with 0.01 it has
	// more than a tenth of Plain's (TestFirstGradient). ‖u‖ grows with the root of the dimension. The Released form
	// normalizes u and is not touched by it.
	UncertaintyInit = 0.01
	// AdamBeta1, AdamBeta2 and AdamEpsilon are PyTorch's defaults. Code: these defaults.
	AdamBeta1, AdamBeta2, AdamEpsilon = 0.9, 0.999, 1e-8
	// Momentum and RMSPropAlpha are those of sgd and rmsprop, RMSPropAlpha the weight of the old mean square. Code: both 0.9.
	Momentum, RMSPropAlpha = 0.9, 0.9
	// LowFactor is the median of the metric's factor exp(−…) over images and proxies below which a run warns: the gradient at the
	// semantic embedding is smaller than plain's by about this factor. Ours.
	LowFactor = 0.05
)

// Pixel mean and deviation (of 255, by channel) of ImageNet, as torchvision states them (of 1: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225).
var (
	ImageNetMean      = [3]float64{0.485 * 255, 0.456 * 255, 0.406 * 255}
	ImageNetDeviation = [3]float64{0.229 * 255, 0.224 * 255, 0.225 * 255}
)

// Config is everything that decides a run: with the same Config and the same images, training on a CPU repeats every number.
// It is saved in the run folder as config.json. Zero never stands for another value.
type Config struct {
	// Recipe is the name of the recipe that the settings began with.
	Recipe string `json:"recipe"`
	// Task is "retrieval", of classes that were not trained on, or "classification", of other images of the same classes.
	Task Task `json:"task"`
	// Seed decides weights, order, augmentation, mixing and clustering.
	Seed uint64 `json:"seed"`
	// Epochs is how many times training passes over the training images.
	Epochs int `json:"epochs"`
	// WarmupEpochs is how many of the first epochs train only heads and proxies (in the released forms: the semantic head and the proxies).
	WarmupEpochs int `json:"warmup_epochs"`
	// EvaluateEvery is the number of epochs between evaluations, on the test images or those held out; the last epoch is always evaluated.
	EvaluateEvery int `json:"evaluate_every"`
	// Recalls lists the K of the R@K that evaluations report. 1 is always among them.
	Recalls []int `json:"recalls"`
	// CheckpointMinutes is the least time between two checkpoints within an epoch, in minutes; each epoch ends with one.
	CheckpointMinutes float64 `json:"checkpoint_minutes"`

	Data      DataConfig      `json:"data"`
	Model     ModelConfig     `json:"model"`
	Metric    Metric          `json:"metric"`
	Loss      LossConfig      `json:"loss"`
	Mixing    MixingConfig    `json:"mixing"`
	Optimizer OptimizerConfig `json:"optimizer"`
}

// Task is what a network is trained for.
type Task string

// The tasks. Retrieval learns embeddings, by which images of unseen classes find each other. Classification learns the logits of known classes: the paper's
// second half, by the settings of CutMix (arXiv:1905.04899).
const (
	Retrieval      Task = "retrieval"
	Classification Task = "classification"
)

// DataConfig tells which images, and how they become batches.
type DataConfig struct {
	// Name is "glyphs", "fashion", "folder", "cub", "cars" or "sop" for retrieval, "fashion", "cifar10", "cifar100" or "imagenet" for classification.
	Name string `json:"name"`
	// Folder is where the images lie: required but by the embedded sets; of "fashion" the folder of the full set, or "" for the embedded part.
	Folder string `json:"folder"`
	// Validation is the share of the training classes, in classification of the training images of each class, that is held out to choose the best epoch
	// by; with 0, that is chosen on the test images.
	Validation float64 `json:"validation"`
	// OnBadImage is "stop" or "skip": what to do about an image that can't be decoded.
	OnBadImage string `json:"on_bad_image"`
	// ImageSize is the side of the square images that the network gets, in pixels.
	ImageSize int `json:"image_size"`
	// BatchSize is the number of images of a training step, before mixing.
	BatchSize int `json:"batch_size"`
	// ImagesPerClass is the number of images of each class in a batch; 0 shuffles the images without regard to classes.
	ImagesPerClass int `json:"images_per_class"`
	// Augment applies the random transforms of the dataset's recipe to training images.
	Augment bool `json:"augment"`
	// ColorJitter bounds the random changes of brightness, contrast and saturation of training images, and Lighting is the deviation of the random change of
	// color along the principal components of ImageNet's colors: see [Color]. With Augment off, or 0, there are none.
	ColorJitter float64 `json:"color_jitter"`
	Lighting    float64 `json:"lighting"`
	// Mean and Deviation normalize pixels: (pixel − Mean)/Deviation, both of 255.
	Mean      [3]float64 `json:"mean"`
	Deviation [3]float64 `json:"deviation"`
	// Workers is the number of goroutines that decode images. It doesn't change any number.
	Workers int `json:"workers"`
}

// ModelConfig describes the network.
type ModelConfig struct {
	Backbone resnet.Config `json:"backbone"`
	// Weights are what the backbone starts from: "" random values, "imagenet" torchvision's IMAGENET1K_V1 weights, which "idml weights"
	// fetches, or else a file of weights in torchvision's names (.pth or .safetensors).
	Weights string `json:"weights"`
	// Compute is the type that the backbone computes in: "float32" or "bfloat16". Variables, heads and loss are float32 in both.
	Compute string `json:"compute"`
	// EmbeddingSize is the dimension of the semantic and of the uncertainty embedding; in classification, where the pooled features are the semantic one, of
	// the uncertainty embedding alone.
	EmbeddingSize int `json:"embedding_size"`
	// BatchNorm is "frozen" (stored statistics always; scale and shift trained) or "trained" (the batch's statistics in training).
	BatchNorm string `json:"batch_norm"`
	// UncertaintyInit multiplies the uncertainty head's initial weights and biases. 1 is PyTorch's default of a linear layer.
	UncertaintyInit float64 `json:"uncertainty_init"`
	// UncertaintyActivation is what the uncertainty head ends with: "none", "relu", "softplus" or "tanh". Without one, components of both signs cancel in ‖u₁+u₂‖; with
	// relu or softplus they can't, and tanh bounds ‖u‖ by the root of the dimension. Code: none in retrieval, relu in classification.
	UncertaintyActivation Activation `json:"uncertainty_activation"`
}

// MixingConfig tells how training images are mixed. The loss of a mixed batch, λ·L(mix, y) + (1−λ)·L(mix, y'), is added to that of the batch
// as it is in retrieval, and takes its place in classification.
type MixingConfig struct {
	// Method is "none", "mixup" (Zhang et al., arXiv:1710.09412: sums of pixels) or, for classification, "cutmix" (Yun et al., arXiv:1905.04899: a box of one image
	// in the other).
	Method string `json:"method"`
	// Probability is the share of the batches that are mixed, in retrieval 1.
	Probability float64 `json:"probability"`
	// Beta is the parameter of λ ~ Beta(Beta, Beta), drawn once a batch. Code: 1, the uniform distribution.
	Beta float64 `json:"beta"`
}

// The values of MixingConfig.Method.
const (
	NoMixing = "none"
	Mixup    = "mixup"
	CutMix   = "cutmix"
)

// OptimizerConfig sets the optimizer and its schedule.
type OptimizerConfig struct {
	// Name is "adamw", "adam", "sgd" or "rmsprop".
	Name         string  `json:"name"`
	LearningRate float64 `json:"lr"`
	// ProxyFactor multiplies the learning rate of the proxies.
	ProxyFactor float64 `json:"proxy_factor"`
	// WeightDecay is decoupled from the gradient in adamw, and added to it in the others.
	WeightDecay float64 `json:"weight_decay"`
	// Momentum is that of sgd (Nesterov's) and rmsprop. The others don't read it.
	Momentum float64 `json:"momentum"`
	// Clip bounds each component of the gradients. Infinity can't be written in JSON: use a large number to clip nothing.
	Clip    float64 `json:"clip"`
	Epsilon float64 `json:"epsilon"`
	// DecayEvery, DecayAt and DecayFactor: the learning rate is multiplied by DecayFactor after every DecayEvery epochs (StepLR), and also after each of so many
	// epochs that DecayAt lists (MultiStepLR).
	DecayEvery  int     `json:"decay_every"`
	DecayAt     []int   `json:"decay_at"`
	DecayFactor float64 `json:"decay_factor"`
}

// DefaultConfig holds the settings that the paper's retrieval recipes share: ResNet-50, 512 dimensions, batch 120, Proxy-Anchor with the
// released form of the metric and mixup, AdamW, 60 epochs of which 5 warm up, frozen batch normalization.
func DefaultConfig() Config {
	return Config{
		Recipe: "", Task: Retrieval, Seed: 0, Epochs: 60, WarmupEpochs: 5, EvaluateEvery: 1, Recalls: []int{1, 2, 4, 8}, CheckpointMinutes: 10,
		Data: DataConfig{
			Name: "folder", Folder: "", Validation: 0, OnBadImage: StopOnBadImage, ImageSize: 224, BatchSize: 120, ImagesPerClass: 0, Augment: true,
			ColorJitter: 0, Lighting: 0, Mean: ImageNetMean, Deviation: ImageNetDeviation, Workers: 2,
		},
		Model: ModelConfig{
			Backbone: resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Bottleneck, Width: 64, Blocks: []int{3, 4, 6, 3}},
			Weights:  RandomWeights, Compute: Float32, EmbeddingSize: 512, BatchNorm: FrozenBatchNorm, UncertaintyInit: UncertaintyInit,
			UncertaintyActivation: NoActivation,
		},
		Metric: Metric{Form: Released, Tau: DefaultTau},
		Loss:   LossConfig{Name: "proxy-anchor", Scale: ProxyAnchorScale, Margin: ProxyAnchorMargin},
		Mixing: MixingConfig{Method: Mixup, Probability: 1, Beta: 1},
		Optimizer: OptimizerConfig{
			Name: "adamw", LearningRate: 6e-4, ProxyFactor: ProxyLearningRateFactor, WeightDecay: WeightDecay, Momentum: Momentum, Clip: GradientClip,
			Epsilon: AdamEpsilon, DecayEvery: 5, DecayAt: []int{}, DecayFactor: 0.5,
		},
	}
}

// The two kinds of ModelConfig.BatchNorm.
const (
	FrozenBatchNorm  = "frozen"
	TrainedBatchNorm = "trained"
)

// The kinds of DataConfig.OnBadImage.
const (
	StopOnBadImage = "stop"
	SkipBadImage   = "skip"
)

// Values of ModelConfig.Weights that are no files.
const (
	RandomWeights   = ""
	ImageNetWeights = "imagenet"
)

// The kinds of ModelConfig.Compute.
const (
	Float32  = "float32"
	BFloat16 = "bfloat16"
)

// norm is the statistics that training steps normalize by.
func (c ModelConfig) norm() resnet.BatchNorm {
	if c.BatchNorm == TrainedBatchNorm {
		return resnet.BatchStatistics
	}
	return resnet.StoredStatistics
}

// Validate returns every fault of the configuration, joined, or nil. Each names its field as config.json does.
func (c Config) Validate() error {
	var faults []error
	check := func(ok bool, field string, value any, want string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s is %v, want %s", field, value, want))
		}
	}
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	positive := func(x float64) bool { return finite(x) && x > 0 }
	check(c.Task == Retrieval || c.Task == Classification, "task", c.Task, "retrieval or classification")
	check(c.Epochs >= 1, "epochs", c.Epochs, "at least 1")
	check(c.WarmupEpochs >= 0, "warmup_epochs", c.WarmupEpochs, "at least 0")
	check(c.EvaluateEvery >= 1, "evaluate_every", c.EvaluateEvery, "at least 1")
	check(slices.Contains(c.Recalls, 1), "recalls", c.Recalls, "a list with 1, by which the best epoch is chosen")
	for _, k := range c.Recalls {
		check(k >= 1, "recalls", c.Recalls, "numbers of at least 1")
	}
	check(finite(c.CheckpointMinutes) && c.CheckpointMinutes >= 0, "checkpoint_minutes", c.CheckpointMinutes, "0 or more")
	d := c.Data
	check(d.Name != "", "data.name", `""`, "the name of a dataset")
	check(finite(d.Validation) && d.Validation >= 0 && d.Validation < 1, "data.validation", d.Validation, "a share from 0 to below 1")
	check(d.OnBadImage == StopOnBadImage || d.OnBadImage == SkipBadImage, "data.on_bad_image", d.OnBadImage, "stop or skip")
	check(d.BatchSize >= 2, "data.batch_size", d.BatchSize, "at least 2")
	check(d.ImagesPerClass >= 0, "data.images_per_class", d.ImagesPerClass, "at least 0")
	check(d.ImagesPerClass == 0 || d.BatchSize%d.ImagesPerClass == 0, "data.images_per_class", d.ImagesPerClass, fmt.Sprintf("a divisor of data.batch_size, %d", d.BatchSize))
	check(d.Workers >= 1, "data.workers", d.Workers, "at least 1")
	check(finite(d.ColorJitter) && d.ColorJitter >= 0 && d.ColorJitter <= 1, "data.color_jitter", d.ColorJitter, "from 0 to 1")
	check(finite(d.Lighting) && d.Lighting >= 0, "data.lighting", d.Lighting, "0 or more")
	for i := range d.Mean {
		check(finite(d.Mean[i]), "data.mean", d.Mean, "finite numbers")
		check(positive(d.Deviation[i]), "data.deviation", d.Deviation, "positive numbers")
	}
	m := c.Model
	if err := m.Backbone.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("model.backbone: %w", err))
	} else {
		stride := m.Backbone.Stride()
		check(d.ImageSize >= stride, "data.image_size", d.ImageSize, fmt.Sprintf("at least the network's stride, %d", stride))
	}
	check(m.Compute == Float32 || m.Compute == BFloat16, "model.compute", m.Compute, "float32 or bfloat16")
	check(m.EmbeddingSize >= 1, "model.embedding_size", m.EmbeddingSize, "at least 1")
	check(m.BatchNorm == FrozenBatchNorm || m.BatchNorm == TrainedBatchNorm, "model.batch_norm", m.BatchNorm, "frozen or trained")
	check(finite(m.UncertaintyInit) && m.UncertaintyInit >= 0, "model.uncertainty_init", m.UncertaintyInit, "0 or more")
	check(slices.Contains(Activations, m.UncertaintyActivation), "model.uncertainty_activation", m.UncertaintyActivation, fmt.Sprintf("one of %v", Activations))
	metric := c.Metric.Validate()
	if metric == nil {
		metric = c.Loss.checkForm(c.Metric.Form)
	}
	if metric != nil {
		faults = append(faults, metric)
	}
	if _, err := NewLoss(c.Loss); err != nil {
		faults = append(faults, err)
	}
	check((c.Loss.Name == CrossEntropyName) == (c.Task == Classification), "loss.name", c.Loss.Name,
		fmt.Sprintf("%s for task classification, and no other task", CrossEntropyName))
	x := c.Mixing
	check(x.Method == NoMixing || x.Method == Mixup || x.Method == CutMix, "mixing.method", x.Method, "none, mixup or cutmix")
	check(x.Method != CutMix || c.Task == Classification, "mixing.method", x.Method, "none or mixup, unless task is classification")
	check(x.Probability > 0 && x.Probability <= 1, "mixing.probability", x.Probability, "above 0, at most 1")
	check(x.Probability == 1 || c.Task == Classification, "mixing.probability", x.Probability, "1, unless task is classification")
	check(positive(x.Beta), "mixing.beta", x.Beta, "above 0")
	o := c.Optimizer
	check(rules[o.Name].next != nil, "optimizer.name", o.Name, strings.Join(OptimizerNames(), ", "))
	check(finite(o.Momentum) && o.Momentum >= 0 && o.Momentum < 1, "optimizer.momentum", o.Momentum, "from 0 to below 1")
	check(positive(o.LearningRate), "optimizer.lr", o.LearningRate, "above 0")
	check(positive(o.ProxyFactor), "optimizer.proxy_factor", o.ProxyFactor, "above 0")
	check(finite(o.WeightDecay) && o.WeightDecay >= 0, "optimizer.weight_decay", o.WeightDecay, "0 or more")
	check(positive(o.Clip), "optimizer.clip", o.Clip, "above 0")
	check(positive(o.Epsilon), "optimizer.epsilon", o.Epsilon, "above 0")
	check(o.DecayEvery >= 1, "optimizer.decay_every", o.DecayEvery, "at least 1")
	for _, epoch := range o.DecayAt {
		check(epoch >= 1, "optimizer.decay_at", o.DecayAt, "numbers of at least 1")
	}
	check(positive(o.DecayFactor), "optimizer.decay_factor", o.DecayFactor, "above 0")
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("config: %w", errors.Join(faults...))
}

// Trains tells whether a group is trained, in warm-up or after it. The uncertainty head isn't where the metric doesn't teach it (plain, constant), nor in
// the released form's warm-up. Code: in warm-up, the semantic head and the proxies alone.
func (c Config) Trains(g Group, warmup bool) bool {
	switch g {
	case SemanticHead, Proxies, Classifier:
		return true
	case UncertaintyHead:
		form := c.Metric.Form
		return form != Plain && form != Constant && (form != Released || !warmup)
	case Backbone:
		return !warmup
	}
	return false
}
