// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// The quantiles are those of tables of Student's distribution (two-sided, 95 %), with more digits and for broken degrees from SciPy 1.17.1.
func TestTQuantile(t *testing.T) {
	for freedom, want := range map[float64]float64{
		1: 12.706204736174694, 2: 4.302652729749462, 2.5: 3.5746548420036817, 3: 3.1824463052837078, 4: 2.7764451051977934, 9: 2.262157162798205,
		29: 2.045229642132703, 1000: 1.9623390808264083,
	} {
		if got := tQuantile(freedom); !near(got, want, 1e-6) {
			t.Errorf("%v degrees: %v, want %v", freedom, got, want)
		}
	}
}

// The interval of five values from scipy.stats.t.interval, SciPy 1.17.1; that of 1, 2, 3 by hand: 2 ± 4.3027/√3.
func TestTInterval(t *testing.T) {
	for _, test := range []struct {
		values    []float64
		low, high float64
	}{
		{[]float64{0.782, 0.775, 0.79, 0.781, 0.768}, 0.7689835874155223, 0.7894164125844777},
		{[]float64{1, 2, 3}, 2 - 4.302652729749462/math.Sqrt(3), 2 + 4.302652729749462/math.Sqrt(3)},
		{[]float64{0.5, 0.5}, 0.5, 0.5},
	} {
		if got := tInterval(test.values); !near(got.Low, test.low, 1e-9) || !near(got.High, test.high, 1e-9) {
			t.Errorf("%v: %v, want [%v, %v]", test.values, got, test.low, test.high)
		}
	}
	for _, values := range [][]float64{nil, {1}} {
		if got := tInterval(values); got.Exists() {
			t.Errorf("%v has the interval %v", values, got)
		}
	}
}

// From scipy.stats.ttest_ind with equal_var=False, SciPy 1.17.1.
func TestWelchInterval(t *testing.T) {
	a, b := []float64{0.71, 0.74, 0.69, 0.73}, []float64{0.62, 0.70, 0.58}
	low, high := -0.05208431390616164, 0.22041764723949486
	if got := welchInterval(a, b); !near(got.Low, low, 1e-6) || !near(got.High, high, 1e-6) {
		t.Errorf("%v, want [%v, %v]", got, low, high)
	}
	if got := welchInterval(b, a); !near(got.Low, -high, 1e-6) || !near(got.High, -low, 1e-6) {
		t.Errorf("turned round: %v", got)
	}
	if got := welchInterval([]float64{3, 3}, []float64{1, 1}); got != (Interval{2, 2}) {
		t.Errorf("without spread: %v", got)
	}
	if got := welchInterval(a, b[:1]); got.Exists() {
		t.Errorf("with a single value: %v", got)
	}
}

// Of 2,000 samples of five, the interval holds the true mean in 95 %, give or take 4 standard errors of such a count.
func TestTIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	covered := 0
	for range 2000 {
		values := make([]float64, 5)
		for i := range values {
			values[i] = 0.7 + 0.02*rng.NormFloat64()
		}
		if i := tInterval(values); i.Low <= 0.7 && 0.7 <= i.High {
			covered++
		}
	}
	if covered < 1861 || covered > 1939 {
		t.Errorf("the mean is in %d of 2000 intervals, want 1900 ± 39", covered)
	}
}

func TestDeviation(t *testing.T) {
	if got := deviation([]float64{1, 2, 4}); !near(got, math.Sqrt(7.0/3), 1e-12) {
		t.Errorf("%v, want √(7/3)", got)
	}
	if !math.IsNaN(deviation([]float64{1})) || !math.IsNaN(mean(nil)) {
		t.Error("a deviation of one value, or a mean of none")
	}
}
