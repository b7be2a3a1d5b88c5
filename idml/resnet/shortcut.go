// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// halve returns the means over 2 × 2 elements [batch, ⌈height/2⌉, ⌈width/2⌉, channels] of x [batch, height, width, channels]. At an odd
// side the last mean is over what there is: PyTorch's AvgPool2d(2, 2, ceil_mode=True).
func halve(x *Node) *Node {
	for axis := 1; axis <= 2; axis++ {
		if d := x.Shape().Dimensions[axis]; d%2 == 1 {
			x = Concatenate([]*Node{x, SliceAxis(x, axis, AxisElem(d-1))}, axis) // the mean of a value and itself is the value
		}
	}
	d := x.Shape().Dimensions
	return ReduceMean(Reshape(x, d[0], d[1]/2, 2, d[2]/2, 2, d[3]), 2, 4)
}

// widen appends zeros to x's last axis up to so many channels. (GoMLX's Pad has no gradient.)
func widen(x *Node, channels int) *Node {
	d := x.Shape().Dimensions
	if d[3] == channels {
		return x
	}
	return Concatenate([]*Node{x, Zeros(x.Graph(), shapes.Make(x.DType(), d[0], d[1], d[2], channels-d[3]))}, 3)
}
