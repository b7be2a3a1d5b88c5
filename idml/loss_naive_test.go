// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
)

// naiveBatch is what a loss judges, in float64: the losses are stated once more, as plain loops, on it.
type naiveBatch struct {
	s, u, p, uniform [][]float64 // semantic, uncertainty, proxies, random numbers
	labels           []int32
}

func float64Rows(x [][]float32) [][]float64 {
	rows := make([][]float64, len(x))
	for i, row := range x {
		rows[i] = make([]float64, len(row))
		for j, v := range row {
			rows[i][j] = float64(v)
		}
	}
	return rows
}

// square returns an [n, n] matrix of f.
func square(n int, f func(i, j int) float64) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n)
		for j := range rows[i] {
			rows[i][j] = f(i, j)
		}
	}
	return rows
}

type naivePair struct{ alpha, distance, squared, similarity [][]float64 }

// naivePairs states Metric.Pairs. What has no gradient, the mean β of the constant form, is taken from the batch fixed: differences leave it alone.
func naivePairs(m Metric, fixed, b naiveBatch) (p naivePair) {
	n := len(b.s)
	beta := func(b naiveBatch, i, j int) float64 {
		return math.Sqrt(max(squared(b.u[i], b.u[j], 1), 0) + normalizeEpsilon)
	}
	var mean float64
	for i := range n {
		for j := range n {
			if i != j && m.Form == Constant {
				mean += beta(fixed, i, j) / float64(n*(n-1))
			}
		}
	}
	p.alpha = square(n, func(i, j int) float64 { return math.Sqrt(max(squared(b.s[i], b.s[j], -1), smallestSquaredDistance)) })
	k := square(n, func(i, j int) float64 {
		switch m.Form {
		case Paper:
			return math.Exp(-beta(b, i, j) / (m.Tau * p.alpha[i][j]))
		case Constant:
			return math.Exp(-mean / (m.Tau * p.alpha[i][j]))
		}
		return 1
	})
	p.distance = square(n, func(i, j int) float64 { return p.alpha[i][j] * k[i][j] })
	p.squared = square(n, func(i, j int) float64 { return p.distance[i][j] * p.distance[i][j] })
	p.similarity = square(n, func(i, j int) float64 { return 1 - (1-dot(b.s[i], b.s[j]))*k[i][j] })
	return p
}

// naiveProxySimilarities states Metric.ProxySimilarity; fixed as in naivePairs.
func naiveProxySimilarities(m Metric, fixed, b naiveBatch) [][]float64 {
	var mean float64
	for _, u := range fixed.u {
		mean += math.Sqrt(dot(u, u)) / float64(len(fixed.u))
	}
	rows := make([][]float64, len(b.s))
	for i, x := range b.s {
		for _, p := range b.p {
			k := naiveProxyFactor(m, x, b.u[i], p, mean)
			rows[i] = append(rows[i], 1-(1-dot(unit(x), unit(p)))*k)
		}
	}
	return rows
}

// A sum is a mean of terms above 0 in the making.
type sum struct{ total, count float64 }

func (s *sum) addAboveZero(x float64) {
	if x > 0 {
		s.total, s.count = s.total+x, s.count+1
	}
}

func (s *sum) add(x float64) { s.total, s.count = s.total+x, s.count+1 }

func (s *sum) mean() float64 { return s.total / max(s.count, 1) }

// others calls f with each image of the label's class but i, and with each of another class.
func (b naiveBatch) others(i int, f func(j int, positive bool)) {
	for j := range b.labels {
		if j != i {
			f(j, b.labels[j] == b.labels[i])
		}
	}
}

func naiveContrastive(l Contrastive, m Metric, fixed, b naiveBatch) float64 {
	p := naivePairs(m, fixed, b)
	var pull, push sum
	for i := range b.labels {
		b.others(i, func(j int, positive bool) {
			switch d := p.distance[i][j]; {
			case !positive:
				push.addAboveZero(l.Margin - d)
			case squared(b.s[i], b.s[j], -1) > smallestSquaredDistance:
				pull.addAboveZero(d - l.PositiveMargin)
			}
		})
	}
	return pull.mean() + push.mean()
}

func naiveTriplet(l Triplet, m Metric, fixed, b naiveBatch) float64 {
	mine, p := naivePairs(m, fixed, fixed), naivePairs(m, fixed, b)
	var s sum
	for a := range b.labels {
		b.others(a, func(i int, positive bool) {
			if !positive {
				return
			}
			b.others(a, func(n int, positive bool) {
				if gap := mine.alpha[a][n] - mine.alpha[a][i]; !positive && gap > 0 && gap <= l.Margin {
					s.addAboveZero(p.distance[a][i] - p.distance[a][n] + l.Margin)
				}
			})
		})
	}
	return s.mean()
}

