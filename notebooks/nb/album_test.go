// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/plots"
)

func TestThumbnail(t *testing.T) {
	img := datasets.NewRGB(300, 200) // its middle is white
	for y := range 200 {
		for x := 60; x < 240; x++ {
			copy(img.Pix[(y*300+x)*3:], []uint8{255, 255, 255})
		}
	}
	out := Thumbnail(img)
	if out.Bounds() != image.Rect(0, 0, 128, 128) {
		t.Fatalf("bounds %v", out.Bounds())
	}
	for _, at := range []image.Point{{0, 0}, {127, 127}, {64, 64}} { // the middle 200 of 300 columns: 50 to 250
		want := color.NRGBA{255, 255, 255, 255}
		if at.X == 0 || at.X == 127 {
			want = color.NRGBA{0, 0, 0, 255}
		}
		if got := out.At(at.X, at.Y); got != want {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
}

func TestAlbum(t *testing.T) {
	example := func(label int) datasets.Example {
		return datasets.Example{Label: label, Ambiguity: datasets.Ambiguity{Other: -1}}
	}
	// Class 1 has one image, classes 0, 2 and 3 have two or more.
	labels := []int{0, 0, 0, 1, 2, 3, 3, 2}
	var examples []datasets.Example
	for _, label := range labels {
		examples = append(examples, example(label))
	}
	load := func(i int) (*datasets.RGB, error) {
		img := datasets.NewRGB(2, 2)
		for k := range img.Pix {
			img.Pix[k] = uint8(i)
		}
		return img, nil
	}
	d := datasets.New("levels", []string{"a", "b", "c", "d"}, examples, load)
	a := NewAlbum(2)
	if err := a.Add("row", d); err != nil {
		t.Fatal(err)
	}
	var got []uint8
	for _, img := range a.rows[0].images {
		got = append(got, img.At(5, 5).(color.NRGBA).R)
	}
	if want := []uint8{0, 1, 5, 6}; !bytes.Equal(got, want) { // the first and the last class with two
		t.Errorf("images %v, want %v", got, want)
	}
	if a.columns != 4 || a.rows[0].name != "row" {
		t.Errorf("%d columns, row %q", a.columns, a.rows[0].name)
	}
	lonely := datasets.New("lonely", []string{"a", "b"}, examples[2:4], load)
	if err := a.Add("row", lonely); err == nil || !strings.Contains(err.Error(), "lonely") {
		t.Errorf("a dataset without pairs: error %v", err)
	}
	if panics(func() { NewAlbum(0) }) == nil {
		t.Error("an album without columns")
	}
}

// picture returns a figure as an image, of two dots a px.
func picture(f plots.Figure) image.Image {
	var drawn bytes.Buffer
	Check(plots.WritePNG(&drawn, f))
	return Must(png.Decode(&drawn))
}

// TestJPEG checks that figures of photographs become small JPEG files that look like the figure.
func TestJPEG(t *testing.T) {
	p := sampleTrees(t)
	a := NewAlbum(4)
	Check(a.Add("cub", Must(p.Split("cub")).Test))
	figure := picture(a)
	var data bytes.Buffer
	Check(plots.WriteJPEG(&data, a))
	shown, err := jpeg.Decode(bytes.NewReader(data.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if shown.Bounds() != figure.Bounds() || data.Len() > 60_000 {
		t.Errorf("%d bytes, bounds %v, want %v", data.Len(), shown.Bounds(), figure.Bounds())
	}
	sum := 0
	b := figure.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			want, got := color.GrayModel.Convert(figure.At(x, y)).(color.Gray), color.GrayModel.Convert(shown.At(x, y)).(color.Gray)
			sum += max(int(want.Y)-int(got.Y), int(got.Y)-int(want.Y))
		}
	}
	if mean := float64(sum) / float64(b.Dx()*b.Dy()); mean > 3 {
		t.Errorf("it differs by %.1f levels on average", mean)
	}
}

func TestFoundQuery(t *testing.T) {
	p := sampleTrees(t)
	split := Must(p.Split("cub"))
	name := func(i int) string { return split.Test.Examples[i].Name }
	hit := func(i int, alpha float64) experiment.Hit {
		return experiment.Hit{Path: name(i), Class: split.Test.Classes[split.Test.Examples[i].Label], Alpha: alpha, Beta: 2, Similarity: 0.5}
	}
	found := &experiment.Found{
		Query: filepath.Join(p.Folder, name(1)), Uncertainty: 3,
		Nearest: []experiment.Hit{hit(1, 0), hit(0, 0.1), hit(20, 0.2), hit(2, 0.3)},
	}
	q, err := FoundQuery(p.Folder, found, 2)
	if err != nil {
		t.Fatal(err)
	}
	if q.Uncertainty != 3 || len(q.Hits) != 2 || q.Hits[0].Alpha != 0.1 || !q.Hits[0].Correct || q.Hits[1].Correct || q.Hits[1].Beta != 2 || q.Hits[1].Similarity != 0.5 {
		t.Errorf("query %+v", q)
	}
	if want := Thumbnail(Must(split.Test.Image(1))); q.Image.At(64, 64) != want.At(64, 64) || q.Image.Bounds() != want.Bounds() {
		t.Error("the query's picture is not its image")
	}
	found.Nearest = found.Nearest[1:]
	if _, err := FoundQuery(p.Folder, found, 2); err == nil || !strings.Contains(err.Error(), "did not find itself") {
		t.Errorf("a query that didn't find itself: error %v", err)
	}
	found.Nearest = append(found.Nearest, experiment.Hit{Path: name(1)})
	found.Nearest[0].Path = "nowhere.jpg"
	if _, err := FoundQuery(p.Folder, found, 2); err == nil || !strings.Contains(err.Error(), "nowhere.jpg") {
		t.Errorf("a missing image: error %v", err)
	}
}
