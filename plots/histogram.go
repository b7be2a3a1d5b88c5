// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Group is a named sample, such as the uncertainties of the blurred images.
type Group struct {
	Name   string
	Values []float64
}

// Histogram shows how a quantity is distributed in several groups, one outline
// over the other, with the same bins for all.
type Histogram struct {
	Title  string
	XLabel string
	// Density scales each outline to an area of 1, so that groups of unequal
	// size can be compared; else the heights are counts.
	Density bool
	// Bins is about how many bins there are over the range of all values.
	Bins int

	groups []Group
}

// NewHistogram returns a figure of the groups, which it copies, in about 24
// bins, as densities. A group without values keeps its place in the legend.
// The error wraps ErrNoData if there is no value at all, and ErrNotFinite if one is NaN or
// infinite.
func NewHistogram(xLabel string, groups ...Group) (*Histogram, error) {
	f := &Histogram{XLabel: xLabel, Density: true, Bins: 24}
	count := 0
	for _, g := range groups {
		for i, v := range g.Values {
			if !finite(v) {
				return nil, fmt.Errorf("%w: histogram: value %d of group %q is %v", ErrNotFinite, i, g.Name, v)
			}
		}
		count += len(g.Values)
		f.groups = append(f.groups, Group{g.Name, slices.Clone(g.Values)})
	}
	if count == 0 {
		return nil, fmt.Errorf("%w: histogram without values", ErrNoData)
	}
	return f, nil
}

// Edges returns the edges of the bins: multiples of a round width that enclose
// all values. They depend on the range of the values alone, so that another order or
// more values in between leave them as they are.
func (f *Histogram) Edges() []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, g := range f.groups {
		for _, v := range g.Values {
			low, high = min(low, v), max(high, v)
		}
	}
	low, high = spread(low, high)
	width := niceStep(high-low, max(f.Bins, 1))
	first, last := math.Floor(low/width), math.Floor(high/width)+1
	var edges []float64
	for i := first; i <= last; i++ {
		edges = append(edges, i*width)
	}
	return edges
}

// Counts returns how many values of each group lie in each bin. A bin holds
// its left edge, not its right one.
func (f *Histogram) Counts() [][]int { return f.counts(f.Edges()) }

func (f *Histogram) counts(edges []float64) [][]int {
	counts := make([][]int, len(f.groups))
	for i, g := range f.groups {
		counts[i] = make([]int, len(edges)-1)
		for _, v := range g.Values {
			bin, found := slices.BinarySearch(edges, v)
			if !found {
				bin--
			}
			counts[i][min(max(bin, 0), len(edges)-2)]++
		}
	}
	return counts
}

// Size returns the size of the figure.
func (f *Histogram) Size() (w, h vg.Length) { return Width, Height }

// Draw draws the figure.
func (f *Histogram) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	items := f.legend()
	drawLegend(c, items)
	c.Max.Y -= legendHeight(items, c.Max.X-c.Min.X)
	f.plot().Draw(c)
}

// plot returns the outlines as a plot.
func (f *Histogram) plot() *plot.Plot {
	label := "images"
	if f.Density {
		label = "density"
	}
	p := newPlot(f.XLabel, label)
	p.Add(gridLines{horizontal: true})
	edges, top := f.Edges(), 0.0
	all := f.heights(edges)
	for i, heights := range all {
		p.Add(area{outline{edges, heights}, withAlpha(Color(i), fillAlpha)})
		top = max(top, slices.Max(heights))
	}
	for i, heights := range all { // after all areas, so that none of them tints a line
		p.Add(stairs{outline{edges, heights}, f.line(i)})
	}
	niceAxis(&p.X, edges[0], edges[len(edges)-1], 8, false)
	niceAxis(&p.Y, 0, top, 5, true)
	if !f.Density {
		wholeTicks(&p.Y, 5)
	}
	return p
}

// heights returns the height of each bin of each group.
func (f *Histogram) heights(edges []float64) [][]float64 {
	heights := make([][]float64, len(f.groups))
	for i, counts := range f.counts(edges) {
		heights[i] = make([]float64, len(counts))
		for k, n := range counts {
			heights[i][k] = float64(n)
			if f.Density && n > 0 {
				heights[i][k] /= float64(len(f.groups[i].Values)) * (edges[k+1] - edges[k])
			}
		}
	}
	return heights
}

// line returns the style of the i-th outline.
func (f *Histogram) line(i int) draw.LineStyle {
	return draw.LineStyle{Color: Color(i), Width: lineWidth, Dashes: dashes[i%len(dashes)]}
}

// legend names the groups and their sizes.
func (f *Histogram) legend() []legendItem {
	var items []legendItem
	for i, g := range f.groups {
		line := f.line(i)
		items = append(items, legendItem{
			fmt.Sprintf("%s (n = %d)", g.Name, len(g.Values)),
			func(c draw.Canvas, r vg.Rectangle) {
				fillRectangle(c, withAlpha(Color(i), fillAlpha), r)
				c.StrokeLine2(line, r.Min.X, r.Max.Y, r.Max.X, r.Max.Y)
			},
		})
	}
	return items
}

// fillAlpha is the opacity of the areas under outlines.
const fillAlpha = 0x28

// outline is one group as a line of steps over the bins.
type outline struct{ edges, heights []float64 }

// points returns the line from the left end of the base to its right end, and the base.
func (o outline) points(c draw.Canvas, p *plot.Plot) ([]vg.Point, vg.Length) {
	x, y := p.Transforms(&c)
	base := y(0)
	points := []vg.Point{{X: x(o.edges[0]), Y: base}}
	for i, h := range o.heights {
		points = append(points, vg.Point{X: x(o.edges[i]), Y: y(h)}, vg.Point{X: x(o.edges[i+1]), Y: y(h)})
	}
	return append(points, vg.Point{X: x(o.edges[len(o.edges)-1]), Y: base}), base
}

// area fills what is under an outline.
type area struct {
	outline
	fill color.Color
}

// Plot implements plot.Plotter.
func (a area) Plot(c draw.Canvas, p *plot.Plot) {
	points, _ := a.points(c, p)
	c.FillPolygon(a.fill, points)
}

// stairs draws the line of an outline.
type stairs struct {
	outline
	line draw.LineStyle
}

// Plot implements plot.Plotter.
func (s stairs) Plot(c draw.Canvas, p *plot.Plot) {
	points, base := s.points(c, p)
	for _, part := range above(points, base) {
		c.StrokeLines(s.line, part)
	}
}

// above cuts a line to the parts that leave the base, so that empty bins draw nothing.
func above(points []vg.Point, base vg.Length) [][]vg.Point {
	var parts [][]vg.Point
	open := false
	for i := 1; i < len(points); i++ {
		if points[i-1].Y == base && points[i].Y == base {
			open = false
			continue
		}
		if !open {
			parts, open = append(parts, []vg.Point{points[i-1]}), true
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], points[i])
	}
	return parts
}
