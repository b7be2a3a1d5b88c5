// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"image"
	"image/draw"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/dejavu/dejavuserif"
	"codeberg.org/go-fonts/dejavu/dejavuserifbold"
	"codeberg.org/go-fonts/latin-modern/lmroman10regular"
	"codeberg.org/go-fonts/latin-modern/lmsans10regular"
	"codeberg.org/go-fonts/liberation/liberationmonoregular"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-fonts/liberation/liberationserifbold"
	"codeberg.org/go-fonts/liberation/liberationserifregular"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// fontFile is a font that letters are drawn in.
type fontFile struct {
	name string
	data []byte
}

// fontFiles returns the fonts of the glyphs: upright ones only, since each image has its own shear, and since the true
// italics of some alphabets are other shapes. All are openly licensed (DejaVu: Bitstream Vera's license; Liberation: OFL;
// Latin Modern: GUST; Go: BSD). None holds all alphabets: a letter is drawn in those that have it.
func fontFiles() []fontFile {
	return []fontFile{
		{"DejaVu Sans", dejavusans.TTF},
		{"DejaVu Sans Bold", dejavusansbold.TTF},
		{"DejaVu Sans Condensed", dejavusanscondensed.TTF},
		{"DejaVu Sans Mono", dejavusansmono.TTF},
		{"DejaVu Serif", dejavuserif.TTF},
		{"DejaVu Serif Bold", dejavuserifbold.TTF},
		{"Liberation Sans", liberationsansregular.TTF},
		{"Liberation Serif", liberationserifregular.TTF},
		{"Liberation Serif Bold", liberationserifbold.TTF},
		{"Liberation Mono", liberationmonoregular.TTF},
		{"Go Regular", goregular.TTF},
		{"Go Mono", gomono.TTF},
		{"Latin Modern Roman", lmroman10regular.TTF},
		{"Latin Modern Sans", lmsans10regular.TTF},
	}
}

// point is a place of an outline; y grows downward.
type point struct{ x, y float64 }

// segment is a piece of an outline: op says how many points count.
type segment struct {
	op sfnt.SegmentOp
	at [3]point
}

// outline is the shape of a letter in one font: its bounding box is centered on the origin and its longer side is 1, so that
// neither the size nor the place of a letter on its line tells anything of its class.
type outline struct {
	font     string
	segments []segment
}

// loadOutlines returns for each letter its outlines, one for each font that has the letter, in the order of fonts. A letter
// that a font maps to .notdef (glyph 0) or to an empty glyph is not had by it.
func loadOutlines(fonts []fontFile, letters []rune) ([][]outline, error) {
	all := make([][]outline, len(letters))
	var buffer sfnt.Buffer
	for _, file := range fonts {
		font, err := sfnt.Parse(file.data)
		if err != nil {
			return nil, fmt.Errorf("datasets: reading font %s: %w", file.name, err)
		}
		ppem := fixed.Int26_6(font.UnitsPerEm())
		for i, letter := range letters {
			glyph, err := font.GlyphIndex(&buffer, letter)
			if err != nil {
				return nil, fmt.Errorf("datasets: looking up %q in font %s: %w", letter, file.name, err)
			}
			if glyph == 0 {
				continue
			}
			segments, err := font.LoadGlyph(&buffer, glyph, ppem, nil)
			if err != nil {
				return nil, fmt.Errorf("datasets: reading %q in font %s: %w", letter, file.name, err)
			}
			if len(segments) > 0 {
				all[i] = append(all[i], newOutline(file.name, segments))
			}
		}
	}
	return all, nil
}

// newOutline copies the segments, centered and scaled as outline says.
func newOutline(font string, segments sfnt.Segments) outline {
	box := segments.Bounds()
	cx := float64(box.Min.X+box.Max.X) / 2
	cy := float64(box.Min.Y+box.Max.Y) / 2
	side := float64(max(box.Max.X-box.Min.X, box.Max.Y-box.Min.Y))
	o := outline{font: font, segments: make([]segment, len(segments))}
	for i, s := range segments {
		o.segments[i].op = s.Op
		for k, p := range s.Args {
			o.segments[i].at[k] = point{(float64(p.X) - cx) / side, (float64(p.Y) - cy) / side}
		}
	}
	return o
}

// affine maps an outline's points to pixels: x' = xx·x + xy·y + dx, y' = yx·x + yy·y + dy.
type affine struct{ xx, xy, yx, yy, dx, dy float64 }

// apply returns the image of a point, as the rasterizer takes it.
func (a affine) apply(p point) (x, y float32) {
	return float32(a.xx*p.x + a.xy*p.y + a.dx), float32(a.yx*p.x + a.yy*p.y + a.dy)
}

// draw returns how much of each pixel of a size × size image the outline covers, in [0, 1], row by row.
func (o outline) draw(size int, a affine) []float64 {
	z := vector.NewRasterizer(size, size)
	for _, s := range o.segments {
		x0, y0 := a.apply(s.at[0])
		x1, y1 := a.apply(s.at[1])
		switch s.op {
		case sfnt.SegmentOpMoveTo:
			z.ClosePath()
			z.MoveTo(x0, y0)
		case sfnt.SegmentOpLineTo:
			z.LineTo(x0, y0)
		case sfnt.SegmentOpQuadTo:
			z.QuadTo(x0, y0, x1, y1)
		case sfnt.SegmentOpCubeTo:
			x2, y2 := a.apply(s.at[2])
			z.CubeTo(x0, y0, x1, y1, x2, y2)
		}
	}
	z.ClosePath()
	z.DrawOp = draw.Src
	mask := image.NewAlpha(image.Rect(0, 0, size, size))
	z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	shares := make([]float64, len(mask.Pix))
	for i, v := range mask.Pix {
		shares[i] = float64(v) / 255
	}
	return shares
}
