// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Activation names a function of each component of the uncertainty embedding: see [ModelConfig].
type Activation string

// The activations, with their range.
const (
	NoActivation       Activation = "none"     // x
	ReLUActivation     Activation = "relu"     // max(x, 0), with gradient 0 at 0
	SoftplusActivation Activation = "softplus" // log(1 + eˣ), above 0
	TanhActivation     Activation = "tanh"     // tanh x, from −1 to 1
)

// Activations are all of them.
var Activations = []Activation{NoActivation, ReLUActivation, SoftplusActivation, TanhActivation}

// apply returns the activation of each element of x.
func (a Activation) apply(x *graph.Node) *graph.Node {
	switch a {
	case NoActivation:
		return x
	case ReLUActivation:
		return positivePart(x)
	case SoftplusActivation:
		return graph.Softplus(x)
	case TanhActivation:
		return graph.Tanh(x)
	}
	panic(fmt.Sprintf("idml: unknown activation %q", a)) // Config.Validate knows them all
}
