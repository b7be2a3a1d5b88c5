// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// niceStep returns the smallest step of the form {1, 2, 2.5, 5} × 10ᵏ that
// divides span into at most count parts.
func niceStep(span float64, count int) float64 {
	raw := span / float64(count)
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*unit >= raw*(1-1e-9) {
			return m * unit
		}
	}
	return 10 * unit
}

// decimals returns how many digits after the point a multiple of step needs, 12 at most.
func decimals(step float64) int {
	for d := range 12 {
		scaled := step * math.Pow(10, float64(d))
		if math.Abs(scaled-math.Round(scaled)) < 1e-6*scaled {
			return d
		}
	}
	return 12
}

// niceAxis sets the range and the ticks of an axis for values from low to
// high, in about count steps. With widen, the range ends at ticks.
func niceAxis(axis *plot.Axis, low, high float64, count int, widen bool) {
	low, high = spread(low, high)
	step := niceStep(high-low, count)
	first, last := math.Ceil(low/step-1e-6), math.Floor(high/step+1e-6)
	if widen {
		first, last = math.Floor(low/step+1e-6), math.Ceil(high/step-1e-6)
		low, high = first*step, last*step
	}
	axis.Min, axis.Max = low, high
	axis.Tick.Marker = plot.ConstantTicks(tickList(first, last, step))
}

// tickList returns the ticks at first·step, …, last·step, labeled with equally many digits.
func tickList(first, last, step float64) []plot.Tick {
	digits := decimals(step)
	var ticks []plot.Tick
	for i := first; i <= last; i++ {
		value := i * step
		if i == 0 {
			value = 0 // never −0
		}
		label := strconv.FormatFloat(value, 'f', digits, 64)
		if digits == 12 || math.Abs(value) >= 1e6 {
			label = strconv.FormatFloat(value, 'g', 4, 64)
		}
		ticks = append(ticks, plot.Tick{Value: value, Label: minus(label)})
	}
	return ticks
}

// spread returns low and high, moved apart if they are equal but for rounding in float32.
func spread(low, high float64) (float64, float64) {
	size := math.Max(math.Abs(low), math.Abs(high))
	if high-low > 1e-6*size {
		return low, high
	}
	by := 0.1 * size
	if by == 0 {
		by = 0.5
	}
	return low - by, high + by
}

// wholeTicks keeps of an axis the ticks at whole numbers, for epochs.
func wholeTicks(axis *plot.Axis, count int) {
	step := math.Max(1, niceStep(axis.Max-axis.Min, count))
	if step == 2.5 {
		step = 5
	}
	first, last := math.Ceil(axis.Min/step-1e-6), math.Floor(axis.Max/step+1e-6)
	axis.Tick.Marker = plot.ConstantTicks(tickList(first, last, step))
}

// minus writes the sign of a negative number as a minus, not a hyphen.
func minus(label string) string {
	if label != "" && label[0] == '-' {
		return "−" + label[1:]
	}
	return label
}
