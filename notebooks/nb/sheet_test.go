// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"

	"introspection/datasets"
)

// sheetExamples are four clear images, two blends and a blurred one.
func sheetExamples() []datasets.Example {
	kind := func(kind datasets.AmbiguityKind, amount float64) datasets.Example {
		return datasets.Example{Ambiguity: datasets.Ambiguity{Kind: kind, Amount: amount, Other: -1}}
	}
	return []datasets.Example{
		kind("", 0), kind("", 0), kind(datasets.Blend, 0.5), kind("", 0), kind(datasets.Blend, 0.25), kind("", 0), kind(datasets.Blur, 1),
	}
}

// A shownRow is what a row of a sheet shows.
type shownRow struct {
	Name   string
	Levels []uint8 // of the images, which tell which they are
	Notes  []string
}

// shownRows lists what a sheet shows.
func shownRows(s *Sheet) (rows []shownRow) {
	for _, r := range s.rows {
		line := shownRow{Name: r.name, Notes: r.notes}
		for _, img := range r.images {
			line.Levels = append(line.Levels, img.At(0, 0).(color.NRGBA).R)
		}
		rows = append(rows, line)
	}
	return rows
}

func TestSheet(t *testing.T) {
	s, err := NewSheet(grays(sheetExamples()), 3)
	if err != nil {
		t.Fatal(err)
	}
	got := shownRows(s)
	want := []shownRow{
		{"clear", []uint8{0, 1, 5}, []string{"", "", ""}},
		{"blend", []uint8{4, 2}, []string{"0.25", "0.50"}},
		{"blur", []uint8{6}, []string{"1.00"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSheetDraw checks that every image and text of a sheet lies within it and on no other image.
func TestSheetDraw(t *testing.T) {
	s := Must(NewSheet(grays(sheetExamples()), 3))
	var canvas recorder.Canvas
	w, h := s.Size()
	s.Draw(draw.NewCanvas(&canvas, w, h))
	whole := vg.Rectangle{Max: vg.Point{X: w, Y: h}}
	var images []vg.Rectangle
	var texts []string
	for _, action := range canvas.Actions {
		switch a := action.(type) {
		case *recorder.DrawImage:
			if !inside(whole, a.Rectangle) {
				t.Errorf("an image at %v is outside %v", a.Rectangle, whole)
			}
			for _, other := range images {
				if a.Rectangle.Min.X < other.Max.X && other.Min.X < a.Rectangle.Max.X && a.Rectangle.Min.Y < other.Max.Y && other.Min.Y < a.Rectangle.Max.Y {
					t.Errorf("images at %v and %v overlap", a.Rectangle, other)
				}
			}
			images = append(images, a.Rectangle)
		case *recorder.FillString:
			if !inside(whole, vg.Rectangle{Min: a.Point, Max: a.Point}) {
				t.Errorf("%q at %v is outside %v", a.String, a.Point, whole)
			}
			texts = append(texts, a.String)
		}
	}
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	if diff := cmp.Diff([]string{"clear", "blend", "0.25", "0.50", "blur", "1.00"}, texts); diff != "" {
		t.Error(diff)
	}
	if len(images) != 6 {
		t.Errorf("%d images, want 6", len(images))
	}
}

func inside(outer, inner vg.Rectangle) bool {
	return inner.Min.X >= outer.Min.X && inner.Max.X <= outer.Max.X && inner.Min.Y >= outer.Min.Y && inner.Max.Y <= outer.Max.Y
}

func TestSheetErrors(t *testing.T) {
	if _, err := NewSheet(grays(nil), 3); err == nil {
		t.Error("a sheet of no images")
	}
	if _, err := NewSheet(grays(make([]datasets.Example, 10)), 2); err == nil {
		t.Error("a sheet with a broken image")
	}
	if panics(func() { NewSheet(grays(sheetExamples()), 0) }) == nil {
		t.Error("a sheet without columns")
	}
}

func TestSpaced(t *testing.T) {
	list := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for n, want := range map[int][]int{1: {0}, 2: {0, 9}, 4: {0, 3, 6, 9}, 10: list, 12: list} {
		if diff := cmp.Diff(want, spaced(list, n)); diff != "" {
			t.Errorf("%d of ten: %s", n, diff)
		}
	}
}

func TestEnlarge(t *testing.T) {
	img := image.NewNRGBA(image.Rect(5, 5, 37, 37))
	img.SetNRGBA(6, 5, color.NRGBA{9, 9, 9, 255})
	out := enlarge(img)
	if out.Bounds() != image.Rect(0, 0, 128, 128) {
		t.Fatalf("bounds %v", out.Bounds())
	}
	for x := range 128 {
		want := color.NRGBA{}
		if x/4 == 1 {
			want = color.NRGBA{9, 9, 9, 255}
		}
		if got := out.At(x, 3); got != want {
			t.Errorf("dot %d is %v, want %v", x, got, want)
		}
	}
	if big := enlarge(image.NewNRGBA(image.Rect(0, 0, 300, 10))); big.Bounds().Dx() != 300 {
		t.Errorf("a large image became %v", big.Bounds())
	}
}
