// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Contrast is one line of Differences: how much more one setting reaches than another.
type Contrast struct {
	Name string
	// Mean is the difference; Values are those of single seeds, if seeds are paired.
	Mean   float64
	Values []float64
	// Thick and Thin are two intervals, low and high end, drawn as lines of these kinds.
	Thick, Thin [2]float64
}

// Differences shows differences between settings beside zero: each as a diamond with two intervals and every seed as a dot.
type Differences struct {
	Title  string
	XLabel string
	// ThickLabel and ThinLabel tell in the legend what the intervals are.
	ThickLabel, ThinLabel string
	// Digits is how many digits after the point the numbers at the right have.
	Digits int

	contrasts []Contrast
}

// NewDifferences returns a figure of the contrasts, which it copies, from top to bottom. The error wraps ErrNoData if there is none, and
// ErrNotFinite if a number is NaN or infinite.
func NewDifferences(xLabel string, contrasts []Contrast) (*Differences, error) {
	if len(contrasts) == 0 {
		return nil, fmt.Errorf("%w: differences without contrasts", ErrNoData)
	}
	f := &Differences{XLabel: xLabel, ThickLabel: "thick line", ThinLabel: "thin line", Digits: 3}
	for _, c := range contrasts {
		for _, v := range slices.Concat([]float64{c.Mean}, c.Values, c.Thick[:], c.Thin[:]) {
			if !finite(v) {
				return nil, fmt.Errorf("%w: differences: %q has %v", ErrNotFinite, c.Name, v)
			}
		}
		c.Values = slices.Clone(c.Values)
		f.contrasts = append(f.contrasts, c)
	}
	return f, nil
}

// Measures of differences.
const (
	contrastHeight = 36 * Px
	endsWidth      = 150 * Px
)

// Size returns the width of a notebook and the height that the contrasts and the legend need.
func (f *Differences) Size() (w, h vg.Length) {
	h = vg.Length(len(f.contrasts))*contrastHeight + 92*Px + legendHeight(f.legend(), Width-22*Px)
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Styles of the two intervals.
var (
	thickStyle = draw.LineStyle{Color: Color(0), Width: 3 * lineWidth}
	thinStyle  = draw.LineStyle{Color: Color(0), Width: ruleWidth}
	seedStyle  = draw.GlyphStyle{Color: withAlpha(Color(1), 0xb0), Radius: markRadius, Shape: draw.CircleGlyph{}}
)

// legend returns what the marks mean.
func (f *Differences) legend() []legendItem {
	none := draw.GlyphStyle{Shape: draw.CircleGlyph{}, Color: paper}
	items := []legendItem{{f.ThickLabel, lineKey(thickStyle, none)}, {f.ThinLabel, lineKey(thinStyle, none)}}
	if slices.ContainsFunc(f.contrasts, func(c Contrast) bool { return len(c.Values) > 0 }) {
		items = append(items, legendItem{"a seed", lineKey(draw.LineStyle{}, seedStyle)})
	}
	return items
}

// Draw draws the figure.
func (f *Differences) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	items := f.legend()
	drawLegend(c, items)
	c.Max.Y -= legendHeight(items, c.Max.X-c.Min.X)
	drawBeside(c, f.plot((c.Max.X-c.Min.X)*0.36), beside{
		width: endsWidth, gap: 14 * Px, heading: "mean [thin line]", lines: len(f.contrasts), place: f.place,
		text: func(i int) string { return f.numbers(f.contrasts[i]) },
	})
}

// place returns the y of the i-th contrast: the first is on top.
func (f *Differences) place(i int) float64 { return float64(len(f.contrasts) - 1 - i) }

// numbers returns the text at the right of a contrast.
func (f *Differences) numbers(c Contrast) string {
	number := func(v float64) string { return signed(v, f.Digits) }
	return fmt.Sprintf("%s [%s, %s]", number(c.Mean), number(c.Thin[0]), number(c.Thin[1]))
}

// signed writes a number with its sign, which zero hasn't.
func signed(v float64, digits int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	if zero := strconv.FormatFloat(0, 'f', digits, 64); text == zero {
		return text
	}
	if v < 0 {
		return "−" + text
	}
	return "+" + text
}

// plot returns the diagram; names are cut to a width.
func (f *Differences) plot(names vg.Length) *plot.Plot {
	p := newPlot(f.XLabel, "")
	p.Add(gridLines{vertical: true}, zeroLine{})
	low, high := 0.0, 0.0
	var ticks []plot.Tick
	for i, c := range f.contrasts {
		p.Add(contrastLine{c, f.place(i)})
		all := slices.Concat([]float64{c.Mean}, c.Values, c.Thick[:], c.Thin[:])
		low, high = min(low, slices.Min(all)), max(high, slices.Max(all))
		ticks = append(ticks, plot.Tick{Value: f.place(i), Label: fit(p.Y.Tick.Label, c.Name, names)})
	}
	niceAxis(&p.X, low, high, 4, true)
	p.Y.Min, p.Y.Max = -0.6, float64(len(f.contrasts))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Y.Padding = 8 * Px
	return p
}

// zeroLine draws where there is no difference.
type zeroLine struct{}

// Plot implements plot.Plotter.
func (zeroLine) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	at := x(0)
	c.StrokeLine2(draw.LineStyle{Color: gray, Width: ruleWidth, Dashes: dashes[1]}, at, c.Min.Y, at, c.Max.Y)
}

// contrastLine draws one contrast at the height y.
type contrastLine struct {
	contrast Contrast
	y        float64
}

// Plot implements plot.Plotter.
func (v contrastLine) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(v.y)
	c.StrokeLine2(thinStyle, x(v.contrast.Thin[0]), at, x(v.contrast.Thin[1]), at)
	for _, end := range v.contrast.Thin {
		c.StrokeLine2(thinStyle, x(end), at-5*Px, x(end), at+5*Px)
	}
	c.StrokeLine2(thickStyle, x(v.contrast.Thick[0]), at, x(v.contrast.Thick[1]), at)
	for _, value := range v.contrast.Values {
		c.DrawGlyphNoClip(seedStyle, vg.Point{X: x(value), Y: at - 10*Px})
	}
	drawDiamond(c, ink, vg.Point{X: x(v.contrast.Mean), Y: at})
}
