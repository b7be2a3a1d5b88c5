// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"

	. "github.com/gomlx/gomlx/core/graph"
)

// Settings of the multi-similarity loss. Code: α = 2, β = 50, λ = 0.5, ε = 0.1.
const (
	MultiSimilarityPositiveScale = 2.0
	MultiSimilarityScale         = 50.0
	MultiSimilarityBase          = 0.5
	MultiSimilarityEpsilon       = 0.1
)

// MultiSimilarity weighs the pairs of an anchor by each other (Wang et al., arXiv:1904.06627):
//
//	mean over anchors a of 1/α log(1 + Σ_p exp(−α(S(a,p) − λ))) + 1/β log(1 + Σ_n exp(β(S(a,n) − λ)))
//
// over the pairs that its miner leaves, by the plain similarity S: positives with S(a,p) − ε < max_n S(a,n) and negatives with
// S(a,n) + ε > min_p S(a,p). An anchor without positives, or without negatives, has no pairs and counts with 0.
type MultiSimilarity struct {
	// PositiveScale is α, Scale β, Base λ, Epsilon ε.
	PositiveScale, Scale, Base, Epsilon float64
}

// HasProxies is false.
func (MultiSimilarity) HasProxies() bool { return false }

// Samples is false.
func (MultiSimilarity) Samples() bool { return false }

// Value implements Loss.
func (l MultiSimilarity) Value(m Metric, in LossInput) *Node {
	p := m.Pairs(in.Embedding)
	positive, negative := l.mine(p.Alpha, in.Labels)
	above := AddScalar(p.Similarity, -l.Base)
	pull := DivScalar(logOnePlusSumExp(MulScalar(above, -l.PositiveScale), positive, 1), l.PositiveScale)
	push := DivScalar(logOnePlusSumExp(MulScalar(above, l.Scale), negative, 1), l.Scale)
	return passNaN(ReduceAllMean(Add(pull, push)), p.Alpha)
}

// mine marks with true the pairs (anchor, positive) and (anchor, negative) to learn from, [batch, batch] each.
func (l MultiSimilarity) mine(alpha, labels *Node) (positive, negative *Node) {
	positive, negative = pairMasks(labels)
	similarity := OneMinus(MulScalar(Square(alpha), 0.5))
	nearest := InsertAxes(MaskedReduceMax(similarity, negative, 1), 1)  // −∞ where there is none
	farthest := InsertAxes(MaskedReduceMin(similarity, positive, 1), 1) // ∞ where there is none
	return LogicalAnd(positive, LessThan(AddScalar(similarity, -l.Epsilon), nearest)),
		LogicalAnd(negative, GreaterThan(AddScalar(similarity, l.Epsilon), farthest))
}

func (l MultiSimilarity) validate() error {
	return errors.Join(checkPositive("loss.positive_scale", l.PositiveScale), checkPositive("loss.scale", l.Scale),
		checkFinite("loss.base", l.Base), checkNotNegative("loss.epsilon", l.Epsilon))
}
