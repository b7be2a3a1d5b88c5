// SPDX-License-Identifier: Apache-2.0

// Package idml is introspective deep metric learning (Wang, Zheng, Zhu, Zhou, Lu; TPAMI 2023; arXiv:2309.09982 and 2205.04449) on GoMLX.
//
// # The method
//
// An image gets a semantic embedding s, which says where it lies, and an uncertainty embedding u, which says how ambiguous it is, by two linear
// heads on one residual network, whose feature maps are pooled by average plus maximum. The introspective metric judges a pair by its semantic
// distance α = ‖s₁−s₂‖ and its uncertainty β = ‖u₁+u₂‖:
//
//	D(α, β) = α·exp(−β/(τα))
//
// The more uncertain a pair, the closer it counts, so that ambiguous images pull and push less in training. In retrieval, s alone is used: rows of
// length 1, Euclidean neighbors.
//
// The text of the paper was not at hand; the pairwise form was put together from its figure and abstract, and the forms for
// proxies from the authors' released implementation: [Form] tells them apart.
//
//	symbol      identifier               what
//	s, u        [Embedding]              [batch, dim] each
//	α, β, τ, D  [IntrospectiveDistance]  for two numbers; [Metric.Pairs] for batches
//	S           [Metric.ProxySimilarity] similarity to the classes' proxies p
//	k           [Form]                   the metric's factor; [Metric] has the rule by which it makes a loss introspective
//	L           [Loss]                   the losses; [Losses] lists them
//	λ           [Mix]                    weight of an image in its mix with another
//	z           [Metric.Logits]          the logits that a classifier is trained by
//
// A training step minimizes L(x, y) + λ·L(mix, y) + (1−λ)·L(mix, y'), where mix = λx + (1−λ)x' mixes normalized pixels of two images of the
// batch, with labels y and y' (Mixup).
//
// # Classification
//
// The second half of the paper trains classifiers, [Classification] among the tasks: the feature maps are pooled by average alone, the head is a linear classifier of the
// known classes, and [Metric.Logits] makes its logits introspective in training. A step minimizes the [CrossEntropy] of the images, or of their mixes by Mixup or CutMix
// in place of them. At test time the logits are the plain ones.
//
// # The path of the data
//
// A [Config] describes a run. [NewModel] makes the network and the proxies; their variables bear torchvision's names and layouts. [Train] takes batches from a
// [Data], draws a [Mix], and runs [Trainer.Step]: one compiled program that normalizes the pixels, mixes, embeds, and applies the clipped gradients with
// AdamW. [NewSharedTrainer] takes such steps on several devices, which share each batch. After each epoch an [Embedder] embeds the test images, package retrieval measures them, package runlog keeps the numbers, and [Model.Save]
// writes a checkpoint, which [Load] reads.
//
// # Caveats
//
// The released form normalizes the uncertainty, so that β is constant and the loss teaches the uncertainty head nothing: see [Metric.TrainsUncertainty].
// The forms Released and ReleasedRaw exist for losses with proxies only. A [Trainer.Step] that fails leaves the model undefined.
package idml
