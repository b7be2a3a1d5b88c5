// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
)

// WriteSmallPNG is [WritePNG] for a notebook, which keeps what it shows: with 64 levels of red, green and blue, of which the eye hardly sees a difference, and a figure
// of lines and text with a palette, in half the space.
func WriteSmallPNG(w io.Writer, f Figure) error {
	img := coarse(drawn(f))
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	var err error
	if lines := paletted(img); lines != nil {
		err = encoder.Encode(w, lines)
	} else {
		err = encoder.Encode(w, img)
	}
	if err != nil {
		return fmt.Errorf("plots: writing PNG: %w", err)
	}
	return nil
}

// jpegQuality is that of figures with photographs: text stays clear of visible noise.
const jpegQuality = 88

// WriteJPEG draws f and writes it as JPEG, with two dots a px. A figure that consists of photographs takes a fifth of the space of a PNG.
func WriteJPEG(w io.Writer, f Figure) error {
	if err := jpeg.Encode(w, onWhite(drawn(f)), &jpeg.Options{Quality: jpegQuality}); err != nil {
		return fmt.Errorf("plots: writing JPEG: %w", err)
	}
	return nil
}

// drawn returns f as an image, of two dots a px.
func drawn(f Figure) image.Image { return canvasOf(f).Image() }

// onWhite returns a picture on a white ground.
func onWhite(img image.Image) *image.RGBA {
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	return out
}

// coarse returns a picture on white with 64 levels of red, green and blue instead of 256. The eye hardly sees it, and pictures of
// images take two thirds of the space in a saved notebook.
func coarse(img image.Image) *image.RGBA {
	const levels = 64
	out := onWhite(img)
	for i, v := range out.Pix {
		out.Pix[i] = uint8((int(v)*(levels-1) + 127) / 255 * 255 / (levels - 1))
	}
	return out
}

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
