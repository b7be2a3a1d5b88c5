// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"math"
	"slices"
)

// ranks returns the rank of each value from 1; equal values share the mean of
// their ranks.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	out := make([]float64, len(values))
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && values[order[end]] == values[order[start]] {
			end++
		}
		for _, i := range order[start:end] {
			out[i] = float64(start+1+end) / 2
		}
		start = end
	}
	return out
}

// spearman returns the rank correlation of x and y, Pearson's correlation of
// their ranks. It is not ok for fewer than three pairs or if either is constant.
func spearman(x, y []float64) (value float64, ok bool) {
	if len(x) < 3 {
		return 0, false
	}
	x, y = ranks(x), ranks(y)
	mean := float64(len(x)+1) / 2
	var xx, yy, xy float64
	for i := range x {
		xx += (x[i] - mean) * (x[i] - mean)
		yy += (y[i] - mean) * (y[i] - mean)
		xy += (x[i] - mean) * (y[i] - mean)
	}
	if xx == 0 || yy == 0 {
		return 0, false
	}
	return xy / math.Sqrt(xx*yy), true
}

// AUROC returns the share of pairs of a value of high and one of low in which
// the former is larger, pairs of equal values counting half: the area under
// the ROC curve (Mann and Whitney's U over the number of pairs). It is not ok if either is empty.
func AUROC(high, low []float64) (value float64, ok bool) {
	if len(high) == 0 || len(low) == 0 {
		return 0, false
	}
	all := ranks(slices.Concat(high, low))
	sum := 0.0
	for _, r := range all[:len(high)] {
		sum += r
	}
	n := float64(len(high))
	return (sum - n*(n+1)/2) / (n * float64(len(low))), true
}
