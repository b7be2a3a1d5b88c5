// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"introspection/idml/uncertainty"
)

// BootstrapOptions say how intervals are found by resampling.
type BootstrapOptions struct {
	// Resamples is the number of resamples.
	Resamples int
	// Seed decides them: the same seed gives the same intervals.
	Seed uint64
}

// DefaultBootstrap returns 2,000 resamples, so that 50 lie beyond either end of a 95 % interval. Ours.
func DefaultBootstrap() BootstrapOptions { return BootstrapOptions{Resamples: 2000, Seed: 0} }

// Validate returns an error unless there are enough resamples to have both ends of an interval.
func (o BootstrapOptions) Validate() error {
	if least := int(math.Ceil(2 / (1 - Confidence))); o.Resamples < least {
		return fmt.Errorf("%d resamples, want at least %d", o.Resamples, least)
	}
	return nil
}

// bootstrapQueries returns the percentile interval (Efron 1979) of the means of x, [queries][columns], over resamples of the queries: as many as there are, drawn
// with replacement, the same for all columns. It is what the mean could have been on other images of the same classes, if images were independent.
func bootstrapQueries(x [][]float64, o BootstrapOptions) []Interval {
	if len(x) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	columns := len(x[0])
	flat := slices.Concat(x...) // one block of memory, for speed
	means := make([][]float64, columns)
	sums := make([]float64, columns)
	for range o.Resamples {
		clear(sums)
		for range x {
			i := rng.IntN(len(x)) * columns
			for k, v := range flat[i : i+columns] {
				sums[k] += v
			}
		}
		for k, sum := range sums {
			means[k] = append(means[k], sum/float64(len(x)))
		}
	}
	return percentileIntervals(means)
}

// bootstrapClasses is bootstrapQueries with whole classes drawn, as many as there are: what the mean could have been on other classes. Images of a class are
// right and wrong together, so this interval is often much wider, and it is the one that speaks of unseen classes. class numbers each query's class from 0.
func bootstrapClasses(x [][]float64, class []int, o BootstrapOptions) []Interval {
	if len(x) == 0 {
		return nil
	}
	columns, classes := len(x[0]), slices.Max(class)+1
	sums, counts := make([][]float64, classes), make([]int, classes)
	for i, row := range x {
		if sums[class[i]] == nil {
			sums[class[i]] = make([]float64, columns)
		}
		counts[class[i]]++
		for k, v := range row {
			sums[class[i]][k] += v
		}
	}
	rng := rand.New(rand.NewPCG(o.Seed, 2))
	means := make([][]float64, columns)
	for range o.Resamples {
		total, n := make([]float64, columns), 0
		for range classes {
			c := rng.IntN(classes)
			n += counts[c]
			for k, v := range sums[c] {
				total[k] += v
			}
		}
		for k, sum := range total {
			means[k] = append(means[k], sum/float64(n))
		}
	}
	return percentileIntervals(means)
}

// percentileIntervals returns the interval of each list: see [uncertainty.Percentiles].
func percentileIntervals(lists [][]float64) []Interval {
	var out []Interval
	for _, list := range lists {
		low, high := uncertainty.Percentiles(list)
		out = append(out, Interval{low, high})
	}
	return out
}
