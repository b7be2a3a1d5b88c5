// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Arrows of a Surface.
const (
	arrowColumns, arrowRows = 11, 9
	longestArrow            = 34 * Px
	shortestArrow           = 3 * Px // a shorter one is left out
	arrowHead               = 5 * Px
)

// An arrow starts at a cell and goes as far as the gradient there.
type arrow struct {
	column, row int
	dx, dy      vg.Length
}

// drawArrows draws the gradient at cells at equal distances, where no label lies.
func (f *Surface) drawArrows(c draw.Canvas, p *plot.Plot, taken []vg.Rectangle) {
	x, y := p.Transforms(&c)
	for _, a := range f.arrows(x(1)-x(0), y(1)-y(0)) {
		from := vg.Point{X: x(f.values.X(a.column)), Y: y(f.values.Y(a.row))}
		to := from.Add(vg.Point{X: a.dx, Y: a.dy})
		box := vg.Rectangle{
			Min: vg.Point{X: min(from.X, to.X) - arrowHead, Y: min(from.Y, to.Y) - arrowHead},
			Max: vg.Point{X: max(from.X, to.X) + arrowHead, Y: max(from.Y, to.Y) + arrowHead},
		}
		if overlapsAny(box, taken) || !contains(c.Rectangle, box) {
			continue
		}
		line := draw.LineStyle{Color: contrast(f.color(f.values.Z(a.column, a.row))), Width: 1.4 * Px}
		c.StrokeLine2(line, from.X, from.Y, to.X, to.Y)
		length := vg.Length(math.Hypot(float64(a.dx), float64(a.dy)))
		along := vg.Point{X: a.dx / length, Y: a.dy / length}
		base := to.Sub(along.Scale(arrowHead))
		across := vg.Point{X: -along.Y, Y: along.X}.Scale(arrowHead / 2)
		c.FillPolygon(line.Color, []vg.Point{to.Add(along.Scale(Px)), base.Add(across), base.Sub(across)})
	}
}

// arrows returns the gradients by differences between neighboring cells, given the lengths of one unit of either axis: the longest has the length longestArrow.
func (f *Surface) arrows(unitX, unitY vg.Length) []arrow {
	var list []arrow
	var longest vg.Length
	for i := range arrowColumns {
		for j := range arrowRows {
			a := arrow{column: (2*i + 1) * surfaceCells / (2 * arrowColumns), row: (2*j + 1) * surfaceCells / (2 * arrowRows)}
			byAlpha := (f.values.Z(a.column+1, a.row) - f.values.Z(a.column-1, a.row)) / (f.values.X(a.column+1) - f.values.X(a.column-1))
			byBeta := (f.values.Z(a.column, a.row+1) - f.values.Z(a.column, a.row-1)) / (f.values.Y(a.row+1) - f.values.Y(a.row-1))
			a.dx, a.dy = vg.Length(byAlpha)*unitX, vg.Length(byBeta)*unitY
			longest = max(longest, vg.Length(math.Hypot(float64(a.dx), float64(a.dy))))
			list = append(list, a)
		}
	}
	var kept []arrow
	for _, a := range list {
		a.dx, a.dy = a.dx*longestArrow/longest, a.dy*longestArrow/longest
		if vg.Length(math.Hypot(float64(a.dx), float64(a.dy))) >= shortestArrow { // false for NaN, of a flat surface
			kept = append(kept, a)
		}
	}
	return kept
}
