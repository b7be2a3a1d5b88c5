// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"introspection/idml"
	"introspection/plots"
)

// A Schedule shows the learning rate of some recipes over their epochs, and below it, as bars, what is trained when; it is a plots.Figure.
type Schedule struct {
	names  []string
	rates  [][]float64 // of each recipe, by epoch
	epochs int
	bars   []bar
}

// A bar says that something is trained from the end of one epoch to the end of another; a bar of no length that it never is.
type bar struct {
	name     string
	from, to int
}

// NewSchedule returns a figure of recipes that differ in the learning rate alone, and its name for each. It is an error if they differ in the
// number of epochs, in warm-up, in the metric's form or in batch normalization: then one set of bars can't stand for all.
func NewSchedule(names []string, recipes []idml.Config) (*Schedule, error) {
	if len(names) == 0 || len(names) != len(recipes) {
		return nil, fmt.Errorf("nb: a schedule of %d recipes and %d names", len(recipes), len(names))
	}
	first := recipes[0]
	s := &Schedule{names: names, epochs: first.Epochs, bars: bars(first)}
	for _, c := range recipes {
		if c.Epochs != first.Epochs || c.WarmupEpochs != first.WarmupEpochs || c.Metric.Form != first.Metric.Form || c.Model.BatchNorm != first.Model.BatchNorm {
			return nil, errors.New("nb: a schedule of recipes that differ in epochs, warm-up, form or batch normalization")
		}
		s.rates = append(s.rates, rates(c))
	}
	return s, nil
}

// rates returns the learning rate of each epoch.
func rates(c idml.Config) []float64 {
	out := make([]float64, c.Epochs)
	for epoch := range out {
		out[epoch] = c.Optimizer.Rate(epoch)
	}
	return out
}

// bars returns what is trained when.
func bars(c idml.Config) []bar {
	warmup := min(c.WarmupEpochs, c.Epochs)
	of := func(name string, g idml.Group) bar {
		b := bar{name, 0, c.Epochs}
		if !c.Trains(g, true) {
			b.from = warmup
		}
		if !c.Trains(g, false) {
			b.from, b.to = 0, 0
		}
		return b
	}
	statistics := bar{"batch norm's mean and variance", 0, 0}
	if c.Model.BatchNorm == idml.TrainedBatchNorm {
		statistics.to = c.Epochs
	}
	return []bar{
		of("proxies and semantic head", idml.SemanticHead), of("uncertainty head", idml.UncertaintyHead),
		of("backbone, batch norm's scale and shift", idml.Backbone), statistics,
	}
}

// scheduleInk is the color of text.
var scheduleInk = color.Gray{0x22}

// Measures of a schedule.
const (
	scheduleHeight = 300 * plots.Px // of the diagram with its axes
	scheduleLeft   = 64 * plots.Px  // room for the axis of the rates
	scheduleBar    = 18 * plots.Px  // of a bar and the gap to the next
	scheduleNames  = 22 * plots.Px  // room for the line of names
	scheduleMargin = 10 * plots.Px
)

// Size returns the width of a notebook and the height that diagram and bars need.
func (s *Schedule) Size() (w, h vg.Length) {
	return plots.Width, 2*scheduleMargin + scheduleNames + scheduleHeight + vg.Length(len(s.bars))*scheduleBar
}

// Draw draws the figure.
func (s *Schedule) Draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, scheduleMargin, -scheduleMargin, scheduleMargin, -scheduleMargin)
	s.drawNames(c)
	p := s.plot()
	upper := c
	upper.Max.Y -= scheduleNames
	upper.Min.Y = upper.Max.Y - scheduleHeight
	p.Draw(upper)
	data := p.DataCanvas(upper)
	x, _ := p.Transforms(&data)
	for i, b := range s.bars {
		top := upper.Min.Y - vg.Length(i)*scheduleBar - 3*plots.Px
		s.drawBar(c, b, x(float64(b.from)), x(float64(b.to)), x(0), top)
	}
}

// plot returns the diagram of the rates.
func (s *Schedule) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text, p.Y.Label.Text = "epochs done", "learning rate"
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sheetStyle(scheduleInk, draw.XCenter, draw.YCenter).Font
		axis.Tick.Label.Font = sheetStyle(scheduleInk, draw.XCenter, draw.YCenter).Font
		axis.Padding = 0
	}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, powers{}
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, float64(s.epochs), tens{}
	low, high := math.Inf(1), 0.0
	for i, rates := range s.rates {
		var stairs plotter.XYs
		for epoch, rate := range rates {
			stairs = append(stairs, plotter.XY{X: float64(epoch), Y: rate}, plotter.XY{X: float64(epoch + 1), Y: rate})
			low, high = min(low, rate), max(high, rate)
		}
		p.Add(&plotter.Line{XYs: stairs, LineStyle: scheduleLine(i)})
	}
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	return p
}

// drawNames draws the names of the recipes with their lines, from left to right.
func (s *Schedule) drawNames(c draw.Canvas) {
	style := sheetStyle(scheduleInk, draw.XLeft, draw.YCenter)
	at := vg.Point{X: c.Min.X + scheduleLeft, Y: c.Max.Y - scheduleNames/2}
	for i, name := range s.names {
		c.StrokeLine2(scheduleLine(i), at.X, at.Y, at.X+28*plots.Px, at.Y)
		at.X += 34 * plots.Px
		c.FillText(style, at, name)
		at.X += style.Width(name) + 20*plots.Px
	}
}

// drawBar draws a bar from left to right and its name into it, or the name alone where there is no bar.
func (s *Schedule) drawBar(c draw.Canvas, b bar, left, right, start, top vg.Length) {
	bottom := top - scheduleBar + 3*plots.Px
	text := fmt.Sprintf("%s: epochs %d to %d", b.name, b.from+1, b.to)
	at := vg.Point{X: left + 5*plots.Px, Y: (top+bottom)/2 + plots.Px}
	if b.from == b.to {
		text, at.X = b.name+": never", start+5*plots.Px
	} else {
		c.FillPolygon(color.NRGBA{0xcc, 0xdf, 0xee, 0xff}, []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
	}
	c.FillText(sheetStyle(scheduleInk, draw.XLeft, draw.YCenter), at, text)
}

// scheduleLine returns the line of the i-th recipe: colors and dashes both tell which it is.
func scheduleLine(i int) draw.LineStyle {
	dashes := [][]vg.Length{nil, {7 * plots.Px, 3 * plots.Px}, {2 * plots.Px, 2.5 * plots.Px}}
	return draw.LineStyle{Color: plots.Color(i), Width: 2 * plots.Px, Dashes: dashes[i%len(dashes)]}
}

// tens are ticks at multiples of ten.
type tens struct{}

// Ticks implements plot.Ticker.
func (tens) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for v := 10 * math.Ceil(low/10); v <= high; v += 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(v)})
	}
	return ticks
}

// powers are ticks at powers of ten, written as in a configuration.
type powers struct{}

// Ticks implements plot.Ticker.
func (powers) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for k := math.Round(math.Log10(low)); k <= math.Round(math.Log10(high)); k++ {
		ticks = append(ticks, plot.Tick{Value: math.Pow(10, k), Label: fmt.Sprintf("1e%.0f", k)})
	}
	return ticks
}
