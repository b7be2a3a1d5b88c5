// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// maxPool returns the maxima [batch, ⌈height/2⌉, ⌈width/2⌉, channels] of the 3×3 windows of x [batch, height, width, channels], which are 2 apart and begin one element
// outside of x. The gradient goes to the first of equal maxima, by rows, as PyTorch's does.
//
// XLA's own pooling gives the same numbers, but its gradient takes four times as long on the CPU (BenchmarkMaxPoolGradient).
func maxPool(x *Node) *Node { return maxOfThree(maxOfThree(x, 2), 1) }

// maxOfThree returns the maxima of the elements 2i−1, 2i and 2i+1 along an axis.
func maxOfThree(x *Node, axis int) *Node {
	n := x.Shape().Dimensions[axis]
	every2nd := func(from, to int) *Node {
		ranges := []SliceAxisSpec{AxisRange(), AxisRange(), AxisRange(), AxisRange()}
		ranges[axis] = AxisRange(from, to).Stride(2)
		return Slice(x, ranges...)
	}
	edge := x.Shape().Clone()
	edge.Dimensions[axis] = 1
	outside := BroadcastToShape(Infinity(x.Graph(), x.DType(), -1), edge)
	even, before, after := every2nd(0, n), []*Node{outside}, []*Node(nil)
	if n > 1 {
		after = append(after, every2nd(1, n))
	}
	if n > 2 {
		before = append(before, every2nd(1, n-1))
	}
	if n%2 == 1 {
		after = append(after, outside)
	}
	return later(Concatenate(after, axis), later(even, Concatenate(before, axis)))
}

// later returns x where it is larger than the maximum so far, or NaN, else that maximum.
func later(x, maximum *Node) *Node {
	return Where(Or(GreaterThan(x, maximum), NotEqual(x, x)), x, maximum)
}
