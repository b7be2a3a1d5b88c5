// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// StripRow is a row of pictures of a Strip, with a name at its left.
type StripRow struct {
	Name   string
	Images []image.Image
}

// Strip shows pictures in rows over a diagram of lines in bands, each picture above its x: what a network sees from step to step, such as from one image to another, and
// what it makes of it.
type Strip struct {
	Title string

	x     []float64
	rows  []StripRow
	bands *Bands
}

// NewStrip returns a figure of rows that have a picture for each x, ascending, above bands over the same x. It copies the lists, not the images; one that is nil is drawn
// as an empty box. The error wraps ErrNoData if there is no row or fewer than two x.
func NewStrip(x []float64, bands *Bands, rows ...StripRow) (*Strip, error) {
	if len(x) < 2 || len(rows) == 0 {
		return nil, fmt.Errorf("%w: strip of %d rows and %d pictures in each", ErrNoData, len(rows), len(x))
	}
	if !slices.IsSorted(x) || !finite(x[0]) || !finite(x[len(x)-1]) || x[0] == x[len(x)-1] {
		return nil, fmt.Errorf("plots: strip: x is %v, want ascending numbers", x)
	}
	f := &Strip{x: slices.Clone(x), bands: bands}
	for _, r := range rows {
		if len(r.Images) != len(x) {
			return nil, fmt.Errorf("plots: strip: row %q has %d pictures, want %d", r.Name, len(r.Images), len(x))
		}
		f.rows = append(f.rows, StripRow{r.Name, slices.Clone(r.Images)})
	}
	return f, nil
}

// Measures of a strip.
const (
	stripDiagram = 260 * Px // without its legend
	stripGap     = 4 * Px   // between pictures
	stripLeft    = 64 * Px  // the axis, and the names of rows
)

// tile returns the side of a picture: the smallest distance of two, less a gap.
func (f *Strip) tile() vg.Length {
	least := f.x[1] - f.x[0]
	for i := 2; i < len(f.x); i++ {
		least = min(least, f.x[i]-f.x[i-1])
	}
	room := Width - gridMargins - stripLeft // the first and the last lie half outside of the axis
	n := vg.Length((f.x[len(f.x)-1] - f.x[0]) / least)
	return max(room/(n+1)-stripGap, 8*Px)
}

// Size returns the width of a notebook and the height that the rows need.
func (f *Strip) Size() (w, h vg.Length) {
	h = 18*Px + vg.Length(len(f.rows))*(f.tile()+stripGap) + 8*Px + stripDiagram + legendHeight(f.bands.legend(), Width-gridMargins)
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Strip) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	items := f.bands.legend()
	drawLegend(c, items)
	c.Max.Y -= legendHeight(items, c.Max.X-c.Min.X)
	tile := f.tile()
	pictures := vg.Length(len(f.rows))*(tile+stripGap) + 8*Px
	diagram := draw.Crop(c, 0, -(tile+stripGap)/2, 0, -pictures)
	p := f.bands.plot()
	p.X.Min, p.X.Max = f.x[0], f.x[len(f.x)-1]
	// The axis is moved so that half a picture has room at the left of it.
	data := p.DataCanvas(diagram)
	if left := c.Min.X + stripLeft + (tile+stripGap)/2; data.Min.X < left {
		diagram.Min.X += left - data.Min.X
		data = p.DataCanvas(diagram)
	}
	p.Draw(diagram)
	x, _ := p.Transforms(&data)
	top := c.Max.Y
	name := aligned(textStyle(tickSize, ink), draw.XLeft, draw.YCenter)
	for _, r := range f.rows {
		for k, img := range r.Images {
			at := square(x(f.x[k])-tile/2, top, tile)
			drawPicture(c, at, img)
		}
		c.FillText(name, vg.Point{X: c.Min.X, Y: top - tile/2}, fit(name, r.Name, x(f.x[0])-tile/2-c.Min.X-4*Px))
		top -= tile + stripGap
	}
}
