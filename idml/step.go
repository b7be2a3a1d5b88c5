// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
)

// Trainer runs training steps of a model. A step is one compiled program: pixels are normalized, mixed and embedded, and
// the loss's gradients are clipped and applied without leaving the device.
type Trainer struct {
	config    Config
	model     *Model
	loss      Loss
	optimizer optimizer
	// One program trains heads and proxies, the other everything.
	warmup, full *model.Exec
}

// NewTrainer prepares the training of a model. Nothing is compiled before the first step.
func NewTrainer(backend compute.Backend, m *Model) (*Trainer, error) {
	loss, err := NewLoss(m.config.Loss)
	if err != nil {
		return nil, err
	}
	t := &Trainer{config: m.config, model: m, loss: loss}
	if t.optimizer, err = newOptimizer(m.config.Optimizer, m); err != nil {
		return nil, err
	}
	program := func(warmup bool) (*model.Exec, error) {
		return model.NewExec(backend, m.store, func(_ *model.Scope, inputs []*Node) *Node { return t.build(inputs, warmup) })
	}
	if t.warmup, err = program(true); err != nil {
		return nil, fmt.Errorf("idml: preparing the training step: %w", err)
	}
	if t.full, err = program(false); err != nil {
		return nil, fmt.Errorf("idml: preparing the training step: %w", err)
	}
	return t, nil
}

// StepInput is what one training step gets.
type StepInput struct {
	// Images are uint8 [batch, height, width, 3], or float32 of this shape, which are taken as normalized; Labels are int32 [batch].
	// Both stay the caller's.
	Images, Labels *tensors.Tensor
	// Mix is used if the configuration mixes.
	Mix Mix
	// Random is the state that the random numbers of a loss that samples begin from; other losses don't read it.
	Random       [3]uint64
	LearningRate float64
	// Warmup trains only heads and proxies.
	Warmup bool
}

// Step trains on one batch and returns its loss. The first step of a kind compiles the program. After an error the model's values are undefined:
// load a checkpoint.
func (t *Trainer) Step(in StepInput) (float64, error) {
	args := []any{in.Images, in.Labels, float32(in.LearningRate)}
	if t.loss.Samples() {
		args = append(args, in.Random[:])
	}
	if t.config.Mixing.Mixup {
		args = append(args, in.Mix.Permutation, float32(in.Mix.Lambda))
	}
	program := t.full
	if in.Warmup {
		program = t.warmup
	}
	out, err := program.Call(args...)
	if err != nil {
		return 0, fmt.Errorf("idml: training step: %w", err)
	}
	defer out[0].MustFinalizeAll()
	return float64(tensors.ToScalar[float32](out[0])), nil
}

// build builds the step: inputs are images, labels, learning rate, the state of the random numbers if the loss samples, and, with mixup, permutation
// and λ; the result is the loss.
func (t *Trainer) build(inputs []*Node, warmup bool) *Node {
	images, labels, learningRate := t.model.normalizePixels(inputs[0]), inputs[1], inputs[2]
	g := images.Graph()
	var proxies *Node
	if t.loss.HasProxies() {
		proxies = t.model.variable(ProxiesName).NodeValue(g)
	}
	rest := inputs[3:]
	var random *Node
	if t.loss.Samples() {
		random, rest = rest[0], rest[1:]
	}
	value := func(e Embedding, labels *Node) *Node {
		in := LossInput{Embedding: e, Labels: labels, Proxies: proxies}
		if t.loss.Samples() { // each use gets the numbers that follow those of the one before
			random, in.Uniform = uniforms(random, labels.Shape().Dimensions[0])
		}
		return t.loss.Value(t.config.Metric, in)
	}
	var loss *Node
	if t.config.Mixing.Mixup {
		permutation, lambda := rest[0], rest[1]
		own, mixed := t.embedBoth(images, mixImages(images, permutation, lambda))
		loss = Add(value(own, labels), Add(
			Mul(lambda, value(mixed, labels)),
			Mul(OneMinus(lambda), value(mixed, permuteRows(labels, permutation)))))
	} else {
		loss = value(t.model.embed(images, t.config.Model.norm()), labels)
	}

	trained := t.trained(warmup)
	nodes := make([]*Node, len(trained))
	for i, p := range trained {
		nodes[i] = t.model.variable(p.Name).NodeValue(g)
	}
	for i, gradient := range Gradient(loss, nodes...) {
		t.optimizer.update(trained[i], gradient, learningRate)
	}
	return loss
}

// embedBoth embeds images and their mixes. Where stored statistics normalize, both are one batch; else each half is
// normalized by its own statistics, as two passes of PyTorch's would be.
func (t *Trainer) embedBoth(images, mixed *Node) (own, mix Embedding) {
	norm := t.config.Model.norm()
	if norm == resnet.BatchStatistics {
		return t.model.embed(images, norm), t.model.embed(mixed, norm)
	}
	n := images.Shape().Dimensions[0]
	both := t.model.embed(Concatenate([]*Node{images, mixed}, 0), norm)
	return both.rows(0, n), both.rows(n, 2*n)
}

// trained lists the parameters that a step moves: proxies only if the loss has some.
func (t *Trainer) trained(warmup bool) []Param {
	var list []Param
	for _, p := range t.model.parameters {
		if (p.Group != Proxies || t.loss.HasProxies()) && t.config.Trains(p.Group, warmup) {
			list = append(list, p)
		}
	}
	return list
}
