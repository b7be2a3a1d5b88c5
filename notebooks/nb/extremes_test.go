// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"image/color"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg/draw"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/plots"
)

// The images of predictions have ‖u‖ 4, 1, 2, 3, 5 and 1.
func TestExtremes(t *testing.T) {
	for n, want := range map[int][2][]int{
		0: {},
		2: {{1, 5}, {4, 0}}, // equal ones by their place
		9: {{1, 5, 2, 3, 0, 4}, {4, 0, 3, 2, 1, 5}},
	} {
		certain, uncertain := Extremes(predictions, n)
		var got [2][]int
		for k, end := range [][]runlog.Prediction{certain, uncertain} {
			for _, p := range end {
				got[k] = append(got[k], p.Index)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d of each end: %s", n, diff)
		}
	}
	if predictions[0].Index != 0 {
		t.Error("the predictions were sorted in place")
	}
}

func TestExtremeSheet(t *testing.T) {
	images := grays(make([]datasets.Example, 10))
	s, err := NewExtremeSheet(images, predictions, 3)
	if err != nil {
		t.Fatal(err)
	}
	got := shownRows(s)
	want := []shownRow{
		{"certain", []uint8{1, 5, 2}, []string{"1.0", "1.0 wrong", "2.0"}},
		{"uncertain", []uint8{4, 0, 3}, []string{"5.0 wrong", "4.0 wrong", "3.0 wrong"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := NewExtremeSheet(images, nil, 3); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no predictions: error %v", err)
	}
	if _, err := NewExtremeSheet(images, []runlog.Prediction{{Index: 9}}, 3); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a broken image: error %v", err)
	}
}

func TestExtremesTable(t *testing.T) {
	heads, rows := extremesTable(predictions, 0.5)
	want := [][]string{
		{"", "images", "R@1", "clear", "blur"},
		{"certain", "3", "0.667", "0.333", "0.667"},
		{"uncertain", "3", "0.000", "0.333", "0.667"},
		{"all", "6", "0.333", "0.333", "0.667"},
	}
	if diff := cmp.Diff(want, append([][]string{heads}, rows...)); diff != "" {
		t.Error(diff)
	}
}

// TestBrief checks that a note has room under an image.
func TestBrief(t *testing.T) {
	for v, want := range map[float64]string{0.05697: "0.057", 0.3: "0.3", 1: "1.0", 22.34: "22.3", 99.94: "99.9", 1234.5: "1234"} {
		if got := brief(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
		if w := sheetStyle(color.Black, draw.XCenter, draw.YTop).Width(brief(v) + " wrong"); w > sheetTile+sheetGap {
			t.Errorf("the note of %v is %v wide, a tile and its gap %v", v, w, sheetTile+sheetGap)
		}
	}
}
