// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line of a panel: points from left to right. A y that is not
// finite, as the loss of a run that diverged, leaves a gap.
type Series struct {
	Name string
	X, Y []float64
	// Background draws the line thin and gray, as for the loss of every step behind its means.
	Background bool
}

// Rule is a level to compare series with, such as a baseline: a horizontal line.
type Rule struct {
	Name string
	Y    float64
}

// Panel is one diagram of Curves.
type Panel struct {
	YLabel string
	Series []Series
	Rules  []Rule
	// FromZero begins the y axis at 0, as it should for fractions.
	FromZero bool
}

// Curves shows quantities over training time, each panel with an axis of its
// own, side by side.
type Curves struct {
	Title  string
	XLabel string
	// WholeX puts ticks at whole numbers only, as for epochs.
	WholeX bool
	Panels []Panel
}

// mostMarkers is how many points of a line have markers at most.
const mostMarkers = 32

// NewCurves returns a figure of the panels, which it copies, with xLabel under each. The
// error wraps ErrNoData if there is no panel or a panel has no point to draw, and
// ErrNotFinite for an x or a rule that is NaN or infinite.
func NewCurves(xLabel string, panels ...Panel) (*Curves, error) {
	if len(panels) == 0 {
		return nil, fmt.Errorf("%w: curves without panels", ErrNoData)
	}
	f := &Curves{XLabel: xLabel, WholeX: true}
	for _, p := range panels {
		p.Rules = slices.Clone(p.Rules)
		p.Series = slices.Clone(p.Series)
		points := 0
		for i := range p.Series {
			s := &p.Series[i]
			if len(s.X) != len(s.Y) {
				return nil, fmt.Errorf("plots: curves: series %q has %d x and %d y", s.Name, len(s.X), len(s.Y))
			}
			s.X, s.Y = slices.Clone(s.X), slices.Clone(s.Y)
			for k, x := range s.X {
				if !finite(x) {
					return nil, fmt.Errorf("%w: curves: x %d of series %q is %v", ErrNotFinite, k, s.Name, x)
				}
				if finite(s.Y[k]) {
					points++
				}
			}
		}
		for _, r := range p.Rules {
			if !finite(r.Y) {
				return nil, fmt.Errorf("%w: curves: rule %q is %v", ErrNotFinite, r.Name, r.Y)
			}
		}
		if points == 0 {
			return nil, fmt.Errorf("%w: curves: nothing to draw in panel %q", ErrNoData, p.YLabel)
		}
		f.Panels = append(f.Panels, p)
	}
	return f, nil
}

// Size returns the width of a notebook; one panel is higher than several.
func (f *Curves) Size() (w, h vg.Length) {
	if len(f.Panels) == 1 {
		return Width, Height
	}
	return Width, 310 * Px
}

// Draw draws the figure.
func (f *Curves) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	const gap = 20 * Px
	n := vg.Length(len(f.Panels))
	width := (c.Max.X - c.Min.X - (n-1)*gap) / n
	var top vg.Length
	for i := range f.Panels {
		top = max(top, legendHeight(f.Panels[i].legend(), width))
	}
	for i := range f.Panels {
		at := c
		at.Min.X = c.Min.X + vg.Length(i)*(width+gap)
		at.Max.X = at.Min.X + width
		drawLegend(at, f.Panels[i].legend())
		at.Max.Y -= top
		f.plot(&f.Panels[i]).Draw(at)
	}
}

// plot returns a panel as a plot.
func (f *Curves) plot(panel *Panel) *plot.Plot {
	p := newPlot(f.XLabel, panel.YLabel)
	p.Add(gridLines{vertical: true, horizontal: true})
	xLow, xHigh := f.limits()
	yLow, yHigh := panel.limits()
	for i, s := range panel.Series {
		line, mark := panel.styles(i)
		for _, run := range runs(s) {
			p.Add(&plotter.Line{XYs: run, LineStyle: line})
			if mark.Shape != nil || len(run) == 1 {
				p.Add(&plotter.Scatter{XYs: run, GlyphStyle: orDot(mark, line)})
			}
		}
	}
	for i, r := range panel.Rules {
		xs := plotter.XYs{{X: xLow, Y: r.Y}, {X: xHigh, Y: r.Y}}
		p.Add(&plotter.Line{XYs: xs, LineStyle: ruleStyle(i)})
	}
	niceAxis(&p.Y, yLow, yHigh, 5, true)
	niceAxis(&p.X, xLow, xHigh, 6, false)
	if f.WholeX {
		wholeTicks(&p.X, 6)
	}
	return p
}

// limits returns the range of x, which all panels share.
func (f *Curves) limits() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range f.Panels {
		for _, s := range p.Series {
			for i, y := range s.Y {
				if finite(y) {
					low, high = min(low, s.X[i]), max(high, s.X[i])
				}
			}
		}
	}
	return spread(low, high)
}

// limits returns the range of y.
func (p *Panel) limits() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for _, y := range s.Y {
			if finite(y) {
				low, high = min(low, y), max(high, y)
			}
		}
	}
	for _, r := range p.Rules {
		low, high = min(low, r.Y), max(high, r.Y)
	}
	if p.FromZero {
		low, high = min(low, 0), max(high, 0)
	}
	return low, high
}

// styles returns the line and the marker of a series; a marker without shape is none.
func (p *Panel) styles(i int) (draw.LineStyle, draw.GlyphStyle) {
	if p.Series[i].Background {
		return draw.LineStyle{Color: faint, Width: axisWidth}, draw.GlyphStyle{}
	}
	k := 0 // its place among the series in front
	for _, s := range p.Series[:i] {
		if !s.Background {
			k++
		}
	}
	line := draw.LineStyle{Color: Color(k), Width: lineWidth, Dashes: dashes[k%len(dashes)]}
	if len(p.Series[i].X) > mostMarkers {
		return line, draw.GlyphStyle{}
	}
	return line, draw.GlyphStyle{Color: Color(k), Radius: markRadius, Shape: marks[k%len(marks)]}
}

// orDot returns mark, or a dot in the color of line if mark has no shape: a
// point without neighbors would not be seen otherwise.
func orDot(mark draw.GlyphStyle, line draw.LineStyle) draw.GlyphStyle {
	if mark.Shape != nil {
		return mark
	}
	return draw.GlyphStyle{Color: line.Color, Radius: line.Width, Shape: draw.CircleGlyph{}}
}

// ruleStyle returns the line of the i-th rule.
func ruleStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: gray, Width: ruleWidth, Dashes: dashes[1+i%(len(dashes)-1)]}
}

// legend returns the names of the panel's series and rules; none if there is
// one series alone, which the y axis names.
func (p *Panel) legend() []legendItem {
	if len(p.Series) == 1 && len(p.Rules) == 0 {
		return nil
	}
	var items []legendItem
	for i, s := range p.Series {
		line, mark := p.styles(i)
		items = append(items, legendItem{s.Name, lineKey(line, mark)})
	}
	for i, r := range p.Rules {
		items = append(items, legendItem{r.Name, lineKey(ruleStyle(i), draw.GlyphStyle{})})
	}
	return items
}

// runs cuts a series at the points that are not finite.
func runs(s Series) []plotter.XYs {
	var all []plotter.XYs
	open := false
	for i, y := range s.Y {
		if !finite(y) {
			open = false
			continue
		}
		if !open {
			all, open = append(all, nil), true
		}
		all[len(all)-1] = append(all[len(all)-1], plotter.XY{X: s.X[i], Y: y})
	}
	return all
}
