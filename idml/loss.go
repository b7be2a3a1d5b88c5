// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Loss teaches an embedding. A loss sees distances or similarities through the Metric that it is given, which makes the same
// loss plain or introspective; the rule stands at [Metric].
type Loss interface {
	// HasProxies reports whether the loss learns a proxy of each class and compares images with these; else it compares images with each other.
	// Every model holds proxies: a loss without them leaves them as they begin.
	HasProxies() bool
	// Samples reports whether the loss draws at random, and so needs LossInput.Uniform.
	Samples() bool
	// Value returns the scalar loss of a batch. A batch that has nothing to learn from, such as one without positive pairs, has the loss 0 and no
	// gradient; NaN among the embeddings makes it NaN.
	Value(m Metric, in LossInput) *Node
}

// LossInput is what a loss judges.
type LossInput struct {
	Embedding Embedding
	// Labels are the images' classes, int32 [batch].
	Labels *Node
	// Proxies are [classes, dim], or a classifier's weight; nil where HasProxies is false.
	Proxies *Node
	// Bias is a classifier's, [classes]; nil in retrieval.
	Bias *Node
	// Uniform are numbers from [0, 1), float32 [batch, batch], each use of the loss with its own; nil where Samples is false.
	Uniform *Node
}

// positives marks with true where class k is the label, [batch, classes].
func positives(labels *Node, classes int) *Node {
	row := Iota(labels.Graph(), shapes.Make(labels.DType(), 1, classes), 1)
	return Equal(InsertAxes(labels, 1), row)
}

// pairMasks marks with true, [batch, batch], the pairs of two images of the same class, and those of two classes. No image is paired with itself.
func pairMasks(labels *Node) (positive, negative *Node) {
	same := Equal(InsertAxes(labels, 1), InsertAxes(labels, 0))
	return LogicalAnd(same, LogicalNot(Diagonal(labels.Graph(), labels.Shape().Dimensions[0]))), LogicalNot(same)
}

// logOnePlusSumExp returns log(1 + Σ exp(x)) over an axis of the matrix x where the mask is true, without this axis. It neither overflows for large x nor loses
// small sums.
func logOnePlusSumExp(x, mask *Node, axis int) *Node {
	top := ReduceMax(Where(mask, x, ZerosLike(x)), axis)
	top = StopGradient(positivePart(top)) // at least 0
	// Masked entries are moved before the exponential, so that their gradient is 0 and never 0·∞.
	shifted := Where(mask, Sub(x, InsertAxes(top, axis)), ZerosLike(x))
	sum := ReduceSum(Where(mask, Exp(shifted), ZerosLike(x)), axis)
	return Add(top, Log1P(Add(sum, StopGradient(Expm1(Neg(top))))))
}

// meanAboveZero returns the mean of those x that are above 0 where the mask is true, 0 if there are none. NaN counts.
func meanAboveZero(x, mask *Node) *Node {
	return MaskedReduceAllMean(x, LogicalAnd(mask, aboveZero(x)))
}

// aboveZero marks with true what is above 0 or NaN.
func aboveZero(x *Node) *Node {
	return LogicalNot(LessOrEqual(x, ScalarZero(x.Graph(), x.DType())))
}

// passNaN returns the loss, or NaN if there is one among the distances: a miner, whose comparisons with NaN are all false, would find nothing to learn
// from and hide a broken network behind a loss of 0.
func passNaN(loss, distances *Node) *Node {
	sum := StopGradient(ReduceAllSum(distances))
	return Where(IsNaN(sum), sum, loss)
}

// toFloat turns a mask into 1 and 0 of x's type.
func toFloat(mask, x *Node) *Node { return ConvertDType(mask, x.DType()) }

// uniforms returns the numbers of a loss that samples, [batch, batch] from [0, 1), and the state to draw the next ones from.
func uniforms(state *Node, batch int) (next, numbers *Node) {
	return RandomUniform(state, shapes.Make(dtypes.Float32, batch, batch))
}

// drawState returns the state that a step's random numbers begin from, a pure function of the seed, the epoch and the batch's number in it.
func drawState(seed uint64, epoch, batch int) (state [3]uint64) {
	rng := rand.NewPCG(seed^hashName("sampling"), uint64(epoch)<<32|uint64(batch))
	for i := range state {
		state[i] = rng.Uint64()
	}
	return state
}

// checkPositive returns an error that names the field unless value is positive and finite.
func checkPositive(field string, value float64) error {
	if !(value > 0) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is %v, want above 0", field, value)
	}
	return nil
}

// checkFinite returns an error that names the field unless value is finite.
func checkFinite(field string, value float64) error {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is %v, want a finite number", field, value)
	}
	return nil
}

// checkNotNegative returns an error that names the field unless value is finite and at least 0.
func checkNotNegative(field string, value float64) error {
	if !(value >= 0) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is %v, want 0 or more", field, value)
	}
	return nil
}
