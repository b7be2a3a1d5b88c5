// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// fewColors is how many colors a figure of lines and text has at most, edges included, at 64 levels; one with images has far more.
const fewColors = 4096

// paletted returns a figure of lines and text, on white, with the 256 colors that are most of it, and others as the nearest of these, which takes half the space in a saved notebook; nil
// for one that has too many colors.
func paletted(img *image.RGBA) *image.Paletted {
	counts := map[color.RGBA]int{}
	for i := 0; i < len(img.Pix); i += 4 {
		counts[pixel(img.Pix[i:])]++
		if len(counts) > fewColors {
			return nil
		}
	}
	colors := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := color.Palette{}
	for _, c := range colors[:min(len(colors), 256)] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for _, c := range colors {
		nearest[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(img.Rect, palette)
	for i := range out.Pix {
		out.Pix[i] = nearest[pixel(img.Pix[4*i:])]
	}
	return out
}

func pixel(p []uint8) color.RGBA { return color.RGBA{p[0], p[1], p[2], p[3]} }
