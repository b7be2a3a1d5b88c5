// SPDX-License-Identifier: Apache-2.0

package idml

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// TripletMargin is by how much the negative should be farther than the positive. Code: 0.1. Paper (arXiv:1503.03832): 0.2 of squared distances.
const TripletMargin = 0.1

// Triplet asks that an anchor be nearer to its positives than to its negatives, by a margin m (FaceNet, Schroff et al., arXiv:1503.03832):
//
//	mean of those [d(a,p) − d(a,n) + m]₊ that are above 0, over the semi-hard triplets
//
// A triplet of two images a, p of a class and n of another is semi-hard if its negative is farther than the positive by at most the margin:
// 0 < α(a,n) − α(a,p) ≤ m, for plain distances α. All of these count, as pytorch-metric-learning mines them; FaceNet takes one negative of each pair (a,p).
type Triplet struct{ Margin float64 }

// HasProxies is false.
func (Triplet) HasProxies() bool { return false }

// Samples is false.
func (Triplet) Samples() bool { return false }

// Value implements Loss. It looks at batch³ triplets, of each of which XLA holds about 8 bytes on the CPU: 15 MB for 120 images.
func (l Triplet) Value(m Metric, in LossInput) *Node {
	p := m.Pairs(in.Embedding)
	violation := AddScalar(Neg(gaps(p.Distance)), l.Margin)
	return passNaN(meanAboveZero(positivePart(violation), l.semiHard(p.Alpha, in.Labels)), p.Alpha)
}

// semiHard marks with true the semi-hard triplets (anchor, positive, negative), [batch, batch, batch].
func (l Triplet) semiHard(alpha, labels *Node) *Node {
	positive, negative := pairMasks(labels)
	gap := gaps(alpha)
	margin := Scalar(gap.Graph(), gap.DType(), l.Margin)
	mined := LogicalAnd(aboveZero(gap), LessOrEqual(gap, margin))
	return LogicalAnd(mined, LogicalAnd(InsertAxes(positive, 2), InsertAxes(negative, 1)))
}

// gaps returns d(a,n) − d(a,p) of all triplets, [anchor, positive, negative].
func gaps(d *Node) *Node { return Sub(InsertAxes(d, 1), InsertAxes(d, 2)) }

func (l Triplet) validate() error { return checkPositive("loss.margin", l.Margin) }
