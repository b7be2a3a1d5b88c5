// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Rate is StepLR and MultiStepLR: the learning rate of an epoch, counted from 0, multiplied by DecayFactor after every DecayEvery epochs and at each of DecayAt.
func (c OptimizerConfig) Rate(epoch int) float64 {
	decays := epoch / c.DecayEvery
	for _, at := range c.DecayAt {
		if epoch >= at {
			decays++
		}
	}
	return c.LearningRate * math.Pow(c.DecayFactor, float64(decays))
}

// OptimizerNames lists the values of OptimizerConfig.Name, sorted.
func OptimizerNames() []string { return slices.Sorted(maps.Keys(rules)) }

// A rule is how an optimizer moves a parameter, as PyTorch computes it.
type rule struct {
	// state names what is kept of each parameter, in PyTorch's words: arrays of its shape, but for stateSteps, a scalar.
	state []string
	// next returns the parameter's new value and its new state, in the order of the names.
	next func(c OptimizerConfig, value, gradient, learningRate *Node, state []*Node) (*Node, []*Node)
}

var rules = map[string]rule{
	"adamw":   {[]string{stateAverage, stateSquare, stateSteps}, adamW},
	"adam":    {[]string{stateAverage, stateSquare, stateSteps}, adam},
	"sgd":     {[]string{stateMomentum}, sgd},
	"rmsprop": {[]string{stateMeanSquare, stateMomentum}, rmsProp},
}

// The optimizer's state of a parameter are the variables statePrefix + name + "/" + these: the moving averages of the gradient and of its
// square, the number of steps taken, and the momentum.
const (
	statePrefix     = "/optimizer/"
	stateAverage    = "exp_avg"
	stateSquare     = "exp_avg_sq"
	stateSteps      = "step"
	stateMomentum   = "momentum_buffer"
	stateMeanSquare = "square_avg"
)

// statePath is the path of a state variable of the parameter in the store.
func statePath(parameter, state string) string { return statePrefix + parameter + "/" + state }

// adamW is Loshchilov and Hutter's (arXiv:1711.05101):
//
//	p ← p·(1 − lr·decay);  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − lr/(1−β₁ᵗ) · m/(√v/√(1−β₂ᵗ) + ε)
func adamW(c OptimizerConfig, value, gradient, learningRate *Node, state []*Node) (*Node, []*Node) {
	step, state := adamStep(c, gradient, learningRate, state)
	return Sub(Mul(value, OneMinus(MulScalar(learningRate, c.WeightDecay))), step), state
}

// adam is Kingma and Ba's (arXiv:1412.6980), with the decay added to the gradient: g ← g + decay·p, then as adamW.
func adam(c OptimizerConfig, value, gradient, learningRate *Node, state []*Node) (*Node, []*Node) {
	step, state := adamStep(c, Add(gradient, MulScalar(value, c.WeightDecay)), learningRate, state)
	return Sub(value, step), state
}

// adamStep returns what both subtract. Each parameter counts its own steps: one that is trained only after the warm-up starts its
// bias correction then.
func adamStep(c OptimizerConfig, gradient, learningRate *Node, state []*Node) (*Node, []*Node) {
	t := AddScalar(state[2], 1)
	m := Add(MulScalar(state[0], AdamBeta1), MulScalar(gradient, 1-AdamBeta1))
	v := Add(MulScalar(state[1], AdamBeta2), MulScalar(Square(gradient), 1-AdamBeta2))
	// 1 − βᵗ as −expm1(t·log β), exact to float32 where 1 − 0.999 is not.
	correction := func(beta float64) *Node {
		return Neg(Expm1(MulScalar(ConvertDType(t, gradient.DType()), math.Log(beta))))
	}
	denominator := AddScalar(Div(Sqrt(v), Sqrt(correction(AdamBeta2))), c.Epsilon)
	return Mul(Div(m, denominator), Div(learningRate, correction(AdamBeta1))), []*Node{m, v, t}
}

// sgd is stochastic gradient descent with Nesterov's momentum μ: g ← g + decay·p;  b ← μb + g;  p ← p − lr·(g + μb).
func sgd(c OptimizerConfig, value, gradient, learningRate *Node, state []*Node) (*Node, []*Node) {
	gradient = Add(gradient, MulScalar(value, c.WeightDecay))
	b := Add(MulScalar(state[0], c.Momentum), gradient)
	return Sub(value, Mul(learningRate, Add(gradient, MulScalar(b, c.Momentum)))), []*Node{b}
}

// rmsProp is Hinton's, with momentum μ: g ← g + decay·p;  v ← αv + (1−α)g²;  b ← μb + g/(√v + ε);  p ← p − lr·b.
func rmsProp(c OptimizerConfig, value, gradient, learningRate *Node, state []*Node) (*Node, []*Node) {
	gradient = Add(gradient, MulScalar(value, c.WeightDecay))
	v := Add(MulScalar(state[0], RMSPropAlpha), MulScalar(Square(gradient), 1-RMSPropAlpha))
	b := Add(MulScalar(state[1], c.Momentum), Div(gradient, AddScalar(Sqrt(v), c.Epsilon)))
	return Sub(value, Mul(learningRate, b)), []*Node{v, b}
}

// optimizer moves parameters by a rule. GoMLX's optimizers have one counter and one learning rate for all, and clip the step where
// PyTorch's clip_grad_value_ clips the gradient.
type optimizer struct {
	config OptimizerConfig
	store  *model.Store
}

// newOptimizer creates the state of all parameters that can be trained, unless a checkpoint brought it.
func newOptimizer(c OptimizerConfig, m *Model) (optimizer, error) {
	for _, p := range m.parameters {
		if p.Group == Statistics {
			continue
		}
		for _, state := range rules[c.Name].state {
			path := statePath(p.Name, state)
			if m.store.GetVariable(path) != nil {
				continue
			}
			value := tensors.FromScalar(int32(0))
			if state != stateSteps {
				value = tensors.FromShape(m.variable(p.Name).Shape())
			}
			if _, err := m.store.CreateVariable(path, value); err != nil {
				return optimizer{}, fmt.Errorf("idml: creating the optimizer's %s of %s: %w", state, p.Name, err)
			}
		}
	}
	return optimizer{config: c, store: m.store}, nil
}

// update builds one step of a parameter with its gradient, which is clipped, and the base learning rate, a scalar.
func (o optimizer) update(p Param, gradient, learningRate *Node) {
	if p.Group == Proxies {
		learningRate = MulScalar(learningRate, o.config.ProxyFactor)
	}
	r, g := rules[o.config.Name], gradient.Graph()
	kept := make([]*model.Variable, len(r.state))
	state := make([]*Node, len(r.state))
	for i, name := range r.state {
		kept[i] = o.store.GetVariable(statePath(p.Name, name))
		state[i] = kept[i].NodeValue(g)
	}
	variable := o.store.GetVariable("/" + p.Name)
	value, state := r.next(o.config, variable.NodeValue(g), ClipScalar(gradient, -o.config.Clip, o.config.Clip), learningRate, state)
	variable.SetNodeValue(value)
	for i, v := range kept {
		v.SetNodeValue(state[i])
	}
}
