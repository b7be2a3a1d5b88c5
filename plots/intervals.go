// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Method is one line of Intervals: a name and the values of one quantity, one
// value a seed. Baseline draws it gray.
type Method struct {
	Name     string
	Values   []float64
	Baseline bool
}

// Intervals compares methods by the mean of a quantity over seeds, with
// whiskers of one sample standard deviation to each side (the one that divides by n − 1;
// no whiskers for a single seed) and every seed as a dot.
type Intervals struct {
	Title  string
	XLabel string
	// Digits is how many digits after the point the numbers at the right have.
	Digits int

	methods []Method
}

// NewIntervals returns a figure of the methods, which it copies, from top to
// bottom. The error wraps ErrNoData if there is no method or one has no value,
// and ErrNotFinite if a value is NaN or infinite.
func NewIntervals(xLabel string, methods []Method) (*Intervals, error) {
	if len(methods) == 0 {
		return nil, fmt.Errorf("%w: intervals without methods", ErrNoData)
	}
	f := &Intervals{XLabel: xLabel, Digits: 3}
	for _, m := range methods {
		if len(m.Values) == 0 {
			return nil, fmt.Errorf("%w: intervals: method %q has no value", ErrNoData, m.Name)
		}
		for i, v := range m.Values {
			if !finite(v) {
				return nil, fmt.Errorf("%w: intervals: value %d of method %q is %v", ErrNotFinite, i, m.Name, v)
			}
		}
		m.Values = slices.Clone(m.Values)
		f.methods = append(f.methods, m)
	}
	return f, nil
}

// meanDeviation returns the mean and the sample standard deviation, NaN for a single value.
func meanDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / (n - 1))
}

// Measures of intervals.
const (
	methodHeight = 32 * Px
	numbersWidth = 122 * Px
)

// Size returns the width of a notebook and the height that the methods need.
func (f *Intervals) Size() (w, h vg.Length) {
	h = vg.Length(len(f.methods))*methodHeight + 92*Px
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Intervals) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	drawBeside(c, f.plot((c.Max.X-c.Min.X)*0.36), beside{
		width: numbersWidth, gap: 18 * Px, heading: "mean ± s.d. (seeds)", lines: len(f.methods), place: f.place,
		text: func(i int) string { return f.numbers(f.methods[i]) },
	})
}

// place returns the y of the i-th method: the first is on top.
func (f *Intervals) place(i int) float64 { return float64(len(f.methods) - 1 - i) }

// numbers returns the text at the right of a method.
func (f *Intervals) numbers(m Method) string {
	mean, deviation := meanDeviation(m.Values)
	text := strconv.FormatFloat(mean, 'f', f.Digits, 64)
	if len(m.Values) > 1 {
		text += " ± " + strconv.FormatFloat(deviation, 'f', f.Digits, 64)
	}
	return minus(text) + fmt.Sprintf(" (%d)", len(m.Values))
}

// plot returns the diagram; names are cut to a width.
func (f *Intervals) plot(names vg.Length) *plot.Plot {
	p := newPlot(f.XLabel, "")
	p.Add(gridLines{vertical: true})
	low, high := math.Inf(1), math.Inf(-1)
	var ticks []plot.Tick
	for i, m := range f.methods {
		p.Add(interval{m, f.place(i)})
		mean, deviation := meanDeviation(m.Values)
		if len(m.Values) == 1 {
			deviation = 0
		}
		low = min(low, mean-deviation, slices.Min(m.Values))
		high = max(high, mean+deviation, slices.Max(m.Values))
		ticks = append(ticks, plot.Tick{Value: f.place(i), Label: fit(p.Y.Tick.Label, m.Name, names)})
	}
	niceAxis(&p.X, low, high, 5, true)
	p.Y.Min, p.Y.Max = -0.6, float64(len(f.methods))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Y.Padding = 8 * Px
	return p
}

// interval draws one method at the height y.
type interval struct {
	method Method
	y      float64
}

// Plot implements plot.Plotter.
func (v interval) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(v.y)
	main := Color(0)
	if v.method.Baseline {
		main = gray
	}
	mean, deviation := meanDeviation(v.method.Values)
	if len(v.method.Values) > 1 {
		line := draw.LineStyle{Color: main, Width: lineWidth}
		low, high := x(mean-deviation), x(mean+deviation)
		c.StrokeLine2(line, low, at, high, at)
		c.StrokeLine2(line, low, at-5*Px, low, at+5*Px)
		c.StrokeLine2(line, high, at-5*Px, high, at+5*Px)
		for _, value := range v.method.Values {
			dot := vg.Point{X: x(value), Y: at - 9*Px}
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: withAlpha(main, 0x90), Radius: markRadius, Shape: draw.CircleGlyph{}}, dot)
		}
	}
	drawDiamond(c, main, vg.Point{X: x(mean), Y: at})
}

// drawDiamond draws the mark of a mean.
func drawDiamond(c draw.Canvas, fill color.Color, at vg.Point) {
	const r = 6 * Px
	points := []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y + r}}
	c.FillPolygon(fill, points)
}
