// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Hit is an image that was found for a query. Correct tells whether it is of
// the query's class; Alpha is the semantic distance of the pair, Beta its uncertainty.
type Hit struct {
	Image                   image.Image
	Correct                 bool
	Alpha, Beta, Similarity float64
}

// Query is one row of a Grid: an image with the norm of its uncertainty
// embedding, a note of a word or two such as the kind of its ambiguity, and its nearest
// images, nearest first. An Image that is nil is drawn as an empty box.
type Query struct {
	Image       image.Image
	Uncertainty float64
	Note        string
	Hits        []Hit
}

// Grid shows queries with their nearest images. Right ones have a green border
// and a check mark, wrong ones a vermillion border and a cross. Under a query
// stands its uncertainty, u, under a hit α, β and the similarity, s.
type Grid struct {
	Title   string
	queries []Query
	columns int // of the query with the most hits
}

// NewGrid returns a figure of the queries. It copies the lists, not the
// images. The error wraps ErrNoData if there is no query or none has a hit.
func NewGrid(queries []Query) (*Grid, error) {
	f := &Grid{queries: slices.Clone(queries)}
	for i := range f.queries {
		f.queries[i].Hits = slices.Clone(f.queries[i].Hits)
		f.columns = max(f.columns, len(f.queries[i].Hits))
	}
	if f.columns == 0 {
		return nil, fmt.Errorf("%w: grid without nearest images", ErrNoData)
	}
	return f, nil
}

// Measures of a grid.
const (
	gridHeader  = 24 * Px
	gridGap     = 10 * Px // between hits
	gridQuery   = 26 * Px // between the query and its hits
	gridRow     = 12 * Px // between rows
	gridMargins = 22 * Px // left and right, as begin leaves
	gridTile    = 92 * Px // the largest side of an image
	captionLine = 14 * Px
	border      = 3 * Px
	badge       = 8 * Px // radius of a mark
)

// tile returns the side of an image.
func (f *Grid) tile() vg.Length {
	n := vg.Length(f.columns)
	return min(gridTile, (Width-gridMargins-gridQuery-(n-1)*gridGap)/(n+1))
}

// captions returns how many lines stand under the images.
func (f *Grid) captions() vg.Length {
	lines := 0
	for _, q := range f.queries {
		lines = max(lines, len(q.caption(f.tile())))
		for _, h := range q.Hits {
			lines = max(lines, len(h.caption(f.tile())))
		}
	}
	return vg.Length(lines) * captionLine
}

// rowHeight returns the height of a row with the gap below it.
func (f *Grid) rowHeight() vg.Length { return f.tile() + 2*Px + f.captions() + gridRow }

// Size returns the width of a notebook, less if the images would have to be
// large for it, and the height that the rows need.
func (f *Grid) Size() (w, h vg.Length) {
	n := vg.Length(f.columns)
	w = gridMargins + (n+1)*f.tile() + gridQuery + (n-1)*gridGap
	h = 18*Px + gridHeader + vg.Length(len(f.queries))*f.rowHeight()
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return max(w, 320*Px), h
}

// Draw draws the figure.
func (f *Grid) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	tile := f.tile()
	first := c.Min.X + tile + gridQuery // where the hits begin
	header := aligned(textStyle(tickSize, gray), draw.XLeft, draw.YTop)
	c.FillText(header, vg.Point{X: c.Min.X, Y: c.Max.Y}, "query")
	explained := "nearest first: α semantic distance, β uncertainty of the pair, s similarity"
	if header.Width(explained) > c.Max.X-first {
		explained = "nearest first"
	}
	c.FillText(header, vg.Point{X: first, Y: c.Max.Y}, explained)
	y := c.Max.Y - gridHeader
	for _, q := range f.queries {
		at := square(c.Min.X, y, tile)
		drawPicture(c, at, q.Image)
		strokeRectangle(c, draw.LineStyle{Color: gray, Width: axisWidth}, at)
		drawCaption(c, at, q.caption(tile), ink)
		for k, h := range q.Hits {
			at := square(first+vg.Length(k)*(tile+gridGap), y, tile)
			h.draw(c, at)
			drawCaption(c, at, h.caption(tile), gray)
		}
		y -= f.rowHeight()
	}
}

// caption returns the lines under a query, the note in two if it is wider than
// width and has a space to break it at.
func (q *Query) caption(width vg.Length) []string {
	lines := []string{"u = " + short(q.Uncertainty)}
	if q.Note == "" {
		return lines
	}
	if i := strings.LastIndexByte(q.Note, ' '); i > 0 && textStyle(smallSize, nil).Width(q.Note) > width {
		return append(lines, q.Note[:i], q.Note[i+1:])
	}
	return append(lines, q.Note)
}

