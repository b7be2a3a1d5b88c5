// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"image"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// On paper, where what lies left of the page is clipped, a figure is moved to the left by less than its own margin.
func TestFiguresAreWholeOnPaper(t *testing.T) {
	margin := float64(begin(draw.NewCanvas(new(recorder.Canvas), Width, Width), "").Min.X / Width)
	for name, page := range map[string]string{"report.html": reportTemplate, "comparison.html": comparisonTemplate} {
		_, print, _ := strings.Cut(page, "@media print")
		found := regexp.MustCompile(`svg \{ width: ([\d.]+)(mm|%);.* margin-left: -([\d.]+)(mm|%); \}`).FindStringSubmatch(print)
		if found == nil || found[2] != found[4] {
			t.Errorf("%s: no width and margin of figures", name)
			continue
		}
		width, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := strconv.ParseFloat(found[3], 64)
		if err != nil || moved/width > margin {
			t.Errorf("%s: figures are moved by %v of %v, their margin is %.4f", name, moved, width, margin)
		}
	}
}

// TestTextIsLegible draws figures that are hard to lay out and checks of every
// text that it lies within the figure and on no other.
func TestTextIsLegible(t *testing.T) {
	for name, figure := range hardFigures(t) {
		t.Run(name, func(t *testing.T) {
			w, h := figure.Size()
			texts := textsOf(figure, w, h)
			if len(texts) < 3 {
				t.Fatalf("only %d texts were found", len(texts))
			}
			whole := vg.Rectangle{Max: vg.Point{X: w, Y: h}}
			for i, a := range texts {
				if !contains(whole, a.box) {
					t.Errorf("%q is clipped: %v in %v × %v", a.text, a.box, w, h)
				}
				for _, b := range texts[:i] {
					if overlapsAny(a.box, []vg.Rectangle{b.box}) {
						t.Errorf("%q at %v and %q at %v overlap", a.text, a.box, b.text, b.box)
					}
				}
			}
		})
	}
}

// placed is a text and the box that its letters fill.
type placed struct {
	text string
	box  vg.Rectangle
}

// textsOf returns the texts of a figure; those that are turned are left upright
// by undoing the quarter turn that the package's figures use.
func textsOf(f Figure, w, h vg.Length) []placed {
	var rec recorder.Canvas
	f.Draw(draw.NewCanvas(&rec, w, h))
	var out []placed
	turned := []bool{false}
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.Push:
			turned = append(turned, turned[len(turned)-1])
		case *recorder.Pop:
			turned = turned[:len(turned)-1]
		case *recorder.Rotate:
			turned[len(turned)-1] = math.Abs(a.Angle) > 0.1
		case *recorder.FillString:
			if strings.TrimSpace(a.String) == "" {
				continue
			}
			style := textStyle(a.Size, ink)
			if a.Font.Weight > 0 {
				style = boldStyle(a.Size, ink)
			}
			// Letters and digits reach from 0.2 of the size below the base line to 0.73 above.
			width, low, high := style.Width(a.String), -a.Size*0.2, a.Size*0.73
			box := vg.Rectangle{
				Min: vg.Point{X: a.Point.X, Y: a.Point.Y + low},
				Max: vg.Point{X: a.Point.X + width, Y: a.Point.Y + high},
			}
			if turned[len(turned)-1] { // (x, y) → (−y, x)
				box = vg.Rectangle{
					Min: vg.Point{X: -box.Max.Y, Y: box.Min.X},
					Max: vg.Point{X: -box.Min.Y, Y: box.Max.X},
				}
			}
			out = append(out, placed{a.String, box})
		}
	}
	return out
}

