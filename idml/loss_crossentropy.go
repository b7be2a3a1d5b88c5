// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// CrossEntropyName is the name of the loss of classification.
const CrossEntropyName = "cross-entropy"

// CrossEntropy is the loss of a classifier, the mean over images of −Σ q·log softmax(z), where z are the logits of [Metric.Logits] and q is 1 for the label, or, with
// smoothing ε, 1−ε for the label and ε/classes more for each class (Szegedy et al., arXiv:1512.00567). The metric changes the logits of training alone.
type CrossEntropy struct {
	// Smoothing is ε, from 0 to below 1. Code: 0.
	Smoothing float64
}

// HasProxies is true: the rows of the classifier's weight are what images are compared with.
func (CrossEntropy) HasProxies() bool { return true }

// Samples is false.
func (CrossEntropy) Samples() bool { return false }

func (l CrossEntropy) validate() error {
	if !(l.Smoothing >= 0 && l.Smoothing < 1) {
		return fmt.Errorf("loss.smoothing is %v, want from 0 to below 1", l.Smoothing)
	}
	return nil
}

// Value returns the loss. LossInput.Proxies are the classifier's weight, and LossInput.Bias its bias.
func (l CrossEntropy) Value(m Metric, in LossInput) *Node {
	logits := m.Logits(in.Embedding, in.Proxies, in.Bias)
	logProbabilities := LogSoftmax(logits, -1)
	classes := logits.Shape().Dimensions[1]
	// Where, not a product: a logit of −∞ has no part in the sum of the other classes.
	own := Where(positives(in.Labels, classes), logProbabilities, ZerosLike(logProbabilities))
	loss := Neg(ReduceAllMean(ReduceSum(own, -1)))
	if l.Smoothing == 0 {
		return loss
	}
	uniform := Neg(ReduceAllMean(logProbabilities))
	return Add(MulScalar(loss, 1-l.Smoothing), MulScalar(uniform, l.Smoothing))
}

// Logits returns the logits [batch, classes] that a classifier of weight [classes, dim] and bias [classes] is trained by. With f = x·Wᵀ + b, the plain logits, which are
// the test's in every form,
//
//	z = 1 − (1−f)·exp(−‖u‖²/(τ‖x−p‖²))
//
// where x are the features, u the uncertainty (behind a ReLU in the recipes), and p_k = W_k in Clean, W_k + b_k, the bias added to every coordinate, in Released. Code:
// Released, with τ = 5.
func (m Metric) Logits(e Embedding, weight, bias *Node) *Node {
	f := linear(e.Semantic, weight, bias)
	if m.Form == Plain {
		return f
	}
	return OneMinus(Mul(OneMinus(f), m.logitFactor(e, weight, bias)))
}

// logitFactor returns the factors exp(−…) [batch, classes] of Logits.
func (m Metric) logitFactor(e Embedding, weight, bias *Node) *Node {
	p := weight
	if m.Form == Released {
		p = Add(weight, InsertAxes(bias, 1))
	}
	distance := clampBelow(SquaredDistances(e.Semantic, p))
	return Exp(Neg(Div(ReduceAndKeep(Square(e.Uncertainty), ReduceSum, -1), MulScalar(distance, m.Tau))))
}