// naiveWeights are the sampling weights of an anchor's negatives, of sum 1, or all 0.
func naiveWeights(l Margin, alpha []float64, negative func(j int) bool, dim int) []float64 {
	weights, logs, total, top := make([]float64, len(alpha)), make([]float64, len(alpha)), 0.0, math.Inf(-1)
	for j, x := range alpha {
		logs[j] = math.Inf(-1)
		if d := max(x, l.Cutoff); negative(j) && d < l.FarCutoff && d < 2 {
			logs[j] = -(float64(dim-2)*math.Log(d) + float64(dim-3)/2*math.Log(1-d*d/4))
			top = max(top, logs[j])
		}
	}
	for j := range weights {
		if !math.IsInf(logs[j], -1) {
			weights[j] = math.Exp(logs[j] - top)
			total += weights[j]
		}
	}
	for j := range weights {
		weights[j] /= max(total, math.SmallestNonzeroFloat64)
	}
	return weights
}

func naiveMargin(l Margin, m Metric, fixed, b naiveBatch) float64 {
	mine, p := naivePairs(m, fixed, fixed), naivePairs(m, fixed, b)
	var terms sum
	for a := range b.labels {
		weights := naiveWeights(l, mine.alpha[a], func(j int) bool { return b.labels[j] != b.labels[a] }, len(b.s[0]))
		b.others(a, func(i int, positive bool) {
			cumulated := 0.0
			for n, w := range weights {
				if cumulated += w; positive && w > 0 && cumulated > b.uniform[a][i] {
					terms.addAboveZero(p.distance[a][i] - l.Boundary + l.Margin)
					terms.addAboveZero(l.Boundary - p.distance[a][n] + l.Margin)
					return
				}
			}
		})
	}
	return terms.mean()
}

func naiveMultiSimilarity(l MultiSimilarity, m Metric, fixed, b naiveBatch) float64 {
	mine, p := naivePairs(m, fixed, fixed), naivePairs(m, fixed, b)
	var loss sum
	for a := range b.labels {
		plain := func(j int) float64 { return 1 - mine.alpha[a][j]*mine.alpha[a][j]/2 }
		nearest, farthest := math.Inf(-1), math.Inf(1)
		b.others(a, func(j int, positive bool) {
			if positive {
				farthest = min(farthest, plain(j))
			} else {
				nearest = max(nearest, plain(j))
			}
		})
		pull, push := 0.0, 0.0
		b.others(a, func(j int, positive bool) {
			switch s := p.similarity[a][j] - l.Base; {
			case positive && plain(j)-l.Epsilon < nearest:
				pull += math.Exp(-l.PositiveScale * s)
			case !positive && plain(j)+l.Epsilon > farthest:
				push += math.Exp(l.Scale * s)
			}
		})
		loss.add(math.Log1p(pull)/l.PositiveScale + math.Log1p(push)/l.Scale)
	}
	return loss.mean()
}

func naiveFastAP(l FastAP, m Metric, fixed, b naiveBatch) float64 {
	p := naivePairs(m, fixed, b)
	var loss sum
	for a := range b.labels {
		found, all, positives := make([]float64, l.Bins+1), make([]float64, l.Bins+1), 0.0
		b.others(a, func(j int, positive bool) {
			for bin := range all {
				pulse := max(0, 1-math.Abs(p.squared[a][j]*float64(l.Bins)/4-float64(bin)))
				all[bin] += pulse
				if positive {
					found[bin] += pulse
				}
			}
			if positive {
				positives++
			}
		})
		if positives == 0 {
			continue
		}
		var foundSum, allSum, precision float64
		for bin := range all {
			foundSum, allSum = foundSum+found[bin], allSum+all[bin]
			if found[bin] > 0 {
				precision += found[bin] * foundSum / allSum
			}
		}
		loss.add(1 - precision/positives)
	}
	return loss.mean()
}

func naiveProxyNCA(l ProxyNCA, m Metric, fixed, b naiveBatch) float64 {
	var loss sum
	for i, row := range naiveProxySimilarities(m, fixed, b) {
		own, all := 0.0, 0.0
		for k, s := range row {
			e := math.Exp(-l.Scale * 2 * (1 - s))
			all += e
			if int(b.labels[i]) == k {
				own = e
			}
		}
		loss.add(-math.Log(own / all))
	}
	return loss.mean()
}
