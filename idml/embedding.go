// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Embedding is what the model says of a batch: where each image lies, and how ambiguous it is, both [batch, dim].
type Embedding struct {
	// Semantic has rows of length 1; in classification, it is the averages of the feature maps [batch, channels].
	Semantic *Node
	// Uncertainty is as the head gives it, the released form of the metric normalizes it itself; in classification, it is behind a ReLU.
	Uncertainty *Node
}

// normalizeEpsilon is added to the sum of squares that rows are divided by the root of. Code: 1e-12.
const normalizeEpsilon = 1e-12

// normalizeRows divides the rows of x [n, d] by √(Σx² + 1e-12).
func normalizeRows(x *Node) *Node {
	sum := ReduceAndKeep(Square(x), ReduceSum, -1)
	return Div(x, Sqrt(AddScalar(sum, normalizeEpsilon)))
}

// poolFeatures returns the global average plus the global maximum, [batch, channels], of feature maps [batch, h, w, channels].
func poolFeatures(x *Node) *Node {
	return Add(ReduceMean(x, 1, 2), globalMaximum(x))
}

// globalMaximum returns the maxima [batch, channels] of feature maps. Places that share a maximum share its gradient, as in PyTorch's amax: GoMLX's own gives
// each of them all of it. In bfloat16, whose numbers between 4 and 8 are 1/32 apart, such ties are no rarity.
func globalMaximum(x *Node) *Node {
	top := StopGradient(ReduceAndKeep(x, ReduceMax, 1, 2))
	ties := ConvertDType(Equal(x, top), x.DType())
	share := StopGradient(Div(ties, ReduceAndKeep(ties, ReduceSum, 1, 2)))
	return Add(Squeeze(top, 1, 2), ReduceSum(Mul(share, Sub(x, StopGradient(x))), 1, 2)) // the sum is 0
}

// linear returns x·weightᵀ + bias, [batch, out], for x [batch, in], weight [out, in] and bias [out], the layout of PyTorch's linear layer.
func linear(x, weight, bias *Node) *Node {
	return Add(DotGeneral(x, []int{1}, nil, weight, []int{1}, nil), ExpandLeftToRank(bias, 2))
}

// halves returns the first and the second half of an embedding's rows.
//
// A mask and a sum, whose gradient is a mask, not slices, whose gradient is a padding: the pinned CPU plugin moves a padding by n rows into the matrix product before it
// and then reads n rows behind the product's operand, which ends in a segmentation fault where no memory follows.
func (e Embedding) halves() (first, second Embedding) {
	half := func(x *Node, i int) *Node {
		n, dims := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
		pair := Reshape(x, 2, n/2, dims)
		mine := Equal(Iota(x.Graph(), shapes.Make(dtypes.Int32, pair.Shape().Dimensions...), 0), Scalar(x.Graph(), dtypes.Int32, i))
		return ReduceSum(Where(mine, pair, ZerosLike(pair)), 0)
	}
	part := func(i int) Embedding {
		return Embedding{Semantic: half(e.Semantic, i), Uncertainty: half(e.Uncertainty, i)}
	}
	return part(0), part(1)
}
