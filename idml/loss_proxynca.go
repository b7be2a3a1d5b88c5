// SPDX-License-Identifier: Apache-2.0

package idml

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// ProxyNCAScale multiplies squared distances. Code: 32. Paper (arXiv:1703.07464): none, that is 1.
const ProxyNCAScale = 32.0

// ProxyNCA classifies an image by its squared distances d² to the classes' proxies (Movshovitz-Attias et al., arXiv:1703.07464):
//
//	mean over images x of −log( exp(−σd²(x, p_y)) / Σ_p exp(−σd²(x, p)) ),  d² = 2(1 − S)
//
// for rows x and p of length 1, whose similarity S is the metric's. The sum has the image's own class, as in pytorch-metric-learning; the paper leaves it out.
type ProxyNCA struct{ Scale float64 }

// HasProxies is true.
func (ProxyNCA) HasProxies() bool { return true }

// Samples is false.
func (ProxyNCA) Samples() bool { return false }

// Value implements Loss.
func (l ProxyNCA) Value(m Metric, in LossInput) *Node {
	logits := MulScalar(m.ProxySimilarity(in.Embedding, in.Proxies), 2*l.Scale) // −σd² but for a constant
	own := positives(in.Labels, in.Proxies.Shape().Dimensions[0])
	return Neg(ReduceAllMean(ReduceSum(Where(own, LogSoftmax(logits), ZerosLike(logits)), 1)))
}

func (l ProxyNCA) validate() error { return checkPositive("loss.scale", l.Scale) }
