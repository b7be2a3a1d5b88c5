// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Bins is the number of bins of the calibration error. Paper (arXiv:1706.04599): 15.
const Bins = 15

// A Class is a class of an image with its softmax probability.
type Class struct {
	Label       int
	Probability float64
}

// Top returns the k classes with the largest logits, the first first, or all if there are fewer; nil for a row without a softmax. It panics if k < 1.
func Top(logits []float32, k int) []Class {
	if k < 1 {
		panic(fmt.Sprintf("classify: top %d", k))
	}
	sum, ok := logSum(logits)
	if !ok {
		return nil
	}
	order := make([]int, len(logits))
	for c := range order {
		order[c] = c
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b)) })
	list := make([]Class, min(k, len(order)))
	for i := range list {
		list[i] = Class{order[i], math.Exp(float64(logits[order[i]]) - sum)}
	}
	return list
}

// Rank returns the rank of a class, from 1; 0 for a row without a softmax, so that nothing is right there. It panics if the row has no such class.
func Rank(logits []float32, label int) int {
	_ = logits[label]
	if _, ok := logSum(logits); !ok {
		return 0
	}
	return rank(logits, label)
}

// rank is Rank of a row with a softmax.
func rank(logits []float32, label int) int {
	own, place := logits[label], 1
	for c, z := range logits {
		if z > own || z == own && c < label {
			place++
		}
	}
	return place
}

// logSum returns ln Σ exp(z), which overflows nowhere, and whether the row has a softmax.
func logSum(logits []float32) (float64, bool) {
	most := math.Inf(-1)
	for _, z := range logits {
		if z != z || z > math.MaxFloat32 { // NaN or +∞
			return math.NaN(), false
		}
		most = max(most, float64(z))
	}
	if math.IsInf(most, -1) {
		return math.NaN(), false
	}
	sum := 0.0
	for _, z := range logits {
		sum += math.Exp(float64(z) - most)
	}
	return most + math.Log(sum), true
}
