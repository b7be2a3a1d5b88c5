// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"introspection/idml/uncertainty"
)

// Confidence is the confidence of all intervals.
const Confidence = uncertainty.Confidence

// An Interval is a 95 % confidence interval. Which one, and of what, the function or the field says that has it.
type Interval struct{ Low, High float64 }

// noInterval is what stands where there is none, as for a single seed.
var noInterval = Interval{math.NaN(), math.NaN()}

// Exists tells whether there is an interval.
func (i Interval) Exists() bool { return !math.IsNaN(i.Low) }

// mean returns the mean, NaN of nothing.
func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// deviation returns the sample standard deviation, the one that divides by n − 1; NaN of fewer than two values.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	m := mean(values)
	var sum float64
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// tQuantile returns the t by which Student's distribution of some degrees of freedom lies within ±t with probability Confidence.
func tQuantile(freedom float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(0.5 + Confidence/2)
}

// tInterval returns the interval of the mean of values that were drawn independently from one normal distribution, such as a metric over seeds:
//
//	mean ± t·s/√n, with s the sample standard deviation and t the quantile of Student's distribution with n − 1 degrees of freedom
func tInterval(values []float64) Interval {
	n := len(values)
	if n < 2 {
		return noInterval
	}
	half := tQuantile(float64(n-1)) * deviation(values) / math.Sqrt(float64(n))
	m := mean(values)
	return Interval{m - half, m + half}
}

// welchInterval returns the interval of mean(a) − mean(b) of two independent samples, whose variances may differ (Welch 1947):
//
//	mean(a) − mean(b) ± t·√(va + vb), va = s²(a)/n(a), vb likewise, with (va + vb)² / (va²/(n(a)−1) + vb²/(n(b)−1)) degrees of freedom
func welchInterval(a, b []float64) Interval {
	if len(a) < 2 || len(b) < 2 {
		return noInterval
	}
	square := func(x float64) float64 { return x * x }
	va, vb := square(deviation(a))/float64(len(a)), square(deviation(b))/float64(len(b))
	difference := mean(a) - mean(b)
	if va+vb == 0 {
		return Interval{difference, difference}
	}
	freedom := square(va+vb) / (square(va)/float64(len(a)-1) + square(vb)/float64(len(b)-1))
	half := tQuantile(freedom) * math.Sqrt(va+vb)
	return Interval{difference - half, difference + half}
}
