// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"introspection/datasets"
	"introspection/plots"
)

// A Sheet shows some images in rows; it is a plots.Figure.
type Sheet struct {
	rows    []sheetRow
	columns int
}

type sheetRow struct {
	name   string
	images []image.Image
	notes  []string
}

// NewSheet returns a sheet with so many images of each kind of ambiguity that d has, fewer if there are fewer. They lie evenly in the
// order of amount, then of number: of clear images, which have no amount, evenly in the dataset. Under an image stands the amount, which
// grows from left to right. It panics if columns isn't positive.
func NewSheet(d *datasets.Dataset, columns int) (*Sheet, error) {
	if columns < 1 {
		panic(fmt.Sprintf("nb: a sheet of %d columns", columns))
	}
	byKind := map[datasets.AmbiguityKind][]int{}
	for i, e := range d.Examples {
		byKind[e.Ambiguity.Kind] = append(byKind[e.Ambiguity.Kind], i)
	}
	s := &Sheet{columns: columns}
	for _, kind := range []datasets.AmbiguityKind{datasets.Unambiguous, datasets.Blend, datasets.Occlusion, datasets.Blur} {
		all := byKind[kind]
		if len(all) == 0 {
			continue
		}
		slices.SortStableFunc(all, func(i, k int) int {
			return cmp.Compare(d.Examples[i].Ambiguity.Amount, d.Examples[k].Ambiguity.Amount)
		})
		row := sheetRow{name: cmp.Or(string(kind), clearName)}
		for _, i := range spaced(all, columns) {
			img, err := d.Image(i)
			if err != nil {
				return nil, err
			}
			note := ""
			if kind != datasets.Unambiguous {
				note = fmt.Sprintf("%.2f", d.Examples[i].Ambiguity.Amount)
			}
			row.images, row.notes = append(row.images, img.Image()), append(row.notes, note)
		}
		s.rows = append(s.rows, row)
	}
	if len(s.rows) == 0 {
		return nil, fmt.Errorf("nb: a sheet of a dataset without images: %s", d.Name)
	}
	return s, nil
}

// spaced returns n elements that lie evenly in the list, from the first to the last; all if there are no more than n.
func spaced(list []int, n int) []int {
	if n >= len(list) {
		return list
	}
	out := make([]int, n)
	for i := range out {
		out[i] = list[i*(len(list)-1)/max(n-1, 1)]
	}
	return out
}

// Measures of a sheet.
const (
	sheetMargin = 8 * plots.Px
	sheetName   = 64 * plots.Px // room for a row's name
	sheetTile   = 64 * plots.Px // two px, that is four dots, a pixel of a 32 × 32 image
	sheetGap    = 6 * plots.Px
	sheetNote   = 17 * plots.Px // room for the text under an image
	sheetText   = 12 * plots.Px
)

// Size returns the size that the images need.
func (s *Sheet) Size() (w, h vg.Length) {
	w = 2*sheetMargin + sheetName + vg.Length(s.columns)*(sheetTile+sheetGap) - sheetGap
	h = 2 * sheetMargin
	for _, row := range s.rows {
		h += row.height()
	}
	return w, h
}

// height returns the height of a row and the gap below it.
func (r sheetRow) height() vg.Length {
	if slices.ContainsFunc(r.notes, func(note string) bool { return note != "" }) {
		return sheetTile + sheetNote + sheetGap
	}
	return sheetTile + sheetGap
}

// Draw draws the sheet.
func (s *Sheet) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	name := sheetStyle(color.Gray{0x22}, draw.XLeft, draw.YCenter)
	note := sheetStyle(color.Gray{0x66}, draw.XCenter, draw.YTop)
	top := c.Max.Y - sheetMargin
	for _, row := range s.rows {
		c.FillText(name, vg.Point{X: c.Min.X + sheetMargin, Y: top - sheetTile/2}, row.name)
		for k, img := range row.images {
			left := c.Min.X + sheetMargin + sheetName + vg.Length(k)*(sheetTile+sheetGap)
			at := vg.Rectangle{Min: vg.Point{X: left, Y: top - sheetTile}, Max: vg.Point{X: left + sheetTile, Y: top}}
			c.DrawImage(at, enlarge(img))
			c.FillText(note, vg.Point{X: left + sheetTile/2, Y: at.Min.Y - 2*plots.Px}, row.notes[k])
		}
		top -= row.height()
	}
}

func sheetStyle(c color.Color, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: c, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: sheetText},
		XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler,
	}
}

// enlarge repeats the pixels of a small image, so that they stay squares.
func enlarge(img image.Image) image.Image {
	const enough = 128 // dots of a tile
	b := img.Bounds()
	times := max(1, enough/max(b.Dx(), b.Dy()))
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx()*times, b.Dy()*times))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, img.At(b.Min.X+x/times, b.Min.Y+y/times))
		}
	}
	return out
}