// caption returns the lines under a hit, α and β in one if they fit into width.
func (h *Hit) caption(width vg.Length) []string {
	alpha, beta, similarity := "α "+short(h.Alpha), "β "+short(h.Beta), "s "+short(h.Similarity)
	both := alpha + "\u00a0\u00a0\u00a0" + beta // SVG joins common spaces to one
	if textStyle(smallSize, nil).Width(both) <= width {
		return []string{both, similarity}
	}
	return []string{alpha, beta, similarity}
}

// draw draws a hit with its border and mark.
func (h *Hit) draw(c draw.Canvas, at vg.Rectangle) { drawMarked(c, at, h.Image, h.Correct) }

// drawMarked draws an image with the border and the mark of right or wrong.
func drawMarked(c draw.Canvas, at vg.Rectangle, img image.Image, correct bool) {
	mark := wrongColor
	if correct {
		mark = rightColor
	}
	fillRectangle(c, mark, at)
	drawPicture(c, vg.Rectangle{
		Min: at.Min.Add(vg.Point{X: border, Y: border}),
		Max: at.Max.Sub(vg.Point{X: border, Y: border}),
	}, img)
	center := at.Max.Sub(vg.Point{X: badge, Y: badge})
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper, Radius: badge + 1.5*Px, Shape: draw.CircleGlyph{}}, center)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: mark, Radius: badge, Shape: draw.CircleGlyph{}}, center)
	drawSign(c, center, correct)
}

// drawSign draws a white check mark or a white cross around center.
func drawSign(c draw.Canvas, center vg.Point, correct bool) {
	point := func(x, y vg.Length) vg.Point { return vg.Point{X: center.X + x*Px, Y: center.Y + y*Px} }
	style := draw.LineStyle{Color: paper, Width: 2.2 * Px}
	if correct {
		c.StrokeLines(style, []vg.Point{point(-4, 0), point(-1.2, -3), point(4, 3.4)})
		return
	}
	c.StrokeLines(style, []vg.Point{point(-3.2, -3.2), point(3.2, 3.2)}, []vg.Point{point(-3.2, 3.2), point(3.2, -3.2)})
}

// drawPicture draws an image as large as fits into at, in its proportions.
func drawPicture(c draw.Canvas, at vg.Rectangle, img image.Image) {
	fillRectangle(c, pale, at)
	if img == nil || img.Bounds().Empty() {
		style := aligned(textStyle(smallSize, gray), draw.XCenter, draw.YCenter)
		text := "no picture"
		if style.Width(text) > at.Size().X-4*Px {
			text = "–"
		}
		c.FillText(style, center(at), text)
		return
	}
	size := img.Bounds().Size()
	side := vg.Length(max(size.X, size.Y))
	w, h := at.Size().X*vg.Length(size.X)/side, at.Size().Y*vg.Length(size.Y)/side
	low := center(at).Sub(vg.Point{X: w / 2, Y: h / 2})
	c.DrawImage(vg.Rectangle{Min: low, Max: low.Add(vg.Point{X: w, Y: h})}, enlarge(img))
}

// drawCaption writes lines under a picture.
func drawCaption(c draw.Canvas, at vg.Rectangle, lines []string, ink color.Color) {
	style := aligned(textStyle(smallSize, ink), draw.XCenter, draw.YTop)
	y := at.Min.Y - 3*Px
	for _, line := range lines {
		c.FillText(style, vg.Point{X: center(at).X, Y: y}, fit(style, line, at.Size().X+gridGap))
		y -= captionLine
	}
}

// square returns the square of a side that hangs from its upper left corner.
func square(left, top, side vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: left, Y: top - side}, Max: vg.Point{X: left + side, Y: top}}
}

// center returns the middle of a rectangle.
func center(r vg.Rectangle) vg.Point {
	return vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
}

// enlarge repeats the pixels of a small image, so that they stay squares on
// any canvas and the reader sees what the network saw.
func enlarge(img image.Image) image.Image {
	const enough = 192 // dots of the largest tile in a PNG
	b := img.Bounds()
	times := (enough + max(b.Dx(), b.Dy()) - 1) / max(b.Dx(), b.Dy())
	if times <= 1 {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, b.Dx()*times, b.Dy()*times))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, img.At(b.Min.X+x/times, b.Min.Y+y/times))
		}
	}
	return out
}
