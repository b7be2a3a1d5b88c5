// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Px is the px of the web, 1/96 inch.
const Px = vg.Inch / 96

// Sizes of figures and text.
const (
	Width  = 640 * Px // of a figure, as a notebook shows it
	Height = 360 * Px // of a figure with one panel

	titleSize  = 15 * Px
	labelSize  = 13 * Px // of axes
	tickSize   = 12 * Px // of ticks and legends
	smallSize  = 11 * Px // under pictures
	lineWidth  = 2 * Px
	ruleWidth  = 1.25 * Px
	axisWidth  = 1 * Px
	markRadius = 3 * Px
)

// Colors of what isn't data.
var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xff} // text
	gray  = color.NRGBA{0x66, 0x66, 0x66, 0xff} // axes, secondary text
	faint = color.NRGBA{0xb4, 0xb4, 0xb4, 0xff} // series that stay in the background
	pale  = color.NRGBA{0xe8, 0xe8, 0xe8, 0xff} // grid lines
	paper = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// okabeIto are the colors of series, in the order of use: those of Okabe and
// Ito, "Color Universal Design" (2008), without yellow, which is too light for
// lines on white.
var okabeIto = [...]color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff}, // blue
	{0xd5, 0x5e, 0x00, 0xff}, // vermillion
	{0x00, 0x9e, 0x73, 0xff}, // bluish green
	{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
	{0xe6, 0x9f, 0x00, 0xff}, // orange
	{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	{0x00, 0x00, 0x00, 0xff}, // black
}

// Colors of right and wrong; a sign always stands beside them.
var (
	rightColor = okabeIto[2]
	wrongColor = okabeIto[1]
)

// dashes are the patterns of lines, in the order of use.
var dashes = [...][]vg.Length{
	nil,
	{7 * Px, 3 * Px},
	{2 * Px, 2.5 * Px},
	{9 * Px, 3 * Px, 2 * Px, 3 * Px},
	{4 * Px, 4 * Px},
}

// marks are the shapes of markers, in the order of use.
var marks = [...]draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{},
}

// Color returns the color of the i-th series of a figure. It panics if i is negative.
func Color(i int) color.NRGBA { return okabeIto[i%len(okabeIto)] }

// withAlpha returns c with another opacity.
func withAlpha(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// textStyle returns the style of a text of one size, anchored at its left end
// on its base line.
func textStyle(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler,
	}
}

// boldStyle is textStyle in bold.
func boldStyle(size vg.Length, c color.Color) text.Style {
	style := textStyle(size, c)
	style.Font.Weight = 3 // golang.org/x/image/font.WeightBold
	return style
}

// aligned returns style with other anchors.
func aligned(style text.Style, x text.XAlignment, y text.YAlignment) text.Style {
	style.XAlign, style.YAlign = x, y
	return style
}

// newPlot returns an empty plot in the package's style, with labels for its axes.
func newPlot(xLabel, yLabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle = draw.LineStyle{Color: gray, Width: axisWidth}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = 4 * Px
		axis.Padding = 0
	}
	p.X.Label.TextStyle = aligned(textStyle(labelSize, ink), draw.XCenter, draw.YBottom)
	p.Y.Label.TextStyle = aligned(textStyle(labelSize, ink), draw.XCenter, draw.YBottom)
	p.Y.Label.TextStyle.Rotation = p.Y.Tick.Label.Rotation
	p.X.Tick.Label = aligned(textStyle(tickSize, ink), draw.XCenter, draw.YTop)
	p.Y.Tick.Label = aligned(textStyle(tickSize, ink), draw.XRight, draw.YCenter)
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	p.X.Label.Padding, p.Y.Label.Padding = 5*Px, 6*Px
	return p
}

// gridLines draws pale lines at the ticks within the axes' ranges. It is added
// to a plot before the data.
type gridLines struct{ vertical, horizontal bool }

// Plot implements plot.Plotter. Lines on the edge are left out: the axes are there.
func (g gridLines) Plot(c draw.Canvas, p *plot.Plot) {
	style := draw.LineStyle{Color: pale, Width: axisWidth}
	x, y := p.Transforms(&c)
	if g.vertical {
		for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			if at := x(tick.Value); at > c.Min.X+Px {
				c.StrokeLine2(style, at, c.Min.Y, at, c.Max.Y)
			}
		}
	}
	if g.horizontal {
		for _, tick := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
			if at := y(tick.Value); at > c.Min.Y+Px {
				c.StrokeLine2(style, c.Min.X, at, c.Max.X, at)
			}
		}
	}
}

// begin paints the ground of a figure, writes its title, if there is one, and
// returns what is left within the margins.
func begin(c draw.Canvas, title string) draw.Canvas {
	fillRectangle(c, paper, c.Rectangle)
	c = draw.Crop(c, 10*Px, -12*Px, 8*Px, -10*Px)
	if title == "" {
		return c
	}
	style := aligned(boldStyle(titleSize, ink), draw.XLeft, draw.YTop)
	c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y}, title)
	c.Max.Y -= style.Height(title) + 10*Px
	return c
}

// fillRectangle paints a rectangle.
func fillRectangle(c draw.Canvas, fill color.Color, r vg.Rectangle) {
	c.FillPolygon(fill, corners(r))
}

// strokeRectangle draws the outline of a rectangle.
func strokeRectangle(c draw.Canvas, style draw.LineStyle, r vg.Rectangle) {
	c.SetLineStyle(style)
	var path vg.Path
	for i, point := range corners(r) {
		if i == 0 {
			path.Move(point)
		} else {
			path.Line(point)
		}
	}
	path.Close()
	c.Stroke(path)
}

// corners returns the corners of a rectangle, counter-clockwise from the lower left.
func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}
