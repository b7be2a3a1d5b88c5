// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// Form names a form of the introspective metric.
type Form string

// The forms of the metric: which factor k the rule of [Metric] has. S is the cosine of a normalized embedding x and a normalized proxy, p the proxy as
// it is, u the uncertainty.
const (
	// Plain is the loss's own distance or similarity: k = 1.
	Plain Form = "plain"
	// Constant is Paper with the batch's mean of β in place of each one, without gradient: it reshapes distances as Paper does and knows nothing of
	// the single image, which tells the two effects apart. The mean is taken over pairs of two images or, for proxies, over images. Ours.
	Constant Form = "constant"
	// Released is what the released code computes by default, for proxies only: 1 − (1−S)·exp(−(‖v‖²+4)/(τ‖x−p‖²)) with τ = 5 and v = u/‖u‖, so that
	// ‖v‖ is 1 and the uncertainty head gets no gradient from the loss.
	Released Form = "released"
	// ReleasedRaw is Released with v = u as the head gives it.
	ReleasedRaw Form = "released-raw"
	// Paper is the introspective metric of the paper (arXiv:2309.09982; its figure and abstract, the text was not at hand): k = exp(−β/(τα)), for a pair
	// with α = ‖s₁−s₂‖ and β = ‖u₁+u₂‖, for proxies, which have no uncertainty, with α the distance of the normalized rows
	// and β = ‖u‖. Sum rather than difference of the uncertainties, and the τ in the exponent (the paper's figure
	// shows exp(−β/α)), are documented choices.
	Paper Form = "paper"
	// Clean exists for classification only, beside Plain and Released, and is Released with proxies that are the classifier's weight without the bias: see
	// [Metric.Logits]. Ours.
	Clean Form = "clean"
)

// Forms lists the forms of retrieval in the order of the tables, LogitForms those of classification.
var (
	Forms      = []Form{Plain, Constant, Released, ReleasedRaw, Paper}
	LogitForms = []Form{Plain, Released, Clean}
)

// ForProxiesOnly tells whether the form, one of retrieval, exists only for losses that compare images with proxies.
func (f Form) ForProxiesOnly() bool { return f == Released || f == ReleasedRaw }

const (
	// smallestSquaredDistance bounds below a squared distance that is divided by or whose root is taken, with gradient 0 below
	// it: in float32, |a|²+|b|²−2ab is often negative for equal rows. Ours: the released code has none.
	smallestSquaredDistance = 1e-6
	// releasedOffset is the constant that the released code adds to ‖v‖². Code: 4.
	releasedOffset = 4.0
)

// Metric is the introspective metric: how semantic distance and uncertainty make the distance that a loss sees.
//
// This is the rule by which a loss becomes introspective. A loss asks [Metric.Pairs] or [Metric.ProxySimilarity] for what it compares, and gets, with a
// factor k in (0, 1] that falls as the uncertainty grows,
//
//	D = αk          in place of the distance α of two images,
//	D² = α²k²       in place of its square, and
//	1 − (1−S)k      in place of the similarity S of two images, or of an image and a proxy.
//
// The form decides on k: see [Form]. Miners and samplers rank by α as it is, without gradient, so that every form learns from the pairs that its plain form
// would. A loss of squared distances to proxies takes them as 2(1−S), which holds for normalized rows, so that it follows the rule for similarities and has
// the released forms too. Without uncertainty, Paper equals Plain.
type Metric struct {
	Form Form `json:"form"`
	// Tau is τ: the larger, the less uncertainty counts. Plain has no use for it.
	Tau float64 `json:"tau"`
}

// Validate returns the first fault of the metric, or nil.
func (m Metric) Validate() error {
	if !slices.Contains(Forms, m.Form) && !slices.Contains(LogitForms, m.Form) {
		return fmt.Errorf("metric.form is %q, want one of %v or, for classification, of %v", m.Form, Forms, LogitForms)
	}
	if !(m.Tau > 0) || math.IsInf(m.Tau, 0) {
		return fmt.Errorf("metric.tau is %v, want above 0", m.Tau)
	}
	return nil
}

// TrainsUncertainty reports whether a loss of retrieval teaches the uncertainty head. In classification all forms but Plain do.
func (m Metric) TrainsUncertainty() bool { return m.Form == Paper || m.Form == ReleasedRaw }

