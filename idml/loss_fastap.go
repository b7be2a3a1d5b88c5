// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// FastAPBins is the number of bins of the histograms of distances. Code: 10, the default of pytorch-metric-learning 0.9.99.
const FastAPBins = 10

// FastAP raises the average precision of the ranking by distance, made differentiable by histograms (Cakir et al., "Deep Metric Learning to Rank", CVPR 2019):
//
//	mean over anchors with a positive of 1 − 1/N⁺ Σ_l h⁺_l·H⁺_l / H_l
//
// N⁺ is the anchor's number of positives, h⁺ the histogram of its positives' squared distances over [0, 4] and h that of all others', H⁺ and H their running
// sums. A distance between the centers of two bins counts in both, in part: h_l = Σ [1 − |d² − lΔ|/Δ]₊, with Δ = 4/Bins and l = 0 … Bins.
type FastAP struct{ Bins int }

// HasProxies is false.
func (FastAP) HasProxies() bool { return false }

// Samples is false.
func (FastAP) Samples() bool { return false }

// Value implements Loss. It holds batch²·(Bins+1) numbers.
func (l FastAP) Value(m Metric, in LossInput) *Node {
	p := m.Pairs(in.Embedding)
	positive, negative := pairMasks(in.Labels)
	width := 4 / float64(l.Bins)
	centers := Iota(in.Labels.Graph(), shapes.Make(p.Alpha.DType(), 1, 1, l.Bins+1), 2)
	pulses := positivePart(OneMinus(Abs(Sub(InsertAxes(DivScalar(p.SquaredDistance, width), 2), centers)))) // [anchor, other, bin]
	histogram := func(mask *Node) *Node { return ReduceSum(Mul(pulses, InsertAxes(toFloat(mask, pulses), 2)), 1) }
	found := histogram(positive) // [anchor, bin]
	foundSum := CumSum(found, 1)
	allSum := Add(foundSum, CumSum(histogram(negative), 1))
	product := Mul(found, foundSum)
	holds := aboveZero(product) // where nothing is found, all may be 0 too
	precision := ReduceSum(Div(Where(holds, product, ZerosLike(product)), Where(holds, allSum, OnesLike(allSum))), 1)
	count := ReduceSum(toFloat(positive, precision), 1)
	loss := OneMinus(Div(precision, MaxScalar(count, 1)))
	return passNaN(MaskedReduceAllMean(loss, aboveZero(count)), p.Alpha)
}

func (l FastAP) validate() error {
	if l.Bins < 1 {
		return fmt.Errorf("loss.bins is %d, want at least 1", l.Bins)
	}
	return nil
}
