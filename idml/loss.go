// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Loss teaches an embedding. A loss sees distance or similarity through the Metric that it is given, which makes the same
// loss plain or introspective.
type Loss interface {
	// HasProxies reports whether the loss learns a proxy of each class.
	HasProxies() bool
	// Value returns the scalar loss of a batch with labels int32 [batch]. Proxies is [classes, dim], nil where HasProxies is false.
	Value(m Metric, e Embedding, labels, proxies *Node) *Node
}

// NewLoss returns the loss that the settings name, or an error that lists the names.
func NewLoss(c LossConfig) (Loss, error) {
	switch c.Name {
	case "proxy-anchor":
		l := ProxyAnchor{Scale: c.Scale, Margin: c.Margin}
		return l, l.validate()
	default:
		return nil, fmt.Errorf("loss.name is %q, want proxy-anchor", c.Name)
	}
}

// positives marks with true where class k is the label, [batch, classes].
func positives(labels *Node, classes int) *Node {
	row := Iota(labels.Graph(), shapes.Make(labels.DType(), 1, classes), 1)
	return Equal(InsertAxes(labels, 1), row)
}

// logOnePlusSumExp returns log(1 + Σ exp(x)) over axis 0 of x [n, m] where the mask is true: [m]. It neither overflows for large x nor loses
// small sums.
func logOnePlusSumExp(x, mask *Node) *Node {
	top := ReduceMax(Where(mask, x, ZerosLike(x)), 0)
	top = StopGradient(positivePart(top)) // [m], at least 0
	// Masked entries are moved before the exponential, so that their gradient is 0 and never 0·∞.
	shifted := Where(mask, Sub(x, InsertAxes(top, 0)), ZerosLike(x))
	sum := ReduceSum(Where(mask, Exp(shifted), ZerosLike(x)), 0)
	return Add(top, Log1P(Add(sum, StopGradient(Expm1(Neg(top))))))
}

// checkPositive returns an error that names the field unless value is positive and finite.
func checkPositive(field string, value float64) error {
	if !(value > 0) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is %v, want above 0", field, value)
	}
	return nil
}
