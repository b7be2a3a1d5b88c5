// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"math"
	"slices"
)

// A Reject is what rejecting images by their scores comes to: the images with the largest scores go first. See the package comment.
type Reject struct {
	// Error is the share of all images that is wrong: where the curve begins, and the area of a random order.
	Error Estimate `json:"error"`
	// Area is the mean, over all numbers of images kept, of the error of those kept. Perfect is that of the order that rejects what is wrong first.
	Area    Estimate `json:"area"`
	Perfect Estimate `json:"perfect"`
	// Gain is (Error − Area)/(Error − Perfect): 1 for the perfect order, 0 for a random one. There is none if all are right or all are wrong.
	Gain Estimate `json:"gain"`
	// Curve is the error of those kept, by the share rejected, from 0 on.
	Curve []RejectPoint `json:"curve"`
}

// A RejectPoint is the error of the images kept where a share of all is rejected.
type RejectPoint struct {
	Rejected float64  `json:"rejected"`
	Error    Estimate `json:"error"`
}

// NewReject measures the rejection of images by their scores, with a curve of so many points: the first rejects none, and each a share of 1/points more. It panics if
// the lengths differ or points < 1.
func NewReject(scores []float64, wrong []bool, points int, b Bootstrap) Reject {
	sameLength(len(scores), len(wrong))
	if points < 1 {
		panic("uncertainty: a curve without points")
	}
	r, n := rank(scores), len(scores)
	kept := make([]float64, n) // the error of the first 1, 2, … images
	list := b.estimates(n, b.images(n), 4+points, func(w []int, out []float64) {
		m := 0 // images in the resample: n, but for classes of unequal size
		for _, k := range w {
			m += k
		}
		kept = slices.Grow(kept[:0], m)[:m]
		r.keptErrors(wrong, w, kept)
		whole := kept[m-1]
		area, perfect := average(kept), perfectArea(int(math.Round(whole*float64(m))), m)
		out[0], out[1], out[2], out[3] = whole, area, perfect, math.NaN()
		if whole > perfect {
			out[3] = (whole - area) / (whole - perfect)
		}
		for k := range points {
			out[4+k] = kept[keptOf(k, points, m)-1]
		}
	})
	result := Reject{Error: list[0], Area: list[1], Perfect: list[2], Gain: list[3]}
	for k := range points {
		if n > 0 {
			result.Curve = append(result.Curve, RejectPoint{1 - float64(keptOf(k, points, n))/float64(n), list[4+k]})
		}
	}
	return result
}

// keptOf returns how many of n images are kept at point k: at least one.
func keptOf(k, points, n int) int {
	return max(1, n-int(math.Round(float64(n)*float64(k)/float64(points))))
}

// keptErrors writes into out[k−1] the error of the k images with the smallest values, image i being there w[i] times, len(out) of them in all: the mean over all orders of
// images with equal values.
func (r ranking) keptErrors(wrong []bool, w []int, out []float64) {
	before, errors := 0, 0
	r.groups(func(group []int) {
		count, bad := 0, 0
		for _, i := range group {
			count += w[i]
			if wrong[i] {
				bad += w[i]
			}
		}
		for c := 1; c <= count; c++ {
			out[before+c-1] = (float64(errors) + float64(bad)*float64(c)/float64(count)) / float64(before+c)
		}
		before, errors = before+count, errors+bad
	})
}

// perfectArea is the area of the order of n images that has the wrong ones last.
func perfectArea(wrong, n int) float64 {
	sum := 0.0
	for k := n - wrong + 1; k <= n; k++ {
		sum += float64(k-(n-wrong)) / float64(k)
	}
	return sum / float64(n)
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
