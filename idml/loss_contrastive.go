// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"

	. "github.com/gomlx/gomlx/core/graph"
)

// Settings of the contrastive loss.
const (
	// ContrastivePositiveMargin is the distance below which images of a class are close enough. Code: 0, the default of pytorch-metric-learning 0.9.99.
	ContrastivePositiveMargin = 0.0
	// ContrastiveMargin is the distance beyond which images of two classes are far enough. Code: 0.5.
	ContrastiveMargin = 0.5
)

// Contrastive pulls images of a class together and pushes others apart (Hadsell, Chopra, LeCun, CVPR 2006, "Dimensionality Reduction by Learning an
// Invariant Mapping"), in the form of pytorch-metric-learning, linear in the distance d:
//
//	mean of those [d(a,p) − m⁺]₊ that are above 0 + mean of those [m⁻ − d(a,n)]₊ that are above 0
//
// over all pairs (a,p) of a class and (a,n) of two classes. The paper squares both and averages over all pairs. Pairs of equal images aren't counted.
type Contrastive struct{ PositiveMargin, Margin float64 }

// HasProxies is false.
func (Contrastive) HasProxies() bool { return false }

// Samples is false.
func (Contrastive) Samples() bool { return false }

// Value implements Loss.
func (l Contrastive) Value(m Metric, in LossInput) *Node {
	p := m.Pairs(in.Embedding)
	positive, negative := pairMasks(in.Labels)
	pull := positivePart(AddScalar(p.Distance, -l.PositiveMargin))
	push := positivePart(AddScalar(Neg(p.Distance), l.Margin))
	return Add(meanAboveZero(pull, LogicalAnd(positive, LogicalNot(p.Equal))), meanAboveZero(push, negative))
}

func (l Contrastive) validate() error {
	return errors.Join(checkNotNegative("loss.positive_margin", l.PositiveMargin), checkPositive("loss.margin", l.Margin))
}
