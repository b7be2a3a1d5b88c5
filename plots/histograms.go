// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HistogramPanel is one diagram of Histograms.
type HistogramPanel struct {
	Name   string
	Groups []Group
}

// Histograms shows how a quantity is distributed in groups that are in an order, such as strengths of a corruption, in a panel for each of several things, over one
// axis. The first group of a panel is what the others are compared with: it is gray and filled. The others go from green to purple. Each outline encloses the same area.
type Histograms struct {
	Title  string
	XLabel string

	panels []*Histogram
	names  []string
}

// MostOrdered is how many groups a panel of Histograms has at most.
const MostOrdered = 5

// NewHistograms returns a figure of the panels, which it copies, two side by side, with the same bins. All panels must have groups of the same names, MostOrdered at
// most. The error wraps ErrNoData if there is no panel or one has no value, and ErrNotFinite if a value is NaN or infinite.
func NewHistograms(xLabel string, panels ...HistogramPanel) (*Histograms, error) {
	if len(panels) == 0 {
		return nil, fmt.Errorf("%w: histograms without panels", ErrNoData)
	}
	f := &Histograms{XLabel: xLabel}
	for _, p := range panels {
		h, err := NewHistogram("", p.Groups...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		f.panels, f.names = append(f.panels, h), append(f.names, p.Name)
		if names := h.groupNames(); len(names) > MostOrdered || !slices.Equal(names, f.panels[0].groupNames()) {
			return nil, fmt.Errorf("plots: histograms: the groups of %q are %q, want at most %d, the same in all panels", p.Name, names, MostOrdered)
		}
	}
	return f, nil
}

func (f *Histogram) groupNames() []string {
	var names []string
	for _, g := range f.groups {
		names = append(names, g.Name)
	}
	return names
}

// Measures of histograms.
const (
	panelColumns = 2
	panelHeight  = 116 * Px // with its name and the ticks of its axis
	panelGap     = 22 * Px  // between panels side by side
	panelName    = 18 * Px
	panelLabel   = 20 * Px // the label of the axis, once
)

// rows returns how many rows of panels there are.
func (f *Histograms) rows() int { return (len(f.panels) + panelColumns - 1) / panelColumns }

// Size returns the width of a notebook and the height that the panels need.
func (f *Histograms) Size() (w, h vg.Length) {
	h = 18*Px + legendHeight(f.legend(), Width-gridMargins) + vg.Length(f.rows())*panelHeight + panelLabel
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Histograms) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	drawLegend(c, f.legend())
	c.Max.Y -= legendHeight(f.legend(), c.Max.X-c.Min.X)
	label := aligned(textStyle(labelSize, ink), draw.XCenter, draw.YBottom)
	c.FillText(label, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Min.Y}, f.XLabel)
	c.Min.Y += panelLabel
	width := (c.Max.X - c.Min.X - (panelColumns-1)*panelGap) / panelColumns
	height := (c.Max.Y - c.Min.Y) / vg.Length(f.rows())
	edges := f.edges()
	for i := range f.panels {
		at := c
		at.Min.X = c.Min.X + vg.Length(i%panelColumns)*(width+panelGap)
		at.Max.X = at.Min.X + width
		at.Max.Y = c.Max.Y - vg.Length(i/panelColumns)*height
		at.Min.Y = at.Max.Y - height
		name := aligned(boldStyle(tickSize, ink), draw.XLeft, draw.YTop)
		at.FillText(name, vg.Point{X: at.Min.X, Y: at.Max.Y}, fit(name, f.names[i], width))
		at.Max.Y -= panelName
		p := f.plot(i, edges)
		inset := widestTick(p) / 2 // so that the label under the axis's end is not clipped
		p.Draw(draw.Crop(at, inset, -inset, 0, 0))
	}
}

// widestTick returns the width of the widest label of the x axis.
func widestTick(p *plot.Plot) (widest vg.Length) {
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		widest = max(widest, p.X.Tick.Label.Width(tick.Label))
	}
	return widest
}

// edges returns the edges of the bins of all panels.
func (f *Histograms) edges() []float64 {
	all := &Histogram{Bins: f.panels[0].Bins}
	for _, p := range f.panels {
		all.groups = append(all.groups, p.groups...)
	}
	return all.Edges()
}

// plot returns a panel.
func (f *Histograms) plot(i int, edges []float64) *plot.Plot {
	p := newPlot("", "")
	all, top := f.panels[i].heights(edges), 0.0
	for k, heights := range all {
		if k == 0 {
			p.Add(area{outline{edges, heights}, pale})
		}
		top = max(top, slices.Max(heights))
	}
	for k, heights := range all {
		p.Add(stairs{outline{edges, heights}, f.line(k)})
	}
	niceAxis(&p.X, edges[0], edges[len(edges)-1], 4, false)
	p.HideY()
	p.Y.Min, p.Y.Max = 0, top*1.05
	return p
}

// line returns the style of the k-th group.
func (f *Histograms) line(k int) draw.LineStyle {
	if k == 0 {
		return draw.LineStyle{Color: gray, Width: ruleWidth}
	}
	return draw.LineStyle{Color: ordered(k-1, len(f.panels[0].groups)-1), Width: lineWidth, Dashes: dashes[(k-1)%len(dashes)]}
}

// ordered returns the color of the k-th of n things that are in an order, from green to purple.
func ordered(k, n int) color.NRGBA {
	if n < 2 {
		return mapColor(0.1)
	}
	return mapColor(0.72 - 0.67*float64(k)/float64(n-1))
}

// legend names the groups.
func (f *Histograms) legend() []legendItem {
	var items []legendItem
	for k, name := range f.panels[0].groupNames() {
		line := f.line(k)
		items = append(items, legendItem{name, func(c draw.Canvas, r vg.Rectangle) {
			if k == 0 {
				fillRectangle(c, pale, r)
			}
			y := (r.Min.Y + r.Max.Y) / 2
			if k == 0 {
				y = r.Max.Y
			}
			c.StrokeLine2(line, r.Min.X, y, r.Max.X, y)
		}})
	}
	return items
}