// ProxySimilarity returns the similarities [batch, classes] of embeddings to proxies [classes, dim].
func (m Metric) ProxySimilarity(e Embedding, proxies *Node) *Node {
	cosine := products(normalizeRows(e.Semantic), normalizeRows(proxies))
	if m.Form == Plain {
		return cosine
	}
	return OneMinus(Mul(OneMinus(cosine), m.proxyFactor(e, cosine, proxies)))
}

// proxyFactor returns the factors [batch, classes] in (0, 1] by which uncertainty shrinks the dissimilarity of embeddings to proxies; cosine is
// that of both. Where most are near 0, the loss sees every pair as equal and the semantic head hardly learns.
func (m Metric) proxyFactor(e Embedding, cosine, proxies *Node) *Node {
	u := e.Uncertainty
	switch m.Form {
	case Paper, Constant:
		alpha, beta := Sqrt(clampBelow(MulScalar(OneMinus(cosine), 2))), rootNorm(u) // of rows of length 1, ‖x−p‖² = 2(1−S)
		if m.Form == Constant {
			beta = StopGradient(ReduceAndKeep(beta, ReduceMean, 0))
		}
		return Exp(Neg(Div(beta, MulScalar(alpha, m.Tau))))
	case Released, ReleasedRaw:
		if m.Form == Released {
			u = normalizeRows(u)
		}
		beta := AddScalar(ReduceAndKeep(Square(u), ReduceSum, -1), releasedOffset)
		return Exp(Neg(Div(beta, MulScalar(clampBelow(SquaredDistances(e.Semantic, proxies)), m.Tau))))
	default:
		return OnesLike(cosine)
	}
}

// IntrospectiveDistance is the paper's D(α, β) = α·exp(−β/(τα)) of two numbers; 0 for α = 0, its limit.
func IntrospectiveDistance(alpha, beta, tau float64) float64 {
	if alpha == 0 {
		return 0
	}
	return alpha * math.Exp(-beta/(tau*alpha))
}

// SquaredDistances returns the [n, m] squared Euclidean distances between the rows of x, [n, d], and y, [m, d], as |x|² + |y|² − 2xy: rounding can
// make those of equal rows slightly negative.
func SquaredDistances(x, y *Node) *Node { return squaredDistances(x, y, products(x, y)) }

// squaredDistances is SquaredDistances with the products xy at hand: a gradient through both then multiplies matrices once.
func squaredDistances(x, y, xy *Node) *Node {
	xx := ReduceAndKeep(Square(x), ReduceSum, -1)
	yy := Reshape(ReduceSum(Square(y), -1), 1, y.Shape().Dimensions[0])
	return Sub(Add(xx, yy), MulScalar(xy, 2))
}

// products returns the [n, m] dot products of the rows of x, [n, d], and y, [m, d].
func products(x, y *Node) *Node { return DotGeneral(x, []int{1}, nil, y, []int{1}, nil) }

// clampBelow keeps squared distances at or above 1e-6, with gradient 0 where it holds them. NaN stays NaN.
func clampBelow(d *Node) *Node {
	smallest := Scalar(d.Graph(), d.DType(), smallestSquaredDistance)
	return Where(LessOrEqual(d, smallest), BroadcastToShape(smallest, d.Shape()), d)
}

// positivePart is max(x, 0) with gradient 0 at 0. NaN stays NaN.
func positivePart(x *Node) *Node {
	return Where(LessOrEqual(x, ScalarZero(x.Graph(), x.DType())), ZerosLike(x), x)
}

// rootNorm returns the norms [n, 1] of the rows of x, √(Σx² + 1e-12), whose gradient is finite at 0.
func rootNorm(x *Node) *Node {
	return Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceSum, -1), normalizeEpsilon))
}

// Similarity returns how similar a pair of images is at semantic distance alpha of unit embeddings and uncertainty beta: the cosine S = 1 − α²/2, which
// Paper turns into 1 − (1−S)·exp(−β/(τα)). The other forms leave it the cosine: the released ones exist for proxies only, and the β of Constant is that of a
// batch, which a pair doesn't know.
func (m Metric) Similarity(alpha, beta float64) float64 {
	dissimilarity := alpha * alpha / 2
	if m.Form == Paper && alpha > 0 {
		dissimilarity *= math.Exp(-beta / (m.Tau * alpha))
	}
	return 1 - dissimilarity
}
