// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"math"
	"slices"
)

// ErrorAUROC returns the AUROC of the scores of images whose answer is wrong against those whose answer is right. It panics if the lengths differ.
func ErrorAUROC(scores []float64, wrong []bool, b Bootstrap) Estimate {
	sameLength(len(scores), len(wrong))
	r := rank(scores)
	return b.estimate(len(scores), b.images(len(scores)), func(w []int) float64 { return r.auroc(wrong, w) })
}

// CopiesAUROC returns the AUROC of the scores of changed copies of images, such as corrupted ones, against those of the images themselves: changed[i] is the copy of
// image i. An image is drawn with its copy. It panics if the lengths differ.
func CopiesAUROC(changed, clean []float64, b Bootstrap) Estimate {
	sameLength(len(changed), len(clean))
	return b.auroc(changed, clean, b.images(len(clean)))
}

// OthersAUROC returns the AUROC of the scores of some images against those of other ones. Of single images, either are drawn by themselves. Classes are those of high,
// then those of low; where both have a class in common, as if they are parts of one dataset, a class is drawn with its images of either, else either by themselves.
func OthersAUROC(high, low []float64, b Bootstrap) Estimate {
	if len(high) == 0 || len(low) == 0 {
		return None()
	}
	d := apart(len(high), together(len(high)), together(len(low)))
	if b.Classes != nil {
		sameLength(len(b.Classes), len(high)+len(low))
		first, rest := b.Classes[:len(high)], b.Classes[len(high):]
		d = apart(len(high), inClasses(first), inClasses(rest))
		_, some := numbered(first)
		_, others := numbered(rest)
		if _, all := numbered(b.Classes); all < some+others { // they have some in common
			d = inClasses(b.Classes)
		}
	}
	return b.auroc(high, low, d)
}

func (b Bootstrap) auroc(high, low []float64, d draw) Estimate {
	all := slices.Concat(high, low)
	r, marks := rank(all), firstOf(len(high), len(all))
	return b.estimate(len(all), d, func(w []int) float64 { return r.auroc(marks, w) })
}

// SpearmanEstimate returns [Spearman]'s rank correlation of scores and a quantity of the same images. It panics if the lengths differ.
func SpearmanEstimate(scores, quantity []float64, b Bootstrap) Estimate {
	sameLength(len(scores), len(quantity))
	if len(scores) < leastPairs {
		return None()
	}
	p := newRankPairs(scores, quantity)
	return b.estimate(len(scores), b.images(len(scores)), p.correlation)
}

// Growth returns the share of steps at which an image's score grows, equal ones counting half. levels[s][i] is the score of image i at strength s, that of the
// untouched image first. It panics if the lengths differ.
func Growth(levels [][]float64, b Bootstrap) Estimate {
	if len(levels) < 2 {
		return None()
	}
	n := len(levels[0])
	twice := make([]int, n) // twice the steps at which each image's score grows
	for s := 1; s < len(levels); s++ {
		sameLength(len(levels[s]), n)
		for i, v := range levels[s] {
			switch before := levels[s-1][i]; {
			case v > before:
				twice[i] += 2
			case v == before:
				twice[i]++
			}
		}
	}
	return b.estimate(n, b.images(n), func(w []int) float64 {
		sum, count := 0, 0
		for i, k := range w {
			sum, count = sum+k*twice[i], count+k
		}
		return float64(sum) / float64(2*count*(len(levels)-1))
	})
}

// Norms returns ‖x‖ of each row.
func Norms(rows [][]float32) []float64 {
	norms := make([]float64, len(rows))
	for i, row := range rows {
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		norms[i] = math.Sqrt(sum)
	}
	return norms
}

// MeanBetas returns for each row of u the mean of β = ‖u + v‖ over its neighbors, the listed rows of v; NaN for one that has none. It panics if the lengths differ.
func MeanBetas(u, v [][]float32, neighbors [][]int) []float64 {
	sameLength(len(u), len(neighbors))
	means := make([]float64, len(u))
	for i, list := range neighbors {
		total := 0.0
		for _, j := range list {
			sum := 0.0
			for k, x := range u[i] {
				d := float64(x) + float64(v[j][k])
				sum += d * d
			}
			total += math.Sqrt(sum)
		}
		means[i] = total / float64(len(list))
	}
	return means
}

// CenterDistances returns the distance of each row to the mean of the other rows of its class; NaN for one that is alone in its class. With itself in the mean, the
// distance would be (m−1)/m of that, in a class of m. It panics if the lengths differ.
func CenterDistances(rows [][]float32, labels []int) []float64 {
	sameLength(len(rows), len(labels))
	sums, counts := map[int][]float64{}, map[int]int{}
	for i, row := range rows {
		sum := sums[labels[i]]
		if sum == nil {
			sum = make([]float64, len(row))
			sums[labels[i]] = sum
		}
		for k, v := range row {
			sum[k] += float64(v)
		}
		counts[labels[i]]++
	}
	distances := make([]float64, len(rows))
	for i, row := range rows {
		sum, others := sums[labels[i]], float64(counts[labels[i]]-1)
		total := 0.0
		for k, v := range row {
			d := float64(v) - (sum[k]-float64(v))/others // 0/0 if there are no others
			total += d * d
		}
		distances[i] = math.Sqrt(total)
	}
	return distances
}
