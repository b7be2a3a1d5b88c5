// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func TestPaletted(t *testing.T) {
	// A gray ramp of 250 levels and 20 colors of one pixel each, so that there are more than 256.
	img := image.NewRGBA(image.Rect(0, 0, 250, 3))
	for x := range 250 {
		for y := range 3 {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(x), uint8(x), 255})
		}
	}
	for x := range 20 {
		img.SetRGBA(x, 1, color.RGBA{255, uint8(x), 0, 255})
	}
	got := paletted(img)
	if got == nil || len(got.Palette) != 256 {
		t.Fatalf("palette of %v", got)
	}
	for x := range 250 {
		if want := img.RGBAAt(x, 0); got.At(x, 0) != want {
			t.Fatalf("pixel %d is %v, want %v", x, got.At(x, 0), want)
		}
	}
	for x := range 20 {
		c := got.At(x, 1).(color.RGBA)
		if c.R != 255 || c.B != 0 || c.G > 19 {
			t.Errorf("pixel %d of a rare color is %v", x, c)
		}
	}
	many := image.NewRGBA(image.Rect(0, 0, 256, 32))
	for y := range 32 {
		for x := range 256 {
			many.SetRGBA(x, y, color.RGBA{uint8(x), uint8(8 * y), 0, 255})
		}
	}
	if paletted(many) != nil {
		t.Error("8192 colors fit into a palette")
	}
}

func TestCoarse(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 256, 2))
	for v := range 256 {
		img.SetNRGBA(v, 0, color.NRGBA{uint8(v), 255, 0, 255}) // the second row stays transparent
	}
	out := coarse(img)
	levels := map[uint8]bool{}
	for v := range 256 {
		c := out.RGBAAt(v, 0)
		levels[c.R] = true
		if math.Abs(float64(c.R)-float64(v)) > 3 || c.G != 255 || c.B != 0 || c.A != 255 {
			t.Errorf("level %d became %v", v, c)
		}
		if c := out.RGBAAt(v, 1); c != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("transparent became %v", c)
		}
	}
	if len(levels) != 64 {
		t.Errorf("%d levels, want 64", len(levels))
	}
}
