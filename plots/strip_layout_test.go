// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"image"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// Each picture stands above its place on the axis, where the tick of the same number is.
func TestStripIsAligned(t *testing.T) {
	x := []float64{0, 0.25, 0.5, 0.75, 1}
	b, err := NewBands("x", "y", Band{Name: "b", X: x, Y: []float64{1, 2, 1e4, 2, 1}})
	if err != nil {
		t.Fatal(err)
	}
	row := StripRow{}
	for range x {
		row.Images = append(row.Images, image.NewGray(image.Rect(0, 0, 4, 4)))
	}
	f, err := NewStrip(x, b, row, row)
	if err != nil {
		t.Fatal(err)
	}
	w, h := f.Size()
	var rec recorder.Canvas
	f.Draw(draw.NewCanvas(&rec, w, h))
	var middles []vg.Length
	ticks := map[string]vg.Length{}
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.DrawImage:
			middles = append(middles, center(a.Rectangle).X)
			if !contains(vg.Rectangle{Max: vg.Point{X: w, Y: h}}, a.Rectangle) {
				t.Errorf("a picture is clipped: %v", a.Rectangle)
			}
		case *recorder.FillString:
			ticks[a.String] = a.Point.X + textStyle(a.Size, ink).Width(a.String)/2
		}
	}
	if len(middles) != 2*len(x) {
		t.Fatalf("%d pictures", len(middles))
	}
	for k, name := range map[int]string{0: "0.0", 4: "1.0", 5: "0.0", 9: "1.0"} {
		if math.Abs(float64(middles[k]-ticks[name])) > float64(Px) {
			t.Errorf("picture %d stands at %v, its tick at %v", k, middles[k], ticks[name])
		}
	}
	if step := middles[1] - middles[0]; step < f.tile() || math.Abs(float64(middles[2]-middles[1]-step)) > 1e-6 {
		t.Errorf("steps of %v for pictures of %v", step, f.tile())
	}
}
