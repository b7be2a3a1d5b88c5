// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SurfaceDomain is the part of the plane that a Surface shows: α from 0 to
// Alpha, β from 0 to Beta.
type SurfaceDomain struct{ Alpha, Beta float64 }

// DefaultSurfaceDomain returns α up to 2, the largest distance of normalized
// embeddings, and β up to 4.
func DefaultSurfaceDomain() SurfaceDomain { return SurfaceDomain{Alpha: 2, Beta: 4} }

// Surface shows an introspective distance D(α, β) of the semantic distance α
// and the uncertainty β of a pair, as heat map with labeled contour lines and
// a color bar.
type Surface struct {
	Title string
	// ZLabel names the quantity beside the color bar.
	ZLabel string
	// Arrows draws the gradient (∂D/∂α, ∂D/∂β) as arrows in the axes' units, the longer the steeper: where a step that lengthens D moves a pair.
	Arrows bool

	domain    SurfaceDomain
	values    surfaceGrid
	low, high float64   // range of the colors
	levels    []float64 // of the contour lines
}

// surfaceCells is how many cells the heat map has each way.
const surfaceCells = 160

// surfaceGrid holds values at the centers of cells; it implements plotter.GridXYZ.
type surfaceGrid struct {
	domain SurfaceDomain
	z      []float64 // rows of equal β
}

func (g surfaceGrid) Dims() (c, r int)   { return surfaceCells, surfaceCells }
func (g surfaceGrid) Z(c, r int) float64 { return g.z[r*surfaceCells+c] }
func (g surfaceGrid) X(c int) float64    { return (float64(c) + 0.5) / surfaceCells * g.domain.Alpha }
func (g surfaceGrid) Y(r int) float64    { return (float64(r) + 0.5) / surfaceCells * g.domain.Beta }

// NewSurface returns a figure of distance over a domain, evaluating it at the
// centers of cells, never on the axes, where the formula may divide by zero.
// The error wraps ErrNotFinite if a value is NaN or infinite. It panics if a
// side of the domain is not positive.
func NewSurface(distance func(alpha, beta float64) float64, domain SurfaceDomain) (*Surface, error) {
	if !(domain.Alpha > 0) || !(domain.Beta > 0) {
		panic(fmt.Sprintf("plots: surface over the domain %+v", domain))
	}
	f := &Surface{ZLabel: "D(α, β)", domain: domain}
	f.values = surfaceGrid{domain, make([]float64, surfaceCells*surfaceCells)}
	low, high := math.Inf(1), math.Inf(-1)
	for r := range surfaceCells {
		for c := range surfaceCells {
			alpha, beta := f.values.X(c), f.values.Y(r)
			z := distance(alpha, beta)
			if !finite(z) {
				return nil, fmt.Errorf("%w: surface: D(%.4g, %.4g) = %v", ErrNotFinite, alpha, beta, z)
			}
			f.values.z[r*surfaceCells+c] = z
			low, high = min(low, z), max(high, z)
		}
	}
	low, high = spread(low, high)
	step := niceStep(high-low, 10)
	f.low, f.high = math.Floor(low/step+0.02)*step, math.Ceil(high/step-0.02)*step
	for i := math.Ceil(f.low/step + 0.5); i*step < f.high-step/2; i++ {
		f.levels = append(f.levels, i*step)
	}
	return f, nil
}

// Size returns the size of the figure.
func (f *Surface) Size() (w, h vg.Length) { return Width, 420 * Px }

// Draw draws the figure.
func (f *Surface) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	const bar = 78 * Px // color bar with its numbers and label
	p := f.plot()
	main := draw.Crop(c, 0, -bar, 0, 0)
	p.Draw(main)
	data := p.DataCanvas(main)
	taken := f.drawLevels(data, p)
	if f.Arrows {
		f.drawArrows(data, p, taken)
	}
	f.drawBar(c, vg.Rectangle{
		Min: vg.Point{X: data.Max.X + 16*Px, Y: data.Min.Y},
		Max: vg.Point{X: data.Max.X + 32*Px, Y: data.Max.Y},
	})
}

// plot returns the heat map with its contour lines.
func (f *Surface) plot() *plot.Plot {
	p := newPlot("semantic distance α", "uncertainty of the pair β")
	heat := &plotter.HeatMap{
		GridXYZ: f.values, Palette: mapPalette{}, Min: f.low, Max: f.high, Rasterized: true,
	}
	p.Add(heat)
	for _, level := range f.levels {
		line := contrast(f.color(level))
		contour := plotter.NewContour(f.values, []float64{level}, nil)
		contour.LineStyles = []draw.LineStyle{{Color: withAlpha(line, 0xc0), Width: ruleWidth}}
		p.Add(contour)
	}
	niceAxis(&p.X, 0, f.domain.Alpha, 5, false)
	niceAxis(&p.Y, 0, f.domain.Beta, 5, false)
	return p
}

