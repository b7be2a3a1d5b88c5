// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"image/color"
	"math"
)

// viridis are colors of the map "viridis" by Smith and van der Walt (matplotlib,
// CC0) at 0, 1/8, …, 1: from dark to light evenly, also for the color-blind and in print
// without color.
var viridis = [...][3]float64{
	{68, 1, 84},
	{71, 44, 122},
	{59, 81, 139},
	{44, 113, 142},
	{33, 144, 141},
	{39, 173, 129},
	{92, 200, 99},
	{170, 220, 50},
	{253, 231, 37},
}

// mapColor returns the color of a value between 0 and 1; values outside get the
// color of the nearer end.
func mapColor(value float64) color.NRGBA {
	at := min(max(value, 0), 1) * float64(len(viridis)-1)
	i := min(int(at), len(viridis)-2)
	part := at - float64(i)
	var rgb [3]uint8
	for k := range rgb {
		rgb[k] = uint8(math.Round(viridis[i][k]*(1-part) + viridis[i+1][k]*part))
	}
	return color.NRGBA{rgb[0], rgb[1], rgb[2], 0xff}
}

// contrast returns black or white, whichever is read more easily on c.
func contrast(c color.NRGBA) color.NRGBA {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) > 140 {
		return color.NRGBA{0, 0, 0, 0xff}
	}
	return paper
}

// tint returns the color a part of the way from white, 0, to c, 1.
func tint(c color.NRGBA, part float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(math.Round(255 + (float64(v)-255)*min(max(part, 0), 1))) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}
