// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// learningRate is StepLR: the rate of an epoch, counted from 0, multiplied by DecayFactor after every DecayEvery epochs.
func (c OptimizerConfig) learningRate(epoch int) float64 {
	return c.LearningRate * math.Pow(c.DecayFactor, float64(epoch/c.DecayEvery))
}

// adamW is the AdamW optimizer (Loshchilov and Hutter, arXiv:1711.05101) as PyTorch computes it, with a step counter for each parameter: one that is
// trained only after the warm-up starts its bias correction then. GoMLX's own has one counter and one learning rate for
// all, and clips the step where PyTorch's clip_grad_value_ clips the gradient.
type adamW struct {
	config OptimizerConfig
	store  *model.Store
}

// The optimizer's state of a parameter are the variables statePrefix + name + "/" + these: the moving averages of the gradient and of its square, and the
// number of steps taken.
const (
	statePrefix  = "/optimizer/"
	stateAverage = "exp_avg"
	stateSquare  = "exp_avg_sq"
	stateSteps   = "step"
)

// statePath is the path of a state variable of the parameter in the store.
func statePath(parameter, state string) string { return statePrefix + parameter + "/" + state }

// newAdamW creates the state of all parameters that can be trained.
func newAdamW(c OptimizerConfig, m *Model) (adamW, error) {
	for _, p := range m.parameters {
		if p.Group == Statistics {
			continue
		}
		shape := m.variable(p.Name).Shape()
		for state, value := range map[string]*tensors.Tensor{
			stateAverage: tensors.FromShape(shape), stateSquare: tensors.FromShape(shape), stateSteps: tensors.FromScalar(int32(0)),
		} {
			if _, err := m.store.CreateVariable(statePath(p.Name, state), value); err != nil {
				return adamW{}, fmt.Errorf("idml: creating the optimizer's %s of %s: %w", state, p.Name, err)
			}
		}
	}
	return adamW{config: c, store: m.store}, nil
}

// update builds one step of a parameter with its gradient and the base learning rate, a scalar:
//
//	g ← clip(g, ±Clip);  p ← p·(1 − lr·decay);  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − lr/(1−β₁ᵗ) · m/(√v/√(1−β₂ᵗ) + ε)
func (a adamW) update(p Param, gradient, learningRate *Node) {
	g := gradient.Graph()
	variable := func(path string) *model.Variable { return a.store.GetVariable(path) }
	value := variable("/" + p.Name)
	average, square, steps := variable(statePath(p.Name, stateAverage)), variable(statePath(p.Name, stateSquare)), variable(statePath(p.Name, stateSteps))
	if p.Group == Proxies {
		learningRate = MulScalar(learningRate, a.config.ProxyFactor)
	}
	gradient = ClipScalar(gradient, -a.config.Clip, a.config.Clip)

	t := AddScalar(steps.NodeValue(g), 1)
	m := Add(MulScalar(average.NodeValue(g), AdamBeta1), MulScalar(gradient, 1-AdamBeta1))
	v := Add(MulScalar(square.NodeValue(g), AdamBeta2), MulScalar(Square(gradient), 1-AdamBeta2))
	// 1 − βᵗ as −expm1(t·log β), exact to float32 where 1 − 0.999 is not.
	correction := func(beta float64) *Node {
		return Neg(Expm1(MulScalar(ConvertDType(t, gradient.DType()), math.Log(beta))))
	}
	denominator := AddScalar(Div(Sqrt(v), Sqrt(correction(AdamBeta2))), a.config.Epsilon)
	decayed := Mul(value.NodeValue(g), OneMinus(MulScalar(learningRate, a.config.WeightDecay)))
	value.SetNodeValue(Sub(decayed, Mul(Div(m, denominator), Div(learningRate, correction(AdamBeta1)))))
	average.SetNodeValue(m)
	square.SetNodeValue(v)
	steps.SetNodeValue(t)
}
