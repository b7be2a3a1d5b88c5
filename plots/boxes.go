// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Boxes shows how a quantity is distributed in many groups, such as classes, a row each, the group with the largest median on top: a thin line from the 5th to the 95th
// percentile, a thick one from quartile to quartile, and the median as a diamond. Of more than MostBoxes groups those with the largest and the smallest medians are
// shown, and between them how many are not.
type Boxes struct {
	Title  string
	XLabel string

	groups []Group // with the largest median first, values ascending
}

// MostBoxes is how many groups Boxes shows.
const MostBoxes = 20

// NewBoxes returns a figure of the groups, which it copies. Groups without values are left out. The error wraps ErrNoData if there is no value, and ErrNotFinite if
// one is NaN or infinite.
func NewBoxes(xLabel string, groups ...Group) (*Boxes, error) {
	f := &Boxes{XLabel: xLabel}
	for _, g := range groups {
		for i, v := range g.Values {
			if !finite(v) {
				return nil, fmt.Errorf("%w: boxes: value %d of group %q is %v", ErrNotFinite, i, g.Name, v)
			}
		}
		if len(g.Values) > 0 {
			f.groups = append(f.groups, Group{g.Name, slices.Sorted(slices.Values(g.Values))})
		}
	}
	if len(f.groups) == 0 {
		return nil, fmt.Errorf("%w: boxes without values", ErrNoData)
	}
	slices.SortStableFunc(f.groups, func(a, b Group) int { return cmp.Compare(quantile(b.Values, 0.5), quantile(a.Values, 0.5)) })
	return f, nil
}

// quantile returns the value below which a share of some values lies, which are ascending, between two of them in proportion.
func quantile(values []float64, share float64) float64 {
	at := share * float64(len(values)-1)
	i := min(int(at), len(values)-1)
	j := min(i+1, len(values)-1)
	return values[i] + (at-float64(i))*(values[j]-values[i])
}

// boxRow is a row of the figure: a group, or in place of those that are left out how many.
type boxRow struct {
	group Group
	left  int
}

// rows returns the rows from top to bottom.
func (f *Boxes) rows() []boxRow {
	var rows []boxRow
	n := len(f.groups)
	for i, g := range f.groups {
		switch {
		case n <= MostBoxes || i < MostBoxes/2 || i >= n-MostBoxes/2:
			rows = append(rows, boxRow{group: g})
		case i == MostBoxes/2:
			rows = append(rows, boxRow{left: n - MostBoxes/2*2})
		}
	}
	return rows
}

const boxHeight = 20 * Px

// Size returns the width of a notebook and the height that the groups need.
func (f *Boxes) Size() (w, h vg.Length) {
	h = vg.Length(len(f.rows()))*boxHeight + 92*Px
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Boxes) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	rows := f.rows()
	place := func(i int) float64 { return float64(len(rows) - 1 - i) }
	drawBeside(c, f.plot(rows, place, (c.Max.X-c.Min.X)*0.36), beside{
		width: 92 * Px, gap: 14 * Px, heading: "median (n)", lines: len(rows), place: place,
		text: func(i int) string {
			if rows[i].left > 0 {
				return ""
			}
			return short(quantile(rows[i].group.Values, 0.5)) + fmt.Sprintf(" (%d)", len(rows[i].group.Values))
		},
	})
}

// plot returns the diagram; names are cut to a width.
func (f *Boxes) plot(rows []boxRow, place func(i int) float64, names vg.Length) *plot.Plot {
	p := newPlot(f.XLabel, "")
	p.Add(gridLines{vertical: true})
	low, high := math.Inf(1), math.Inf(-1)
	var ticks []plot.Tick
	for i, r := range rows {
		name := r.group.Name
		if r.left > 0 {
			name = fmt.Sprintf("… %d between", r.left)
		} else {
			low, high = min(low, quantile(r.group.Values, 0.05)), max(high, quantile(r.group.Values, 0.95))
			p.Add(box{r.group.Values, place(i)})
		}
		ticks = append(ticks, plot.Tick{Value: place(i), Label: fit(p.Y.Tick.Label, name, names)})
	}
	niceAxis(&p.X, low, high, 5, true)
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Y.Padding = 8 * Px
	return p
}

// box draws the distribution of values, ascending, at the height y.
type box struct {
	values []float64
	y      float64
}

// Plot implements plot.Plotter.
func (b box) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(b.y)
	line := func(from, to float64, width vg.Length) {
		c.StrokeLine2(draw.LineStyle{Color: Color(0), Width: width}, x(quantile(b.values, from)), at, x(quantile(b.values, to)), at)
	}
	line(0.05, 0.95, ruleWidth)
	line(0.25, 0.75, 7*Px)
	middle := vg.Point{X: x(quantile(b.values, 0.5)), Y: at}
	drawDiamond(c, paper, middle)
	const inner = 4 * Px
	c.FillPolygon(ink, []vg.Point{{X: middle.X - inner, Y: at}, {X: middle.X, Y: at - inner}, {X: middle.X + inner, Y: at}, {X: middle.X, Y: at + inner}})
}
