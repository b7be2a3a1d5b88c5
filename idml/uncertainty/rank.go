// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"cmp"
	"math"
	"slices"
)

// A ranking is the order of some values, ascending, with equal ones in groups.
type ranking struct {
	order []int // indices of the values
	ends  []int // where each group of equal values ends in order
}

// rank orders values.
func rank(values []float64) ranking {
	r := ranking{order: make([]int, len(values))}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortFunc(r.order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	for at := 1; at <= len(values); at++ {
		if at == len(values) || values[r.order[at]] != values[r.order[at-1]] {
			r.ends = append(r.ends, at)
		}
	}
	return r
}

// groups calls f for each group of equal values, ascending.
func (r ranking) groups(f func(group []int)) {
	start := 0
	for _, end := range r.ends {
		f(r.order[start:end])
		start = end
	}
}

// ones returns n weights of 1: each value once.
func ones(n int) []int {
	w := make([]int, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

// auroc is AUROC of the values of which high is true against the others, value i being there w[i] times; NaN if either has none.
func (r ranking) auroc(high []bool, w []int) float64 {
	var twice, highs, lows int // twice the pairs, so that halves are whole
	r.groups(func(group []int) {
		h, l := 0, 0
		for _, i := range group {
			if high[i] {
				h += w[i]
			} else {
				l += w[i]
			}
		}
		twice += h * (2*lows + l)
		highs, lows = highs+h, lows+l
	})
	if highs == 0 || lows == 0 {
		return math.NaN()
	}
	return float64(twice) / 2 / (float64(highs) * float64(lows))
}

// ranks writes the rank of each value into out, from 1, value i being there w[i] times; equal values share the mean of their ranks.
func (r ranking) ranks(w []int, out []float64) {
	before := 0
	r.groups(func(group []int) {
		count := 0
		for _, i := range group {
			count += w[i]
		}
		for _, i := range group {
			out[i] = float64(before) + float64(count+1)/2
		}
		before += count
	})
}

// pearson returns the correlation of x and y, pair i being there w[i] times; NaN if either is constant.
func pearson(x, y []float64, w []int) float64 {
	var n, mx, my float64
	for i, k := range w {
		n += float64(k)
		mx += float64(k) * x[i]
		my += float64(k) * y[i]
	}
	mx, my = mx/n, my/n
	var xx, yy, xy float64
	for i, k := range w {
		dx, dy := x[i]-mx, y[i]-my
		xx += float64(k) * dx * dx
		yy += float64(k) * dy * dy
		xy += float64(k) * dx * dy
	}
	if xx == 0 || yy == 0 {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}

// AUROC returns the share of pairs of a value of high and one of low in which the former is larger, pairs of equal values counting half: the area under the ROC
// curve. It is not ok if either is empty.
func AUROC(high, low []float64) (value float64, ok bool) {
	all := slices.Concat(high, low)
	v := rank(all).auroc(firstOf(len(high), len(all)), ones(len(all)))
	return v, !math.IsNaN(v)
}

// firstOf marks the first k of n.
func firstOf(k, n int) []bool {
	marks := make([]bool, n)
	for i := range k {
		marks[i] = true
	}
	return marks
}

// leastPairs is the number of pairs below which there is no rank correlation: two are always ±1.
const leastPairs = 3

// Spearman returns the rank correlation of x and y: Pearson's correlation of their ranks, equal values sharing the mean of theirs. It is not ok for fewer than three
// pairs or if either is constant. It panics if the lengths differ.
func Spearman(x, y []float64) (value float64, ok bool) {
	sameLength(len(x), len(y))
	if len(x) < leastPairs {
		return math.NaN(), false
	}
	v := newRankPairs(x, y).correlation(ones(len(x)))
	return v, !math.IsNaN(v)
}

// rankPairs are two rankings of the same things, and room for their ranks.
type rankPairs struct {
	x, y   ranking
	rx, ry []float64
}

func newRankPairs(x, y []float64) rankPairs {
	return rankPairs{rank(x), rank(y), make([]float64, len(x)), make([]float64, len(y))}
}

// correlation is Spearman's, pair i being there w[i] times.
func (p rankPairs) correlation(w []int) float64 {
	p.x.ranks(w, p.rx)
	p.y.ranks(w, p.ry)
	return pearson(p.rx, p.ry, w)
}
