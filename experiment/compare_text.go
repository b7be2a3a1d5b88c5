// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"math"
	"strings"
)

// SeedsText says how many seeds were compared: "3 paired", or "not paired".
func (d Difference) SeedsText() string {
	if len(d.Seeds) == 0 {
		return "not paired"
	}
	return fmt.Sprintf("%d paired", len(d.Seeds))
}

// MeanText returns "0.712 ± 0.004", without the deviation of a single run, "–" if there is no mean.
func MeanText(mean, deviation float64) string {
	switch {
	case math.IsNaN(mean):
		return "–"
	case math.IsNaN(deviation):
		return fmt.Sprintf("%.3f", mean)
	}
	return fmt.Sprintf("%.3f ± %.3f", mean, deviation)
}

// IntervalText returns "[0.701, 0.723]", "–" if there is no interval.
func IntervalText(i Interval) string {
	if !i.Exists() {
		return "–"
	}
	return fmt.Sprintf("[%s, %s]", fractionText(i.Low), fractionText(i.High))
}

// fractionText writes a fraction with three digits and, below 0, a minus sign.
func fractionText(v float64) string { return strings.TrimPrefix(SignedText(v), "+") }

// SignedText returns a difference with its sign, which 0 hasn't: "+0.012", "−0.012", "0.000".
func SignedText(v float64) string {
	text := fmt.Sprintf("%.3f", math.Abs(v))
	switch {
	case math.IsNaN(v):
		return "–"
	case text == "0.000":
		return text
	case v < 0:
		return "−" + text
	}
	return "+" + text
}

// SignedIntervalText returns an interval of a difference, "–" if there is none.
func SignedIntervalText(i Interval) string {
	if !i.Exists() {
		return "–"
	}
	return "[" + SignedText(i.Low) + ", " + SignedText(i.High) + "]"
}
