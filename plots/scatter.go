// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Dot is a point of a Scatter: where it lies in each panel, its group, and how large its quantity is.
type Dot struct {
	At    [][2]float64
	Group string
	Size  float64
}

// Scatter shows points in the plane, such as embeddings that were projected, in square panels side by side whose axes have no unit. The area of a dot grows with its
// size, from the 5th to the 95th percentile of all sizes. A few groups have a color and a mark; those of all others are gray.
type Scatter struct {
	Title string
	// SizeLabel names the size.
	SizeLabel string

	panels []string
	dots   []Dot
	shown  []string // groups that have a color
}

// MostGroups is how many groups a Scatter shows in colors.
const MostGroups = 7

// NewScatter returns a figure of the dots, which it copies, in panels of the given names; groups names those in colors, MostGroups at most. The error wraps ErrNoData if
// there is no dot or no panel, and ErrNotFinite for a number that is NaN or infinite.
func NewScatter(sizeLabel string, panels []string, dots []Dot, groups ...string) (*Scatter, error) {
	if len(dots) == 0 || len(panels) == 0 {
		return nil, fmt.Errorf("%w: scatter of %d dots in %d panels", ErrNoData, len(dots), len(panels))
	}
	if len(groups) > MostGroups {
		return nil, fmt.Errorf("plots: scatter: %d groups in colors, want at most %d", len(groups), MostGroups)
	}
	f := &Scatter{SizeLabel: sizeLabel, panels: slices.Clone(panels), shown: slices.Clone(groups)}
	for i, d := range dots {
		if len(d.At) != len(panels) {
			return nil, fmt.Errorf("plots: scatter: dot %d has %d places for %d panels", i, len(d.At), len(panels))
		}
		for _, at := range d.At {
			if !finite(at[0]) || !finite(at[1]) || !finite(d.Size) {
				return nil, fmt.Errorf("%w: scatter: dot %d at %v of the size %v", ErrNotFinite, i, at, d.Size)
			}
		}
		d.At = slices.Clone(d.At)
		f.dots = append(f.dots, d)
	}
	return f, nil
}

// Measures of a scatter.
const (
	scatterGap      = 16 * Px
	scatterName     = 22 * Px
	smallestDot     = 1.4 * Px // radius
	largestDot      = 4.6 * Px
	scatterMargin   = 0.04 // of the range, on each side
	otherGroups     = "other classes"
	scatterOpacity  = 0xc8
	scatterOtherDim = 0x70
)

// side returns the side of a panel.
func (f *Scatter) side(width vg.Length) vg.Length {
	n := vg.Length(len(f.panels))
	return min((width-(n-1)*scatterGap)/n, 420*Px)
}

// Size returns the width of a notebook and the height that square panels need.
func (f *Scatter) Size() (w, h vg.Length) {
	h = 18*Px + legendHeight(f.legend(), Width-gridMargins) + scatterName + f.side(Width-gridMargins)
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Scatter) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	items := f.legend()
	drawLegend(c, items)
	c.Max.Y -= legendHeight(items, c.Max.X-c.Min.X)
	side := f.side(c.Max.X - c.Min.X)
	name := aligned(textStyle(tickSize, ink), draw.XLeft, draw.YTop)
	for k := range f.panels {
		left := c.Min.X + vg.Length(k)*(side+scatterGap)
		c.FillText(name, vg.Point{X: left, Y: c.Max.Y}, fit(name, f.panels[k], side))
		f.drawPanel(c, square(left, c.Max.Y-scatterName, side), k)
	}
}

// drawPanel draws the dots into a square, in one scale for both axes, gray ones first and larger ones before smaller ones.
func (f *Scatter) drawPanel(c draw.Canvas, at vg.Rectangle, panel int) {
	strokeRectangle(c, draw.LineStyle{Color: faint, Width: axisWidth}, at)
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, d := range f.dots {
		for k, v := range d.At[panel] {
			low[k], high[k] = min(low[k], v), max(high[k], v)
		}
	}
	span := max(high[0]-low[0], high[1]-low[1]) * (1 + 2*scatterMargin)
	if span == 0 {
		span = 1
	}
	middle, scale := center(at), (at.Max.X-at.Min.X)/vg.Length(span)
	place := func(d Dot) vg.Point {
		return vg.Point{
			X: middle.X + scale*vg.Length(d.At[panel][0]-(low[0]+high[0])/2),
			Y: middle.Y + scale*vg.Length(d.At[panel][1]-(low[1]+high[1])/2),
		}
	}
	small, large := f.sizes()
	for _, d := range f.order() {
		c.DrawGlyphNoClip(f.glyph(d.Group, radius(d.Size, small, large)), place(d))
	}
}

// order returns the dots as they are drawn.
func (f *Scatter) order() []Dot {
	front := func(d Dot) int {
		if slices.Contains(f.shown, d.Group) {
			return 1
		}
		return 0
	}
	dots := slices.Clone(f.dots)
	slices.SortStableFunc(dots, func(a, b Dot) int { return cmp.Or(front(a)-front(b), cmp.Compare(b.Size, a.Size)) })
	return dots
}

// sizes returns the sizes of the smallest and of the largest dots.
func (f *Scatter) sizes() (small, large float64) {
	var all []float64
	for _, d := range f.dots {
		all = append(all, d.Size)
	}
	slices.Sort(all)
	return quantile(all, 0.05), quantile(all, 0.95)
}

// radius returns the radius of a dot, so that areas grow evenly.
func radius(size, small, large float64) vg.Length {
	part := 0.5
	if large-small > 1e-5*math.Abs(large) {
		part = min(max((size-small)/(large-small), 0), 1)
	}
	return vg.Length(math.Sqrt(float64(smallestDot*smallestDot)*(1-part) + float64(largestDot*largestDot)*part))
}

// glyph returns the mark of a group.
func (f *Scatter) glyph(group string, radius vg.Length) draw.GlyphStyle {
	i := slices.Index(f.shown, group)
	if i < 0 {
		return draw.GlyphStyle{Color: withAlpha(faint, scatterOtherDim), Radius: radius, Shape: draw.CircleGlyph{}}
	}
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}}
	return draw.GlyphStyle{Color: withAlpha(Color(i), scatterOpacity), Radius: radius, Shape: shapes[i%len(shapes)]}
}

// legend names the groups and shows the sizes.
func (f *Scatter) legend() []legendItem {
	var items []legendItem
	dot := func(name string, style draw.GlyphStyle) {
		items = append(items, legendItem{name, func(c draw.Canvas, r vg.Rectangle) { c.DrawGlyphNoClip(style, center(r)) }})
	}
	others := false
	for _, d := range f.dots {
		others = others || !slices.Contains(f.shown, d.Group)
	}
	for _, group := range f.shown {
		dot(group, f.glyph(group, 4*Px))
	}
	if others {
		dot(otherGroups, f.glyph("", 4*Px))
	}
	small, large := f.sizes()
	outline := func(r vg.Length) draw.GlyphStyle {
		return draw.GlyphStyle{Color: color.Color(gray), Radius: r, Shape: draw.RingGlyph{}}
	}
	dot(f.SizeLabel+" "+short(small), outline(smallestDot))
	dot(short(large), outline(largestDot))
	return items
}
