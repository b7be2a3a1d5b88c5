// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// short writes a value in about three digits, for small captions; "–" for NaN.
func short(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	case size >= 1e5 || size > 0 && size < 0.01:
		return minus(strconv.FormatFloat(v, 'g', 2, 64))
	case size >= 100:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	case size >= 10:
		return minus(strconv.FormatFloat(v, 'f', 1, 64))
	default:
		return minus(strconv.FormatFloat(v, 'f', 2, 64))
	}
}

// fit returns s, cut and ended by "…" if it is wider than width.
func fit(style text.Style, s string, width vg.Length) string {
	if style.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for n := len(runes) - 1; n > 0; n-- {
		if cut := string(runes[:n]) + "…"; style.Width(cut) <= width {
			return cut
		}
	}
	return ""
}
