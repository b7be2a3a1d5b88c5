// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Measures of a legend.
const (
	keyWidth   = 26 * Px
	keyGap     = 6 * Px  // between a key and its name
	itemGap    = 16 * Px // between items in a row
	legendLine = 18 * Px
	legendGap  = 8 * Px // below the legend
)

// legendItem is one name in a legend; key draws its sample into a rectangle.
type legendItem struct {
	name string
	key  func(c draw.Canvas, r vg.Rectangle)
}

// legendRows breaks items into rows that fit into width.
func legendRows(items []legendItem, width vg.Length) [][]legendItem {
	style := textStyle(tickSize, ink)
	var rows [][]legendItem
	var used vg.Length
	for _, item := range items {
		w := keyWidth + keyGap + style.Width(item.name)
		if len(rows) == 0 || used+itemGap+w > width {
			rows, used = append(rows, nil), -itemGap
		}
		last := len(rows) - 1
		rows[last] = append(rows[last], item)
		used += itemGap + w
	}
	return rows
}

// legendHeight returns the height that a legend takes in a given width, 0 for no items.
func legendHeight(items []legendItem, width vg.Length) vg.Length {
	if len(items) == 0 {
		return 0
	}
	return vg.Length(len(legendRows(items, width)))*legendLine + legendGap
}

// drawLegend writes the items in rows from the top left of c.
func drawLegend(c draw.Canvas, items []legendItem) {
	style := aligned(textStyle(tickSize, ink), draw.XLeft, draw.YCenter)
	y := c.Max.Y - legendLine/2
	for _, row := range legendRows(items, c.Max.X-c.Min.X) {
		x := c.Min.X
		for _, item := range row {
			item.key(c, vg.Rectangle{
				Min: vg.Point{X: x, Y: y - 5*Px},
				Max: vg.Point{X: x + keyWidth, Y: y + 5*Px},
			})
			x += keyWidth + keyGap
			c.FillText(style, vg.Point{X: x, Y: y}, item.name)
			x += style.Width(item.name) + itemGap
		}
		y -= legendLine
	}
}

// lineKey returns the sample of a line, with a marker if mark has a shape.
func lineKey(line draw.LineStyle, mark draw.GlyphStyle) func(draw.Canvas, vg.Rectangle) {
	return func(c draw.Canvas, r vg.Rectangle) {
		y := (r.Min.Y + r.Max.Y) / 2
		c.StrokeLine2(line, r.Min.X, y, r.Max.X, y)
		c.DrawGlyphNoClip(mark, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: y})
	}
}
