// SPDX-License-Identifier: Apache-2.0

package idml

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Pairs are the distances of all images of a batch from each other, [batch, batch] each, as a loss takes them. The diagonal pairs an image with itself
// and means nothing.
type Pairs struct {
	// Alpha are the plain Euclidean distances, at least 1e-3 and without gradient: what miners and samplers rank by.
	Alpha *Node
	// Equal is true where two rows are equal up to rounding, α² ≤ 1e-6. No gradient passes through Distance and SquaredDistance there.
	Equal *Node
	// Distance, SquaredDistance and Similarity follow the rule of [Metric]. Plain's are α, α² and the dot product, the cosine of rows of length 1.
	Distance, SquaredDistance, Similarity *Node
}

// Pairs returns the distances of a batch's images. The released forms exist for proxies only: asking for them panics.
func (m Metric) Pairs(e Embedding) Pairs {
	if m.Form.ForProxiesOnly() {
		exceptions.Panicf("idml: form %q has no distance between two images: it exists for proxies only", m.Form)
	}
	x := e.Semantic
	product := products(x, x)
	squared := squaredDistances(x, x, product)
	bounded := clampBelow(squared)
	alpha := Sqrt(bounded)
	p := Pairs{
		Alpha: StopGradient(alpha), Equal: LessOrEqual(squared, Scalar(x.Graph(), x.DType(), smallestSquaredDistance)),
		Distance: alpha, SquaredDistance: bounded, Similarity: product,
	}
	if m.Form == Plain {
		return p
	}
	k := m.pairFactor(e, alpha)
	p.Distance = Mul(alpha, k)
	p.SquaredDistance = Square(p.Distance)
	p.Similarity = OneMinus(Mul(OneMinus(p.Similarity), k))
	return p
}

// pairFactor returns the factors exp(−β/(τα)), [batch, batch], of pairs at the distances alpha, in the forms Paper and Constant.
func (m Metric) pairFactor(e Embedding, alpha *Node) *Node {
	sum := SquaredDistances(e.Uncertainty, Neg(e.Uncertainty)) // ‖u₁+u₂‖²
	beta := Sqrt(AddScalar(positivePart(sum), normalizeEpsilon))
	if m.Form == Constant {
		n := beta.Shape().Dimensions[0]
		beta = StopGradient(MaskedReduceAllMean(beta, LogicalNot(Diagonal(beta.Graph(), n))))
	}
	return Exp(Neg(Div(beta, MulScalar(alpha, m.Tau))))
}
