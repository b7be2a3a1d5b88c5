// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Color is one draw of the random changes of color of a batch, on pixels from 0 to 1 that are not clamped, before they are normalized. Code: as
// here, for ImageNet.
type Color struct {
	// Amounts [batch, 3] are how far brightness, contrast and saturation move, each from −ColorJitter to ColorJitter: an image x becomes x + a·(g − x), where g is
	// black, the mean of its gray values, or its gray values.
	Amounts *tensors.Tensor
	// Order [batch, 3] int32 are the three in the order in which they come: 0 brightness, 1 contrast, 2 saturation.
	Order *tensors.Tensor
	// Light [batch, 3] is then added to red, green and blue: Σ e·λ·a over the principal components e of ImageNet's colors with eigenvalues λ, a ~ N(0,
	// Lighting²) (AlexNet's, Krizhevsky et al., NIPS 2012).
	Light *tensors.Tensor
}

// The weights of red, green and blue in gray (ITU-R BT.601), and the principal components of ImageNet's colors of 0 to 1: eigenvalues, and the eigenvectors'
// parts by color. Code: these numbers.
var (
	grayWeights      = [3]float32{0.299, 0.587, 0.114}
	colorEigenvalues = [3]float64{0.2175, 0.0188, 0.0045}
	colorVectors     = [3][3]float64{{-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}}
)

// changesColor tells whether training changes colors.
func (c DataConfig) changesColor() bool { return c.Augment && (c.ColorJitter > 0 || c.Lighting > 0) }

// drawColor returns the change of a batch, a pure function of the seed, the epoch and the batch's number in it.
func (c DataConfig) drawColor(seed uint64, epoch, batch, size int) Color {
	rng := rand.New(rand.NewPCG(seed^hashName("color"), uint64(epoch)<<32|uint64(batch)))
	amounts, order, light := make([]float32, 3*size), make([]int32, 3*size), make([]float32, 3*size)
	for i := range size {
		for k, which := range rng.Perm(3) {
			order[3*i+k] = int32(which)
			amounts[3*i+k] = float32((2*rng.Float64() - 1) * c.ColorJitter)
		}
		for k, eigenvalue := range colorEigenvalues {
			a := rng.NormFloat64() * c.Lighting
			for color := range 3 {
				light[3*i+color] += float32(colorVectors[color][k] * eigenvalue * a)
			}
		}
	}
	return Color{
		Amounts: tensors.FromFlatDataAndDimensions(amounts, size, 3),
		Order:   tensors.FromFlatDataAndDimensions(order, size, 3),
		Light:   tensors.FromFlatDataAndDimensions(light, size, 3),
	}
}

// finalize frees the draw.
func (c Color) finalize() {
	c.Amounts.MustFinalizeAll()
	c.Order.MustFinalizeAll()
	c.Light.MustFinalizeAll()
}

// changeColor returns x [batch, height, width, 3], pixels from 0 to 1, with a Color's parts as nodes.
func changeColor(x, amounts, order, light *Node) *Node {
	g, batch := x.Graph(), x.Shape().Dimensions[0]
	weights := ExpandLeftToRank(Const(g, grayWeights[:]), 4)
	for k := range 3 {
		amount := Reshape(Slice(amounts, AxisRange(), AxisRange(k, k+1)), batch, 1, 1, 1)
		which := Reshape(Slice(order, AxisRange(), AxisRange(k, k+1)), batch, 1, 1, 1)
		gray := ReduceAndKeep(Mul(x, weights), ReduceSum, -1)
		is := func(n int32) *Node { return ConvertDType(Equal(which, Scalar(g, which.DType(), n)), x.DType()) }
		toward := Add(Mul(is(1), ReduceAndKeep(gray, ReduceMean, 1, 2)), Mul(is(2), gray))
		x = Add(x, Mul(amount, Sub(toward, x)))
	}
	return Add(x, Reshape(light, batch, 1, 1, 3))
}
