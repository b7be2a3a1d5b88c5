// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"introspection/experiment"
	"introspection/plots"
)

// A Span is a line of Spans: a mean and its interval, which there may not be. Baseline draws it gray.
type Span struct {
	Name     string
	Mean     float64
	Interval experiment.Interval
	Baseline bool
}

// Spans shows means as diamonds with their intervals, from top to bottom; it is a plots.Figure. plots.Intervals shows the values of single seeds; this is for
// tables that have none.
type Spans struct {
	xLabel string
	spans  []Span
}

// NewSpans returns a figure of the spans. It is an error if there is none or a mean is no finite number.
func NewSpans(xLabel string, spans []Span) (*Spans, error) {
	if len(spans) == 0 {
		return nil, fmt.Errorf("nb: spans: %w", plots.ErrNoData)
	}
	for _, s := range spans {
		if math.IsNaN(s.Mean) || math.IsInf(s.Mean, 0) {
			return nil, fmt.Errorf("nb: spans: the mean of %q is %v: %w", s.Name, s.Mean, plots.ErrNotFinite)
		}
	}
	return &Spans{xLabel, spans}, nil
}

// Measures of spans.
const (
	spanHeight  = 24 * plots.Px
	spanAxis    = 50 * plots.Px  // the axis below
	spanHead    = 20 * plots.Px  // the line above the numbers
	spanNumbers = 148 * plots.Px // the numbers at the right
	spanMargin  = 10 * plots.Px
	spanMark    = 5 * plots.Px // half a diamond, and the ends of an interval
)

// Size returns the width of a notebook and the height that the spans need.
func (s *Spans) Size() (w, h vg.Length) {
	return plots.Width, 2*spanMargin + spanHead + spanAxis + vg.Length(len(s.spans))*spanHeight
}

// Draw draws the figure.
func (s *Spans) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, spanMargin, -spanMargin, spanMargin, -spanMargin)
	p := s.plot()
	left := draw.Crop(c, 0, -spanNumbers, 0, -spanHead)
	p.Draw(left)
	data := p.DataCanvas(left)
	_, y := p.Transforms(&data)
	style := sheetStyle(scheduleInk, draw.XLeft, draw.YCenter)
	x := c.Max.X - spanNumbers + 12*plots.Px
	c.FillText(style, vg.Point{X: x, Y: c.Max.Y - spanHead/2}, "mean, 95 % over seeds")
	for i, span := range s.spans {
		text := fmt.Sprintf("%.3f", span.Mean)
		if span.Interval.Exists() {
			text += " " + experiment.IntervalText(span.Interval)
		}
		c.FillText(style, vg.Point{X: x, Y: y(s.place(i)) + plots.Px}, text)
	}
}

// place returns the y of the i-th span: the first is on top.
func (s *Spans) place(i int) float64 { return float64(len(s.spans) - 1 - i) }

// plot returns the diagram.
func (s *Spans) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text = s.xLabel
	font := sheetStyle(scheduleInk, draw.XCenter, draw.YCenter).Font
	p.X.Label.TextStyle.Font, p.X.Tick.Label.Font, p.Y.Tick.Label.Font = font, font, font
	low, high := math.Inf(1), math.Inf(-1)
	var ticks []plot.Tick
	for i, span := range s.spans {
		low, high = min(low, span.Mean), max(high, span.Mean)
		if span.Interval.Exists() {
			low, high = min(low, span.Interval.Low), max(high, span.Interval.High)
		}
		ticks = append(ticks, plot.Tick{Value: s.place(i), Label: span.Name})
		p.Add(spanLine{span, s.place(i)})
	}
	edge := 0.03 * max(high-low, 1e-3)
	p.X.Min, p.X.Max, p.X.Padding, p.X.Tick.Marker = low-edge, high+edge, 0, round{}
	p.Y.Min, p.Y.Max, p.Y.Padding = -0.6, float64(len(s.spans))-0.4, 6*plots.Px
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	return p
}

// round are about six ticks at round numbers.
type round struct{}

// Ticks implements plot.Ticker.
func (round) Ticks(low, high float64) (ticks []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/3)))
	for _, times := range []float64{5, 2} {
		if (high-low)/(step*times) >= 3 {
			step *= times
			break
		}
	}
	for k := math.Ceil(low / step); k*step <= high; k++ {
		digits := max(0, int(-math.Floor(math.Log10(step))))
		ticks = append(ticks, plot.Tick{Value: k * step, Label: strings.ReplaceAll(fmt.Sprintf("%.*f", digits, k*step+0), "-", "−")})
	}
	return ticks
}

// spanLine draws one span at the height y.
type spanLine struct {
	span Span
	y    float64
}

// Plot implements plot.Plotter.
func (l spanLine) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(l.y)
	var main color.Color = plots.Color(0)
	if l.span.Baseline {
		main = color.Gray{0x80}
	}
	c.StrokeLine2(draw.LineStyle{Color: color.Gray{0xe6}, Width: 0.75 * plots.Px}, c.Min.X, at, c.Max.X, at)
	if l.span.Interval.Exists() {
		line := draw.LineStyle{Color: main, Width: 1.5 * plots.Px}
		low, high := x(l.span.Interval.Low), x(l.span.Interval.High)
		c.StrokeLine2(line, low, at, high, at)
		c.StrokeLine2(line, low, at-spanMark, low, at+spanMark)
		c.StrokeLine2(line, high, at-spanMark, high, at+spanMark)
	}
	mean := x(l.span.Mean)
	c.FillPolygon(main, []vg.Point{{X: mean - spanMark, Y: at}, {X: mean, Y: at - spanMark}, {X: mean + spanMark, Y: at}, {X: mean, Y: at + spanMark}})
}
