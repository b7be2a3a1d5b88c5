// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Confusion shows which classes a classifier takes for which: a row for each
// class, in whose cells stands how many percent of its images were taken for the class of the
// column. Right ones are blue and lie on the diagonal, wrong ones vermillion; the deeper the
// color, the larger the share, by its square root. A cell without a number is below half a percent.
type Confusion struct {
	Title string
	// RowLabel and ColumnLabel are what the rows and the columns are: "class" and "taken for" of a classifier.
	RowLabel, ColumnLabel string

	classes []string
	shares  [][]float64 // of a row's images, NaN in a row without
}

// MostConfusionClasses is how many classes a Confusion shows at most: more would leave no room for numbers.
const MostConfusionClasses = 20

// NewConfusion returns a figure of counts: counts[i][j] is how many images of
// class i were taken for class j. The error wraps ErrNoData if there is no image. It returns an error if there are more than
// MostConfusionClasses classes, the matrix is not square or a count is negative.
func NewConfusion(classes []string, counts [][]int) (*Confusion, error) {
	n := len(classes)
	if n > MostConfusionClasses {
		return nil, fmt.Errorf("plots: confusion of %d classes: want at most %d", n, MostConfusionClasses)
	}
	if len(counts) != n {
		return nil, fmt.Errorf("plots: confusion: %d rows for %d classes", len(counts), n)
	}
	f := &Confusion{RowLabel: "class", ColumnLabel: "taken for", classes: slices.Clone(classes)}
	all := 0
	for i, row := range counts {
		if len(row) != n {
			return nil, fmt.Errorf("plots: confusion: row %d has %d counts for %d classes", i, len(row), n)
		}
		sum := 0
		for j, count := range row {
			if count < 0 {
				return nil, fmt.Errorf("plots: confusion: %d images of class %d taken for class %d", count, i, j)
			}
			sum += count
		}
		shares := make([]float64, n)
		for j, count := range row {
			shares[j] = float64(count) / float64(sum)
		}
		f.shares = append(f.shares, shares)
		all += sum
	}
	if all == 0 {
		return nil, fmt.Errorf("%w: confusion without images", ErrNoData)
	}
	return f, nil
}

// Measures of a confusion matrix.
const (
	confusionCell  = 40 * Px // the largest side of a cell
	confusionName  = 118 * Px
	confusionLabel = 22 * Px // for the words on the axes
)

// names returns the width of the widest name of a class, as far as there is room for it.
func (f *Confusion) names() vg.Length {
	style := textStyle(tickSize, ink)
	var widest vg.Length
	for _, name := range f.classes {
		widest = max(widest, style.Width(name))
	}
	return min(widest, confusionName) + 8*Px
}

// cell returns the side of a cell.
func (f *Confusion) cell() vg.Length {
	return min(confusionCell, (Width-gridMargins-confusionLabel-f.names())/vg.Length(len(f.classes)))
}

// Size returns the size that the classes need, at most the width of a notebook.
func (f *Confusion) Size() (w, h vg.Length) {
	side := confusionLabel + f.names() + vg.Length(len(f.classes))*f.cell()
	h = side + 18*Px
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return max(side+gridMargins, 320*Px), h
}

// Draw draws the figure.
func (f *Confusion) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	names, cell := f.names(), f.cell()
	side := vg.Length(len(f.classes)) * cell
	left, top := c.Min.X+confusionLabel+names, c.Max.Y-confusionLabel-names
	f.drawNames(c, left, top)
	for i, row := range f.shares {
		for j, share := range row {
			f.drawShare(c, square(left+vg.Length(j)*cell, top-vg.Length(i)*cell, cell), share, i == j)
		}
	}
	line := draw.LineStyle{Color: pale, Width: axisWidth}
	for i := range len(f.classes) + 1 {
		at := vg.Length(i) * cell
		c.StrokeLine2(line, left+at, top, left+at, top-side)
		c.StrokeLine2(line, left, top-at, left+side, top-at)
	}
	strokeRectangle(c, draw.LineStyle{Color: gray, Width: axisWidth}, square(left, top, side))
}

// drawNames writes the classes at the left and, turned, above, and what they are.
func (f *Confusion) drawNames(c draw.Canvas, left, top vg.Length) {
	cell, side := f.cell(), vg.Length(len(f.classes))*f.cell()
	row := aligned(textStyle(tickSize, ink), draw.XRight, draw.YCenter)
	column := aligned(textStyle(tickSize, ink), draw.XLeft, draw.YCenter)
	column.Rotation = math.Pi / 2
	for i, name := range f.classes {
		at := (vg.Length(i) + 0.5) * cell
		name := fit(textStyle(tickSize, ink), name, f.names()-8*Px)
		c.FillText(row, vg.Point{X: left - 6*Px, Y: top - at}, name)
		c.FillText(column, vg.Point{X: left + at, Y: top + 6*Px}, name)
	}
	label := aligned(textStyle(labelSize, ink), draw.XCenter, draw.YTop)
	c.FillText(label, vg.Point{X: left + side/2, Y: c.Max.Y}, f.ColumnLabel)
	label.Rotation = math.Pi / 2
	c.FillText(label, vg.Point{X: c.Min.X, Y: top - side/2}, f.RowLabel)
}

// drawShare paints a cell and writes its percentage.
func (f *Confusion) drawShare(c draw.Canvas, at vg.Rectangle, share float64, right bool) {
	if !(share > 0) { // NaN, too
		return
	}
	hue := okabeIto[1]
	if right {
		hue = okabeIto[0]
	}
	ground := tint(hue, math.Sqrt(share))
	fillRectangle(c, ground, at)
	percent := math.Round(100 * share)
	if percent < 1 {
		return
	}
	style := aligned(textStyle(smallSize, contrast(ground)), draw.XCenter, draw.YCenter)
	c.FillText(style, center(at), strconv.Itoa(int(percent)))
}
