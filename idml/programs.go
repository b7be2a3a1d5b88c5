// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"reflect"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// programs are what a model has on a backend: its embedding and its training step, so that neither is compiled again for another [Embedder] or [Trainer]. Each is compiled
// when it is first called. The steps of several devices aren't kept.
type programs struct {
	backend          compute.Backend
	embeddings       map[bool]*model.Exec // by whether they give features
	steps            map[bool]program     // by whether they are of the warm-up
	prepared, before int                  // on this backend, and on those before it
}

// on returns the model's programs on a backend. Those on another are given up.
func (m *Model) on(backend compute.Backend) *programs {
	if m.programs.backend != backend {
		m.programs = programs{backend: backend, embeddings: map[bool]*model.Exec{}, steps: map[bool]program{}, before: m.Programs()}
	}
	return &m.programs
}

// Programs is how many programs were prepared for the model so far: two for a training on one device, one for embedding.
func (m *Model) Programs() int { return m.programs.before + m.programs.prepared }

// prepare returns what a map has, or what is made for it.
func prepare[T any](p *programs, kept map[bool]T, kind bool, make func() (T, error)) (T, error) {
	if have, ok := kept[kind]; ok {
		return have, nil
	}
	made, err := make()
	if err == nil {
		kept[kind] = made
		p.prepared++
	}
	return made, err
}

// TakeOver gives m the configuration and the values of another model, the optimizer's among them, as if it were that model, so that m's programs serve it. It changes
// nothing and returns false if they can't, because settings that programs depend on differ: others than seeds, epochs, rates, and where the images are.
func (m *Model) TakeOver(other *Model) (bool, error) {
	if m.classes != other.classes || !reflect.DeepEqual(m.config.programmed(), other.config.programmed()) {
		return false, nil
	}
	for v := range m.store.IterVariables() { // which need have no values, as after a step that failed
		value, err := other.valueFor(v)
		if err == nil {
			err = v.SetValue(value)
		}
		if err != nil {
			return false, fmt.Errorf("idml: taking over %s of a model: %w", v.Path(), err)
		}
	}
	for v := range other.store.IterVariables() { // of an optimizer, if m has had none
		if m.store.GetVariable(v.Path()) != nil {
			continue
		}
		value, err := other.valueFor(v)
		if err == nil {
			_, err = m.store.CreateVariable(v.Path(), value)
		}
		if err != nil {
			return false, fmt.Errorf("idml: taking over %s of a model: %w", v.Path(), err)
		}
	}
	m.config, m.parameters = other.config, other.parameters
	return true, nil
}

// valueFor returns a copy of the value that m has for a variable of another model: zeros if it has none, as of an optimizer that has not begun.
func (m *Model) valueFor(v *model.Variable) (*tensors.Tensor, error) {
	own := m.store.GetVariable(v.Path())
	if own == nil {
		return tensors.FromShape(v.Shape()), nil
	}
	value, err := own.Value()
	if err != nil {
		return nil, err
	}
	return value.Clone()
}

// programmed returns the settings that programs depend on; the others are their zero values.
func (c Config) programmed() Config {
	c.Recipe, c.Seed, c.Epochs, c.WarmupEpochs, c.EvaluateEvery, c.Recalls, c.CheckpointMinutes = "", 0, 0, 0, 0, nil, 0
	d := c.Data
	c.Data = DataConfig{ // sizes, for programs of others would be added to those that are kept, without end
		ImageSize: d.ImageSize, BatchSize: d.BatchSize, Mean: d.Mean, Deviation: d.Deviation,
		Augment: d.Augment, ColorJitter: d.ColorJitter, Lighting: d.Lighting,
	}
	c.Model.Weights, c.Model.UncertaintyInit = "", 0
	c.Optimizer.LearningRate, c.Optimizer.DecayEvery, c.Optimizer.DecayAt, c.Optimizer.DecayFactor = 0, 0, nil, 0
	return c
}