// hardFigures returns figures with long names, many parts and odd values.
func hardFigures(t *testing.T) map[string]Figure {
	t.Helper()
	figures := map[string]Figure{}
	add := func(name string, f Figure, err error) {
		if err != nil {
			t.Fatal(err)
		}
		figures[name] = f
	}
	line := func(name string, scale float64, n int) Series {
		s := Series{Name: name}
		for i := range n {
			s.X, s.Y = append(s.X, float64(i)), append(s.Y, scale*math.Sin(float64(i)))
		}
		return s
	}
	panel := Panel{YLabel: "recall@1 on unseen classes", FromZero: true, Rules: []Rule{{"R@1 of raw pixels", 1e-4}, {"R@1 of untrained network", 0}}}
	for _, name := range []string{"a", "a name of some length", "another name of some length"} {
		panel.Series = append(panel.Series, line(name, 1e-4, 61))
	}
	two, err := NewCurves("epoch", panel, Panel{YLabel: "training loss", Series: []Series{line("each", 1e8, 100)}})
	add("curves, two panels", two, err)
	one, err := NewCurves("epoch", Panel{YLabel: "loss", Series: []Series{line("x", 3, 1)}})
	add("curves, one point", one, err)
	three, err := NewCurves("epoch", panel, panel, panel)
	three.Title = "Three panels"
	add("curves, three panels", three, err)

	steep, err := NewSurface(func(alpha, beta float64) float64 { return -1e5 * alpha * beta }, SurfaceDomain{1e-3, 1e4})
	add("surface, steep", steep, err)
	paper, err := NewSurface(func(alpha, beta float64) float64 { return alpha * math.Exp(-beta/(5*alpha)) }, DefaultSurfaceDomain())
	paper.Title = "The introspective distance"
	add("surface, paper", paper, err)
	flat, err := NewSurface(func(float64, float64) float64 { return 0 }, DefaultSurfaceDomain())
	add("surface, flat", flat, err)

	var groups []Group
	for i := range 7 {
		groups = append(groups, Group{"kind of ambiguity with a name", []float64{float64(i) * 1e4, 3e5}})
	}
	many, err := NewHistogram("uncertainty", groups...)
	add("histogram, seven groups", many, err)
	equal, err := NewHistogram("uncertainty", Group{"all", []float64{1, 1, 1}})
	equal.Density = false
	add("histogram, equal values", equal, err)

	for _, hits := range []int{1, 5, 10} {
		q := Query{Image: image.NewGray(image.Rect(0, 0, 30, 10)), Uncertainty: 123.456, Note: "occlusion 0.33"}
		for range hits {
			q.Hits = append(q.Hits, Hit{Alpha: 0.00123, Beta: 1234.5, Similarity: -0.5})
		}
		grid, err := NewGrid([]Query{q, q})
		grid.Title = "A grid"
		add("grid of "+thousands(hits), grid, err)
	}

	var images []Classified
	for range 8 {
		images = append(images, Classified{Class: "a class with a long name", Predicted: "another class with a long name", Probability: 0.00123, Uncertainty: 1234.5})
	}
	gallery, err := NewGallery(images)
	gallery.Title = "A gallery"
	add("gallery", gallery, err)
	for _, n := range []int{2, MostConfusionClasses} {
		names, counts := make([]string, n), make([][]int, n)
		for i := range names {
			names[i], counts[i] = "a class with a long name", make([]int, n)
			for k := range counts[i] {
				counts[i][k] = 1 + 1000*(1-min(1, (i-k)*(i-k)))
			}
		}
		matrix, err := NewConfusion(names, counts)
		matrix.Title = "A matrix"
		add("confusion of "+thousands(n), matrix, err)
	}

	hardUncertaintyFigures(add)

	intervals, err := NewIntervals("recall@1", []Method{
		{Name: "a method whose name is so long that it can't stand beside the diagram", Values: []float64{-0.1234, 0.5}},
		{Name: "b", Values: []float64{0.98765}},
	})
	intervals.Title = "Methods"
	add("intervals", intervals, err)
	return figures
}

// hardUncertaintyFigures adds those of uncertainty.
func hardUncertaintyFigures(add func(name string, f Figure, err error)) {
	const long = "a name that is so long that it can't stand beside a diagram or in a legend"
	var panels []HistogramPanel
	for range 5 {
		p := HistogramPanel{Name: long + ", " + long}
		for _, name := range []string{"clean", "strength 1", "strength 2", "strength 3", "strength 4"} {
			p.Groups = append(p.Groups, Group{name, []float64{-1e5, 2, 3e5}})
		}
		panels = append(panels, p)
	}
	many, err := NewHistograms("uncertainty ‖u‖", panels...)
	add("histograms, five", many, err)
	one, err := NewHistograms("uncertainty ‖u‖", HistogramPanel{"one", []Group{{"clean", []float64{0.001}}}})
	one.Title = "One"
	add("histograms, one", one, err)

	var groups []Group
	for k := range 50 {
		groups = append(groups, Group{long, []float64{1e5 * float64(k), 2e5}})
	}
	boxes, err := NewBoxes("uncertainty ‖u‖", groups...)
	boxes.Title = "Fifty"
	add("boxes, many", boxes, err)
	two, err := NewBoxes("uncertainty ‖u‖", Group{"a", []float64{1}}, Group{"b", []float64{1}})
	add("boxes, two of one value", two, err)

	for _, n := range []int{2, 11, 21} {
		var x, y []float64
		row := StripRow{Name: long}
		for k := range n {
			x, y, row.Images = append(x, float64(k)/float64(n-1)), append(y, 1e5*float64(k)), append(row.Images, image.NewGray(image.Rect(0, 0, 3, 9)))
		}
		bands, err := NewBands("λ, share of the image at the right", "uncertainty ‖u‖", Band{Name: "a", X: x, Y: y}, Band{Name: "a name of some length", X: x, Y: y})
		if err != nil {
			add("", nil, err)
		}
		strip, err := NewStrip(x, bands, row, row, row)
		strip.Title = "A strip"
		add("strip of "+thousands(n), strip, err)
	}

	var dots []Dot
	var shown []string
	for k := range MostGroups {
		shown = append(shown, "class "+thousands(k)+" with a name")
		dots = append(dots, Dot{At: [][2]float64{{float64(k), 1e4}, {0, 0}}, Group: shown[k], Size: 1e-4 * float64(k)})
	}
	dots = append(dots, Dot{At: [][2]float64{{0, 0}, {1, 1}}, Group: "another"})
	scatter, err := NewScatter("‖u‖", []string{long, "t-SNE, perplexity 30"}, dots, shown...)
	scatter.Title = "A scatter"
	add("scatter", scatter, err)
}
