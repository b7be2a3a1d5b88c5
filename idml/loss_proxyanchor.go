// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"
	"fmt"
	"math"

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

// Value implements Loss.
func (l ProxyAnchor) Value(m Metric, e Embedding, labels, proxies *Node) *Node {
	return l.ofSimilarity(m.ProxySimilarity(e, proxies), labels)
}

// ofSimilarity returns the loss of similarities [batch, classes] to the proxies.
func (l ProxyAnchor) ofSimilarity(similarity, labels *Node) *Node {
	classes := similarity.Shape().Dimensions[1]
	positive := positives(labels, classes)
	pull := logOnePlusSumExp(MulScalar(AddScalar(similarity, -l.Margin), -l.Scale), positive)
	push := logOnePlusSumExp(MulScalar(AddScalar(similarity, l.Margin), l.Scale), LogicalNot(positive))
	present := ReduceAllSum(ReduceMax(ConvertDType(positive, similarity.DType()), 0))
	return Add(Div(ReduceAllSum(pull), present), DivScalar(ReduceAllSum(push), float64(classes)))
}

func (l ProxyAnchor) validate() error {
	err := checkPositive("loss.scale", l.Scale)
	if math.IsNaN(l.Margin) || math.IsInf(l.Margin, 0) {
		err = errors.Join(err, fmt.Errorf("loss.margin is %v, want a finite number", l.Margin))
	}
	return err
}
