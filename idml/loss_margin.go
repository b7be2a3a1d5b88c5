// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Settings of the margin loss. Code: all four, the defaults of pytorch-metric-learning 0.9.99, which the released code carries. Paper
// (arXiv:1706.07567): a boundary that is learned, from 1.2.
const (
	MarginMargin    = 0.2
	MarginBoundary  = 1.2
	MarginCutoff    = 0.5
	MarginFarCutoff = 1.4
)

// Margin asks that positives be nearer than a boundary β and negatives farther, by a margin m each, of negatives that are sampled by distance (Wu
// et al., "Sampling Matters in Deep Embedding Learning", arXiv:1706.07567):
//
//	(Σ [d(a,p) − β + m]₊ + Σ [β − d(a,n) + m]₊) / number of those terms that are above 0
//
// over triplets (a,p,n): each pair (a,p) of a class, with one negative n drawn with a probability in proportion to 1/q(max(α, Cutoff)) of the plain distance α
// of a and n among those nearer than FarCutoff, where q(α) = αᵈ⁻²·(1 − α²/4)^((d−3)/2) is the density of distances on the sphere in d
// dimensions. A pair whose anchor has no such negative doesn't count.
//
// pytorch-metric-learning draws the positives too, with replacement, as many as the class has images; in expectation that is the same. Its weights are
// relative to the batch's largest, so that in float32 and many dimensions those of anchors without a near negative vanish; ours are to the anchor's.
type Margin struct{ Margin, Boundary, Cutoff, FarCutoff float64 }

// HasProxies is false.
func (Margin) HasProxies() bool { return false }

// Samples is true.
func (Margin) Samples() bool { return true }

// Value implements Loss. It looks at batch³ triplets, of each of which XLA holds about 8 bytes on the CPU: 15 MB for 120 images.
func (l Margin) Value(m Metric, in LossInput) *Node {
	p := m.Pairs(in.Embedding)
	taken, drawn := l.sample(p.Alpha, in.Labels, in.Uniform, in.Embedding.Semantic.Shape().Dimensions[1])
	pull := positivePart(AddScalar(p.Distance, l.Margin-l.Boundary))
	push := positivePart(AddScalar(Neg(p.Distance), l.Margin+l.Boundary))
	total := Add(ReduceAllSum(Mul(taken, pull)), ReduceAllSum(Mul(drawn, push)))
	count := Add(ReduceAllSum(Mul(taken, toFloat(aboveZero(pull), pull))), ReduceAllSum(Mul(drawn, toFloat(aboveZero(push), push))))
	return passNaN(Div(total, StopGradient(MaxScalar(count, 1))), p.Alpha)
}

// sample draws a negative for each pair of a class by the inverse of its anchor's distribution at the pair's uniform number. It returns, [batch, batch] each,
// 1 where a pair (a,p) has a negative and 0 elsewhere, and how often n is a negative of a.
func (l Margin) sample(alpha, labels, uniform *Node, dim int) (taken, drawn *Node) {
	positive, negative := pairMasks(labels)
	weights := l.weights(alpha, negative, dim)
	sums := CumSum(weights, 1) // [anchor, negative]
	total := ReduceAndKeep(sums, ReduceMax, 1)
	// The negative is the first whose cumulated weight exceeds uniform·total: its index is the number of those that don't. Where rounding of the sums would make
	// that one without weight, none is chosen.
	before := LessOrEqual(InsertAxes(sums, 1), InsertAxes(Mul(uniform, total), 2)) // [anchor, positive, negative]
	index := ReduceSum(ConvertDType(before, dtypes.Int32), 2)                      // [anchor, positive]
	row := Iota(alpha.Graph(), shapes.Make(dtypes.Int32, 1, 1, alpha.Shape().Dimensions[0]), 2)
	chosen := LogicalAnd(
		Equal(InsertAxes(index, 2), row),
		LogicalAnd(InsertAxes(positive, 2), InsertAxes(aboveZero(weights), 1)))
	ones := toFloat(chosen, alpha)
	return StopGradient(ReduceSum(ones, 2)), StopGradient(ReduceSum(ones, 1))
}

// weights returns the sampling weights of negatives, [anchor, negative], the largest of an anchor 1: all 0 for one without negatives.
func (l Margin) weights(alpha, negative *Node, dim int) *Node {
	d := MaxScalar(alpha, l.Cutoff)
	rest := OneMinus(MulScalar(Square(d), 0.25)) // 1 − α²/4
	allowed := LogicalAnd(negative, LogicalAnd(
		LessThan(d, Scalar(d.Graph(), d.DType(), l.FarCutoff)),
		GreaterThan(rest, ScalarZero(rest.Graph(), rest.DType()))))
	log := Sub(
		MulScalar(Log(d), 2-float64(dim)),
		MulScalar(Log(Where(allowed, rest, OnesLike(rest))), (float64(dim)-3)/2))
	top := ReduceAndKeep(Where(allowed, log, MulScalar(OnesLike(log), -1e30)), ReduceMax, 1)
	return Where(allowed, Exp(Where(allowed, Sub(log, top), ZerosLike(log))), ZerosLike(log))
}

func (l Margin) validate() error {
	err := errors.Join(
		checkPositive("loss.margin", l.Margin), checkPositive("loss.boundary", l.Boundary), checkPositive("loss.cutoff", l.Cutoff))
	if !(l.FarCutoff > l.Cutoff && l.FarCutoff <= 2) {
		err = errors.Join(err, fmt.Errorf("loss.far_cutoff is %v, want above loss.cutoff and at most 2, the largest distance", l.FarCutoff))
	}
	return err
}
