// SPDX-License-Identifier: Apache-2.0

// Package classify measures classifiers by their logits: how often the right class is among the first, how much it costs in
// cross-entropy, and whether the probabilities are as large as they are right.
//
// [Evaluate] takes a matrix of logits, an image a row and a class a column, with the label of each row, and returns a [Result]. [Top] lists the
// first classes of one image, [Rank] tells the place of a class. All is plain Go and computed in float64.
//
// # Definitions
//
// Classes stand in the order of their logits z, the largest first, equal ones by their number. The rank of class y is therefore a
// number, and no hit depends on how something was sorted:
//
//	rank(y)  = 1 + |{c: z(c) > z(y)}| + |{c < y: z(c) = z(y)}|
//	top@K    = share of the images whose class has a rank of at most K: with fewer than K classes, 1
//	p(c)     = exp(z(c)) / Σ exp(z), the softmax
//	loss     = mean of −ln p(y) over the images, y being the image's class: cross-entropy in nats, by log-sum-exp
//	ece      = Σ over bins of n(bin)/n · |share that is right − mean of p|, p being the probability of the class of rank 1
//
// The expected calibration error is that of Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599): [Bins] bins of
// equal width, ((m−1)/15, m/15]. It depends on the bins and is biased upwards where bins hold few images, so compare it between
// results on equally many images alone.
//
// # What is not a number
//
// A row has a softmax if no logit is NaN or +∞ and one at least is finite. An image whose row has none, as those of a network that diverged, has no
// classes: it is a miss at every K, and loss and ece are NaN. A logit of −∞ is a class of probability 0, and
// the loss of an image of it is +∞.
package classify
