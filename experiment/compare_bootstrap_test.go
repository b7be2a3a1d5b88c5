// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// column makes a matrix of one column.
func column(values ...float64) (x [][]float64) {
	for _, v := range values {
		x = append(x, []float64{v})
	}
	return x
}

// allMeans returns the means of all resamples of n things out of n, each of which has a sum and a count.
func allMeans(sums []float64, counts []int) []float64 {
	n := len(sums)
	var means []float64
	choice := make([]int, n)
	for {
		sum, count := 0.0, 0
		for _, c := range choice {
			sum += sums[c]
			count += counts[c]
		}
		means = append(means, sum/float64(count))
		i := 0
		for ; i < n; i++ {
			if choice[i]++; choice[i] < n {
				break
			}
			choice[i] = 0
		}
		if i == n {
			return means
		}
	}
}

// Six queries have 6⁶ resamples, three classes 27: the middle 95 % of all of them is what the bootstrap draws from.
func TestBootstrapAgainstAllResamples(t *testing.T) {
	values := []float64{0.9, -0.3, 0.31, 0.02, 0.57, -0.11}
	o := BootstrapOptions{Resamples: 40000, Seed: 3}
	exact := allMeans(values, []int{1, 1, 1, 1, 1, 1})
	slices.Sort(exact)
	want := Interval{exact[int(0.025*float64(len(exact)))], exact[int(0.975*float64(len(exact)))]}
	if got := bootstrapQueries(column(values...), o)[0]; !near(got.Low, want.Low, 0.01) || !near(got.High, want.High, 0.01) {
		t.Errorf("queries: %v, of all resamples %v", got, want)
	}

	class := []int{0, 0, 0, 1, 1, 2}
	exact = allMeans([]float64{0.9 - 0.3 + 0.31, 0.02 + 0.57, -0.11}, []int{3, 2, 1})
	slices.Sort(exact)
	// The least and the greatest of the 27 means come up in 1/27 > 2.5 % of the resamples each.
	want = Interval{exact[0], exact[26]}
	if got := bootstrapClasses(column(values...), class, o)[0]; !near(got.Low, want.Low, 1e-12) || !near(got.High, want.High, 1e-12) {
		t.Errorf("classes: %v, of all resamples %v", got, want)
	}
}

// Images of a class are right and wrong together. Then the interval over classes holds the true mean about as often as it says, and that over queries
// far less often; where images are independent, both do.
func TestBootstrapCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const classes, perClass, samples = 40, 8, 300
	for _, test := range []struct {
		name                 string
		spread               float64 // of the classes' own means
		queriesMin, queryMax int
	}{{"independent images", 0, 270, 300}, {"images that go with their class", 1.5, 0, 230}} {
		byQuery, byClass := 0, 0
		for sample := range samples {
			var x [][]float64
			var class []int
			for c := range classes {
				shift := test.spread * rng.NormFloat64()
				for range perClass {
					x, class = append(x, []float64{0.25 + shift + rng.NormFloat64()}), append(class, c)
				}
			}
			o := BootstrapOptions{Resamples: 400, Seed: uint64(sample)}
			if i := bootstrapQueries(x, o)[0]; i.Low <= 0.25 && 0.25 <= i.High {
				byQuery++
			}
			if i := bootstrapClasses(x, class, o)[0]; i.Low <= 0.25 && 0.25 <= i.High {
				byClass++
			}
		}
		t.Logf("%s: the mean is in %d of %d intervals over queries, %d over classes", test.name, byQuery, samples, byClass)
		if byQuery < test.queriesMin || byQuery > test.queryMax || byClass < 265 {
			t.Errorf("%s: the mean is in %d of %d intervals over queries, %d over classes", test.name, byQuery, samples, byClass)
		}
	}
}

func TestBootstrapIsDeterminedBySeed(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var x, negative [][]float64
	var class []int
	for i := range 300 {
		v := []float64{rng.NormFloat64(), rng.Float64()}
		x, negative, class = append(x, v), append(negative, []float64{-v[0], -v[1]}), append(class, i/10)
	}
	o := DefaultBootstrap()
	for name, f := range map[string]func([][]float64, BootstrapOptions) []Interval{
		"queries": bootstrapQueries,
		"classes": func(x [][]float64, o BootstrapOptions) []Interval { return bootstrapClasses(x, class, o) },
	} {
		first := f(x, o)
		if !slices.Equal(first, f(x, o)) {
			t.Errorf("%s: the same seed gives other intervals", name)
		}
		for k, i := range f(negative, o) {
			if i != (Interval{-first[k].High, -first[k].Low}) {
				t.Errorf("%s: the negatives have %v, the numbers %v", name, i, first[k])
			}
		}
		if other := f(x, BootstrapOptions{Resamples: o.Resamples, Seed: 1}); slices.Equal(first, other) || !near(other[0].Low, first[0].Low, 0.02) {
			t.Errorf("%s: another seed gives %v beside %v", name, other, first)
		}
		if i := first[0]; !(i.Low < i.High) || math.Abs(i.Low) > 1 {
			t.Errorf("%s: %v", name, i)
		}
	}
	if bootstrapQueries(nil, o) != nil || bootstrapClasses(nil, nil, o) != nil {
		t.Error("intervals of nothing")
	}
}

func TestBootstrapOptionsValidate(t *testing.T) {
	if err := DefaultBootstrap().Validate(); err != nil {
		t.Error(err)
	}
	for _, n := range []int{-1, 0, 39} {
		if err := (BootstrapOptions{Resamples: n}).Validate(); err == nil {
			t.Errorf("%d resamples pass", n)
		}
	}
}

func BenchmarkBootstrapQueries(b *testing.B) {
	x := make([][]float64, 60502) // Stanford Online Products
	for i := range x {
		x[i] = []float64{float64(i%3) / 3, 0.5, 0, 1}
	}
	for b.Loop() {
		bootstrapQueries(x, DefaultBootstrap())
	}
}
