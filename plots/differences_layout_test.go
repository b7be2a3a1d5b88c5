// SPDX-License-Identifier: Apache-2.0

package plots

import "testing"

// The texts of a figure with long names and large numbers lie within it and on no other, as TestTextIsLegible has it of the others.
func TestDifferencesAreLegible(t *testing.T) {
	f, err := NewDifferences("difference in recall@1", []Contrast{
		{Name: "a setting whose name is so long that it can't stand beside the diagram", Mean: -0.1, Thin: [2]float64{-0.4, 0.987}},
		{Name: "b", Mean: 0.98, Values: []float64{0.9}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Title = "Differences"
	f.ThickLabel, f.ThinLabel = "95 %, queries drawn anew", "95 %, classes drawn anew"
	w, h := f.Size()
	texts := textsOf(f, w, h)
	if len(texts) < 10 {
		t.Fatalf("only %d texts were found", len(texts))
	}
	for i, a := range texts {
		if a.box.Min.X < 0 || a.box.Min.Y < 0 || a.box.Max.X > w || a.box.Max.Y > h {
			t.Errorf("%q is clipped: %v in %v × %v", a.text, a.box, w, h)
		}
		for _, b := range texts[:i] {
			if a.box.Min.X < b.box.Max.X && b.box.Min.X < a.box.Max.X && a.box.Min.Y < b.box.Max.Y && b.box.Min.Y < a.box.Max.Y {
				t.Errorf("%q at %v and %q at %v overlap", a.text, a.box, b.text, b.box)
			}
		}
	}
}
