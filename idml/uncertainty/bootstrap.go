// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Confidence is the confidence of the interval of an [Estimate].
const Confidence = 0.95

// An Estimate is a value with its bootstrap interval; NaN stands where there is none, in JSON null.
type Estimate struct{ Value, Low, High float64 }

// None returns what stands where nothing can be measured, or wasn't.
func None() Estimate { return Estimate{math.NaN(), math.NaN(), math.NaN()} }

// Exists tells whether there is a value.
func (e Estimate) Exists() bool { return !math.IsNaN(e.Value) }

// estimateJSON is an Estimate as it stands in JSON.
type estimateJSON struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// MarshalJSON writes an object of value, low and high, null where there is none.
func (e Estimate) MarshalJSON() ([]byte, error) {
	known := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	return json.Marshal(estimateJSON{known(e.Value), known(e.Low), known(e.High)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Estimate) UnmarshalJSON(data []byte) error {
	var in estimateJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("uncertainty: an estimate: %w", err)
	}
	known := func(v *float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v
	}
	*e = Estimate{known(in.Value), known(in.Low), known(in.High)}
	return nil
}

// Bootstrap says how intervals are found by resampling: how many resamples are drawn, and the seed that decides them. Scores of the same images are measured on the
// same resamples. Resamples in which there is nothing to measure, as none that is wrong, are left out; if they are more than half, there is no interval.
type Bootstrap struct {
	Resamples int
	Seed      uint64
	// Classes are the labels of the images that are measured, in their order. Whole classes are then drawn, as many as there are, each with all its images. If it is nil,
	// single images are.
	Classes []int
}

// Of returns a Bootstrap of the images at some places; without classes, b itself.
func (b Bootstrap) Of(images []int) Bootstrap {
	if b.Classes == nil {
		return b
	}
	classes := make([]int, len(images))
	for k, i := range images {
		classes[k] = b.Classes[i]
	}
	b.Classes = classes
	return b
}

// A draw fills in how often each thing is in a resample. It is nil where there is a single thing or class to draw: all resamples would be the same, and an interval would
// seem to be exact.
type draw func(rng *rand.Rand, w []int)

// images draws from n images, or from their classes, and with each image its copies: of things i, i+n, i+2n, … all or none.
func (b Bootstrap) images(n int) draw {
	if b.Classes == nil {
		return together(n)
	}
	sameLength(len(b.Classes), n)
	return inClasses(b.Classes)
}

// together draws n things, and with each its copies.
func together(n int) draw {
	if n < 2 {
		return nil
	}
	return func(rng *rand.Rand, w []int) {
		clear(w)
		for range n {
			w[rng.IntN(n)]++
		}
		repeat(w, n)
	}
}

// inClasses draws whole classes of things, as many as there are, and with each thing its copies.
func inClasses(labels []int) draw {
	class, classes := numbered(labels)
	if classes < 2 {
		return nil
	}
	return func(rng *rand.Rand, w []int) {
		drawn := make([]int, classes)
		for range classes {
			drawn[rng.IntN(classes)]++
		}
		for i, c := range class {
			w[i] = drawn[c]
		}
		repeat(w, len(class))
	}
}

// repeat gives the copies of the first n things the weights of those.
func repeat(w []int, n int) {
	for at := n; at < len(w); at += n {
		copy(w[at:], w[:n])
	}
}

// numbered returns the labels as numbers from 0, in the order of the labels, and how many different ones there are.
func numbered(labels []int) (class []int, classes int) {
	known := slices.Compact(slices.Sorted(slices.Values(labels)))
	class = make([]int, len(labels))
	for i, label := range labels {
		class[i], _ = slices.BinarySearch(known, label)
	}
	return class, len(known)
}

// apart draws by themselves from the first n things and from those that follow.
func apart(n int, first, rest draw) draw {
	if first == nil || rest == nil {
		return nil
	}
	return func(rng *rand.Rand, w []int) {
		first(rng, w[:n])
		rest(rng, w[n:])
	}
}

// estimate measures a statistic of n things, of which thing i is there w[i] times: of all, each once, and of resamples.
func (b Bootstrap) estimate(n int, d draw, statistic func(w []int) float64) Estimate {
	return b.estimates(n, d, 1, func(w []int, out []float64) { out[0] = statistic(w) })[0]
}

// estimates is estimate for a statistic of several numbers.
func (b Bootstrap) estimates(n int, d draw, numbers int, statistic func(w []int, out []float64)) []Estimate {
	list := slices.Repeat([]Estimate{None()}, numbers)
	if n == 0 {
		return list
	}
	values := make([]float64, numbers)
	statistic(ones(n), values)
	if d == nil {
		for k, v := range values {
			list[k].Value = v
		}
		return list
	}
	drawn := make([][]float64, numbers)
	rng, w, out := rand.New(rand.NewPCG(b.Seed, 1)), make([]int, n), make([]float64, numbers)
	for range b.Resamples {
		d(rng, w)
		statistic(w, out)
		for k, v := range out {
			if !math.IsNaN(v) {
				drawn[k] = append(drawn[k], v)
			}
		}
	}
	for k, v := range values {
		list[k].Value = v
		if !math.IsNaN(v) && 2*len(drawn[k]) > b.Resamples {
			list[k].Low, list[k].High = Percentiles(drawn[k])
		}
	}
	return list
}

// Percentiles returns between which two of the values, which it sorts, the middle 95 % lie. Equally many lie below and above, so that the interval of the negatives is the
// negative of the interval. It panics without values.
func Percentiles(values []float64) (low, high float64) {
	slices.Sort(values)
	beyond := int(math.Round(float64(len(values)) * (1 - Confidence) / 2))
	return values[beyond], values[len(values)-1-beyond]
}

// sameLength panics unless two lists have one length, which is the caller's to see to.
func sameLength(a, b int) {
	if a != b {
		panic(fmt.Sprintf("uncertainty: lists of %d and %d values", a, b))
	}
}
