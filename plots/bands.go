// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Band is a line with an interval about each point, from left to right. Without Low and High it is a line alone.
type Band struct {
	Name         string
	X, Y         []float64
	Low, High    []float64
	WithoutMarks bool // as for a line of many points
}

// Bands shows a quantity with its uncertainty over another one, such as the error over the share of images that is rejected: lines in bands.
type Bands struct {
	Title          string
	XLabel, YLabel string
	// WholeX puts ticks at whole numbers only, as for strengths.
	WholeX bool
	// Rules are levels to compare with, such as chance.
	Rules []Rule
	// FromZero begins the y axis at 0.
	FromZero bool

	bands []Band
}

// NewBands returns a figure of the bands, which it copies. The error wraps ErrNoData if there is no point, and ErrNotFinite for a number that is NaN or infinite; lists
// of different lengths are an error, too.
func NewBands(xLabel, yLabel string, bands ...Band) (*Bands, error) {
	f := &Bands{XLabel: xLabel, YLabel: yLabel}
	points := 0
	for _, b := range bands {
		b.X, b.Y, b.Low, b.High = slices.Clone(b.X), slices.Clone(b.Y), slices.Clone(b.Low), slices.Clone(b.High)
		n := len(b.X)
		if len(b.Y) != n || len(b.Low) != len(b.High) || len(b.Low) != 0 && len(b.Low) != n {
			return nil, fmt.Errorf("plots: bands: %q has %d x, %d y and %d to %d ends of intervals", b.Name, n, len(b.Y), len(b.Low), len(b.High))
		}
		for _, list := range [][]float64{b.X, b.Y, b.Low, b.High} {
			if i := slices.IndexFunc(list, func(v float64) bool { return !finite(v) }); i >= 0 {
				return nil, fmt.Errorf("%w: bands: point %d of %q has %v", ErrNotFinite, i, b.Name, list[i])
			}
		}
		points += n
		f.bands = append(f.bands, b)
	}
	if points == 0 {
		return nil, fmt.Errorf("%w: bands without points", ErrNoData)
	}
	return f, nil
}

// Size returns the size of the figure.
func (f *Bands) Size() (w, h vg.Length) { return Width, Height }

// Draw draws the figure.
func (f *Bands) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	items := f.legend()
	drawLegend(c, items)
	c.Max.Y -= legendHeight(items, c.Max.X-c.Min.X)
	f.plot().Draw(c)
}

// plot returns the bands as a plot: first all areas, so that none of them tints a line.
func (f *Bands) plot() *plot.Plot {
	p := newPlot(f.XLabel, f.YLabel)
	p.Add(gridLines{horizontal: true})
	xLow, xHigh, yLow, yHigh := f.limits()
	for i, b := range f.bands {
		p.Add(bandArea{b, withAlpha(Color(i), fillAlpha)})
	}
	for i, r := range f.Rules {
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: xLow, Y: r.Y}, {X: xHigh, Y: r.Y}}, LineStyle: ruleStyle(i)})
	}
	for i, b := range f.bands {
		line, mark := f.styles(i)
		for _, run := range runs(Series{X: b.X, Y: b.Y}) {
			p.Add(&plotter.Line{XYs: run, LineStyle: line})
			if mark.Shape != nil {
				p.Add(&plotter.Scatter{XYs: run, GlyphStyle: mark})
			}
		}
	}
	niceAxis(&p.X, xLow, xHigh, 6, false)
	niceAxis(&p.Y, yLow, yHigh, 5, true)
	if f.WholeX {
		wholeTicks(&p.X, 6)
	}
	return p
}

// limits returns the ranges of x and y.
func (f *Bands) limits() (xLow, xHigh, yLow, yHigh float64) {
	xLow, xHigh, yLow, yHigh = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, b := range f.bands {
		for _, x := range b.X {
			xLow, xHigh = min(xLow, x), max(xHigh, x)
		}
		for _, y := range slices.Concat(b.Y, b.Low, b.High) {
			yLow, yHigh = min(yLow, y), max(yHigh, y)
		}
	}
	for _, r := range f.Rules {
		yLow, yHigh = min(yLow, r.Y), max(yHigh, r.Y)
	}
	if f.FromZero {
		yLow, yHigh = min(yLow, 0), max(yHigh, 0)
	}
	xLow, xHigh = spread(xLow, xHigh)
	return xLow, xHigh, yLow, yHigh
}

// styles returns the line and the marker of a band; a marker without shape is none.
func (f *Bands) styles(i int) (draw.LineStyle, draw.GlyphStyle) {
	line := draw.LineStyle{Color: Color(i), Width: lineWidth, Dashes: dashes[i%len(dashes)]}
	if f.bands[i].WithoutMarks {
		return line, draw.GlyphStyle{}
	}
	return line, draw.GlyphStyle{Color: Color(i), Radius: markRadius, Shape: marks[i%len(marks)]}
}

// legend names bands and rules.
func (f *Bands) legend() []legendItem {
	var items []legendItem
	for i, b := range f.bands {
		key, filled := lineKey(f.styles(i)), len(b.Low) > 0
		items = append(items, legendItem{b.Name, func(c draw.Canvas, r vg.Rectangle) {
			if filled {
				fillRectangle(c, withAlpha(Color(i), fillAlpha), r)
			}
			key(c, r)
		}})
	}
	for i, r := range f.Rules {
		items = append(items, legendItem{r.Name, lineKey(ruleStyle(i), draw.GlyphStyle{})})
	}
	return items
}

// bandArea fills the interval of a band.
type bandArea struct {
	band Band
	fill color.Color
}

// Plot implements plot.Plotter.
func (a bandArea) Plot(c draw.Canvas, p *plot.Plot) {
	if len(a.band.Low) < 2 {
		return
	}
	x, y := p.Transforms(&c)
	var points []vg.Point
	for i, v := range a.band.Low {
		points = append(points, vg.Point{X: x(a.band.X[i]), Y: y(v)})
	}
	for i, v := range slices.Backward(a.band.High) {
		points = append(points, vg.Point{X: x(a.band.X[i]), Y: y(v)})
	}
	c.FillPolygon(a.fill, points)
}
