// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"

	. "github.com/gomlx/gomlx/core/graph"
)

// ProxyAnchor takes a learned proxy of each class as the anchor (Kim et al., arXiv:2003.13911):
//
//	1/|P⁺| Σ_{p∈P⁺} log(1 + Σ_{x∈X_p⁺} exp(−α(S(x,p) − δ))) + 1/|P| Σ_p log(1 + Σ_{x∈X_p⁻} exp(α(S(x,p) + δ)))
//
// P⁺ are the proxies of classes in the batch, X_p⁺ the batch's images of p's class and X_p⁻ the others. S is the metric's similarity.
// Paper: Scale α = 32, Margin δ = 0.1.
type ProxyAnchor struct{ Scale, Margin float64 }

// HasProxies is true.
func (ProxyAnchor) HasProxies() bool { return true }

// Samples is false.
func (ProxyAnchor) Samples() bool { return false }

// Value implements Loss.
func (l ProxyAnchor) Value(m Metric, in LossInput) *Node {
	return l.ofSimilarity(m.ProxySimilarity(in.Embedding, in.Proxies), in.Labels)
}

// ofSimilarity returns the loss of similarities [batch, classes] to the proxies.
func (l ProxyAnchor) ofSimilarity(similarity, labels *Node) *Node {
	classes := similarity.Shape().Dimensions[1]
	positive := positives(labels, classes)
	pull := logOnePlusSumExp(MulScalar(AddScalar(similarity, -l.Margin), -l.Scale), positive, 0)
	push := logOnePlusSumExp(MulScalar(AddScalar(similarity, l.Margin), l.Scale), LogicalNot(positive), 0)
	present := ReduceAllSum(ReduceMax(ConvertDType(positive, similarity.DType()), 0))
	return Add(Div(ReduceAllSum(pull), present), DivScalar(ReduceAllSum(push), float64(classes)))
}

func (l ProxyAnchor) validate() error {
	return errors.Join(checkPositive("loss.scale", l.Scale), checkFinite("loss.margin", l.Margin))
}