// color returns the color of a value.
func (f *Surface) color(z float64) color.NRGBA { return mapColor((z - f.low) / (f.high - f.low)) }

// drawLevels writes its value on each contour line where there is room, and returns where.
func (f *Surface) drawLevels(c draw.Canvas, p *plot.Plot) []vg.Rectangle {
	style := textStyle(smallSize, nil)
	style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, level := range f.levels {
		alpha, beta, ok := f.crossing(level)
		if !ok {
			continue
		}
		label := levelLabel(level, f.levels)
		at := vg.Point{X: x(alpha), Y: y(beta)}
		box := style.Rectangle(label).Add(at)
		box.Min.X, box.Max.X = box.Min.X-Px, box.Max.X+Px
		if !contains(c.Rectangle, box) || overlapsAny(box, taken) {
			continue
		}
		taken = append(taken, box)
		ground := f.color(level)
		fillRectangle(c, ground, box)
		style.Color = contrast(ground)
		c.FillText(style, at, label)
	}
	return taken
}

// crossing returns a place where the surface passes a level: in a row at a
// third of the height, else in one of other rows, else in the column in the middle.
func (f *Surface) crossing(level float64) (alpha, beta float64, ok bool) {
	for _, row := range []int{surfaceCells / 3, surfaceCells / 8, 2 * surfaceCells / 3, 7 * surfaceCells / 8} {
		for c := range surfaceCells - 1 {
			if part, ok := passes(f.values.Z(c, row), f.values.Z(c+1, row), level); ok {
				return f.values.X(c) + part*(f.values.X(1)-f.values.X(0)), f.values.Y(row), true
			}
		}
	}
	const column = surfaceCells / 2
	for r := range surfaceCells - 1 {
		if part, ok := passes(f.values.Z(column, r), f.values.Z(column, r+1), level); ok {
			return f.values.X(column), f.values.Y(r) + part*(f.values.Y(1)-f.values.Y(0)), true
		}
	}
	return 0, 0, false
}

// passes tells whether level lies between a and b, and at which part of the way.
func passes(a, b, level float64) (float64, bool) {
	if (a < level) == (b < level) {
		return 0, false
	}
	return (level - a) / (b - a), true
}

// levelLabel returns the text of a level, with as many digits as the levels need.
func levelLabel(level float64, levels []float64) string {
	step := level
	if len(levels) > 1 {
		step = levels[1] - levels[0]
	}
	return tickList(math.Round(level/step), math.Round(level/step), step)[0].Label
}

// drawBar draws the color bar into r with the levels' values at its right.
func (f *Surface) drawBar(c draw.Canvas, r vg.Rectangle) {
	const steps = 256
	img := image.NewNRGBA(image.Rect(0, 0, 1, steps))
	for i := range steps {
		img.SetNRGBA(0, i, mapColor(1-(float64(i)+0.5)/steps))
	}
	c.DrawImage(r, img)
	outline := draw.LineStyle{Color: gray, Width: axisWidth}
	strokeRectangle(c, outline, r)
	style := aligned(textStyle(tickSize, ink), draw.XLeft, draw.YCenter)
	step := niceStep(f.high-f.low, 5)
	var widest vg.Length
	for _, tick := range tickList(math.Ceil(f.low/step-1e-6), math.Floor(f.high/step+1e-6), step) {
		y := r.Min.Y + vg.Length((tick.Value-f.low)/(f.high-f.low))*(r.Max.Y-r.Min.Y)
		c.StrokeLine2(outline, r.Max.X, y, r.Max.X+4*Px, y)
		c.FillText(style, vg.Point{X: r.Max.X + 7*Px, Y: y + Px}, tick.Label)
		widest = max(widest, style.Width(tick.Label))
	}
	label := aligned(textStyle(labelSize, ink), draw.XCenter, draw.YTop)
	label.Rotation = math.Pi / 2
	c.FillText(label, vg.Point{X: r.Max.X + 11*Px + widest, Y: (r.Min.Y + r.Max.Y) / 2}, f.ZLabel)
}

// mapPalette is the color map in 256 steps; it implements palette.Palette.
type mapPalette struct{}

func (mapPalette) Colors() []color.Color {
	colors := make([]color.Color, 256)
	for i := range colors {
		colors[i] = mapColor(float64(i) / 255)
	}
	return colors
}

// contains tells whether inner lies within outer.
func contains(outer, inner vg.Rectangle) bool {
	return inner.Min.X >= outer.Min.X && inner.Max.X <= outer.Max.X && inner.Min.Y >= outer.Min.Y && inner.Max.Y <= outer.Max.Y
}

// overlapsAny tells whether a rectangle overlaps one of others.
func overlapsAny(r vg.Rectangle, others []vg.Rectangle) bool {
	for _, o := range others {
		if r.Min.X < o.Max.X && o.Min.X < r.Max.X && r.Min.Y < o.Max.Y && o.Min.Y < r.Max.Y {
			return true
		}
	}
	return false
}
