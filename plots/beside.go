// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// beside is a column of text at the right of a diagram, a line for each of its rows.
type beside struct {
	width, gap vg.Length // of the column, and from the diagram to the text
	heading    string
	lines      int
	place      func(i int) float64 // the y of a row in the diagram
	text       func(i int) string
}

// drawBeside draws a diagram with a column of text beside it.
func drawBeside(c draw.Canvas, p *plot.Plot, column beside) {
	const header = 20 * Px
	main := draw.Crop(c, 0, -column.width, 0, -header)
	p.Draw(main)
	data := p.DataCanvas(main)
	_, y := p.Transforms(&data)
	left := c.Max.X - column.width + column.gap
	style := aligned(textStyle(tickSize, gray), draw.XLeft, draw.YTop)
	c.FillText(style, vg.Point{X: left, Y: c.Max.Y}, column.heading)
	style = aligned(textStyle(tickSize, ink), draw.XLeft, draw.YCenter)
	for i := range column.lines {
		c.FillText(style, vg.Point{X: left, Y: y(column.place(i)) + 2*Px}, column.text(i)) // as high as the tick's label
	}
}
