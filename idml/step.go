// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

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
	warmup, full program
}

// NewTrainer prepares the training of a model on one device. Nothing is compiled before the first step, and nothing that another Trainer of the model has compiled on the backend.
func NewTrainer(backend compute.Backend, m *Model) (*Trainer, error) {
	return NewSharedTrainer(backend, m, 1)
}

// NewSharedTrainer is NewTrainer on so many devices of the backend, the first ones, which share each batch: see [Config.CheckDevices]. A step is the same function on any number of
// them, but for rounding. The model has no other Trainer from then on.
func NewSharedTrainer(backend compute.Backend, m *Model, devices int) (*Trainer, error) {
	if err := m.config.CheckDevices(backend, devices); err != nil {
		return nil, err
	}
	loss, err := NewLoss(m.config.Loss)
	if err != nil {
		return nil, err
	}
	t := &Trainer{config: m.config, model: m, loss: loss}
	if t.optimizer, err = newOptimizer(m.config.Optimizer, m); err != nil {
		return nil, err
	}
	if err := m.gather(); err != nil {
		return nil, fmt.Errorf("idml: preparing the training step: %w", err)
	}
	step := func(warmup bool) (program, error) {
		build := func() (program, error) {
			return newProgram(backend, m, devices, t.arguments(StepInput{}), func(inputs []*Node) *Node { return t.build(inputs, warmup) })
		}
		if devices > 1 {
			return build()
		}
		p := m.on(backend)
		return prepare(p, p.steps, warmup, build)
	}
	if t.warmup, err = step(true); err != nil {
		return nil, fmt.Errorf("idml: preparing the training step: %w", err)
	}
	if t.full, err = step(false); err != nil {
		return nil, fmt.Errorf("idml: preparing the training step: %w", err)
	}
	return t, nil
}

// StepInput is what one training step gets.
type StepInput struct {
	// Images are uint8 [batch, height, width, 3], or float32 of this shape, which are taken as normalized, or, where colors are changed, as pixels up to 255; Labels are
	// int32 [batch].
	// Both stay the caller's.
	Images, Labels *tensors.Tensor
	// Mix is used if the configuration mixes, Color if it changes colors.
	Mix   Mix
	Color Color
	// Random is the state that the random numbers of a loss that samples begin from; other losses don't read it.
	Random       [3]uint64
	LearningRate float64
	// Warmup trains only heads and proxies.
	Warmup bool
}

// Step trains on one batch and returns its loss. The first step of a kind compiles the program. After an error the model's values are undefined:
// load a checkpoint.
func (t *Trainer) Step(in StepInput) (float64, error) {
	program := t.full
	if in.Warmup {
		program = t.warmup
	}
	loss, err := program.call(t.arguments(in), in.Images.Shape().Dimensions[0])
	if err != nil {
		return 0, fmt.Errorf("idml: training step: %w", err)
	}
	return loss, nil
}

// arguments lists what a step's program gets. Tensors among them have an entry for each image, all else is of the whole batch.
func (t *Trainer) arguments(in StepInput) []any {
	args := []any{in.Images, in.Labels, float32(in.LearningRate)}
	if t.loss.Samples() {
		args = append(args, in.Random[:])
	}
	if t.config.Data.changesColor() {
		args = append(args, in.Color.Amounts, in.Color.Order, in.Color.Light)
	}
	if t.config.Mixing.Mixes() {
		args = append(args, t.config.Mixing.mixArguments(in.Mix)...)
	}
	return args
}

// build builds the step: inputs are images, labels, learning rate, the state of the random numbers if the loss samples, the changes of color if there are some, and
// the mix if there is one; the result is the loss.
func (t *Trainer) build(inputs []*Node, warmup bool) *Node {
	images, labels, learningRate, rest := inputs[0], inputs[1], inputs[2], inputs[3:]
	g := images.Graph()
	take := func(n int) []*Node {
		first := rest[:n]
		rest = rest[n:]
		return first
	}
	in := LossInput{}
	if t.config.Task == Classification {
		in.Proxies, in.Bias = t.model.classifier(g)
	} else if t.loss.HasProxies() {
		in.Proxies = t.model.variable(ProxiesName).NodeValue(g)
	}
	var random *Node
	if t.loss.Samples() {
		random = take(1)[0]
	}
	value := func(e Embedding, labels *Node) *Node {
		in := in
		in.Embedding, in.Labels = e, labels
		if t.loss.Samples() { // each use gets the numbers that follow those of the one before
			random, in.Uniform = uniforms(random, labels.Shape().Dimensions[0])
		}
		return t.loss.Value(t.config.Metric, in)
	}
	if t.config.Data.changesColor() {
		c := take(3)
		images = t.model.scalePixels(changeColor(MulScalar(ConvertDType(images, dtypes.Float32), 1.0/255), c[0], c[1], c[2]), 255)
	}
	images = t.model.normalizePixels(images)
	var loss *Node
	if t.config.Mixing.Mixes() {
		loss = t.mixedLoss(images, labels, t.config.Mixing.mixNodes(rest), value)
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

// mixedLoss returns the loss λ·L(mix, y) + (1−λ)·L(mix, y') of normalized images that are mixed, in retrieval with that of the images themselves added.
func (t *Trainer) mixedLoss(images, labels *Node, in mixInput, value func(Embedding, *Node) *Node) *Node {
	mixed := t.config.Mixing.mix(images, in)
	ofMix := func(e Embedding) *Node {
		return Add(
			Mul(in.lambda, value(e, labels)),
			Mul(OneMinus(in.lambda), value(e, permuteRows(labels, in.permutation))))
	}
	if t.config.Task == Classification {
		return ofMix(t.model.embed(mixed, t.config.Model.norm()))
	}
	own, mix := t.embedBoth(images, mixed)
	return Add(value(own, labels), ofMix(mix))
}

// embedBoth embeds images and their mixes. Where stored statistics normalize, both are one batch; else each half is
// normalized by its own statistics, as two passes of PyTorch's would be.
func (t *Trainer) embedBoth(images, mixed *Node) (own, mix Embedding) {
	norm := t.config.Model.norm()
	if norm == resnet.BatchStatistics {
		return t.model.embed(images, norm), t.model.embed(mixed, norm)
	}
	return t.model.embed(Concatenate([]*Node{images, mixed}, 0), norm).halves()
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
