// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// picture returns an image file of one gray.
func picture(t testing.TB, width, height int, gray uint8, asJPEG bool) *fstest.MapFile {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = gray
	}
	var out bytes.Buffer
	var err error
	if asJPEG {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 95})
	} else {
		err = png.Encode(&out, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: out.Bytes()}
}

// animals returns a folder of five classes, of two images each.
func animals(t testing.TB) fstest.MapFS {
	fsys := fstest.MapFS{"README.txt": {Data: []byte("beside the classes")}, ".DS_Store": {Data: []byte{0}}}
	for i, class := range []string{"ant", "bee", "cat", "dog", "eel"} {
		fsys[class+"/2.JPEG"] = picture(t, 9, 7, uint8(40*i+20), true)
		fsys[class+"/1.png"] = picture(t, 6+i, 5, uint8(40*i), false)
		fsys[class+"/._1.png"] = &fstest.MapFile{Data: []byte("of another system")}
	}
	return fsys
}

func TestFolderHalves(t *testing.T) {
	split, err := Folder(animals(t), "animals")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ant", "bee", "cat"}, split.Train.Classes); diff != "" {
		t.Errorf("training classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"dog", "eel"}, split.Test.Classes); diff != "" {
		t.Errorf("test classes (-want +got):\n%s", diff)
	}
	want := []Example{
		{"dog/1.png", 0, Ambiguity{Other: -1}},
		{"dog/2.JPEG", 0, Ambiguity{Other: -1}},
		{"eel/1.png", 1, Ambiguity{Other: -1}},
		{"eel/2.JPEG", 1, Ambiguity{Other: -1}},
	}
	if diff := cmp.Diff(want, split.Test.Examples); diff != "" {
		t.Errorf("test images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 0, 1, 1}, split.Test.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	img := mustImage(t, split.Test, 2)
	if width, height := split.Test.size(2); img.Width != 10 || img.Height != 5 || width != 10 || height != 5 || img.Pix[0] != 160 {
		t.Errorf("eel/1.png is %d × %d, foreseen %d × %d, of gray %d", img.Width, img.Height, width, height, img.Pix[0])
	}
	if img := mustImage(t, split.Test, 1); img.Width != 9 || img.Pix[0] != 140 {
		t.Errorf("dog/2.JPEG is %d wide, of gray %d", img.Width, img.Pix[0])
	}
}

func TestFolderTrainAndTest(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, file := range animals(t) {
		if strings.HasPrefix(name, "ant") || strings.HasPrefix(name, "eel") {
			fsys["train/"+name] = file
		} else {
			fsys["test/"+name] = file
		}
	}
	split, err := Folder(fsys, "animals")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ant", "eel"}, split.Train.Classes); diff != "" {
		t.Errorf("training classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bee", "cat", "dog"}, split.Test.Classes); diff != "" {
		t.Errorf("test classes (-want +got):\n%s", diff)
	}
	if name := split.Train.Examples[2].Name; name != "train/eel/1.png" || split.Train.Examples[2].Label != 1 {
		t.Errorf("third training image is %+v", split.Train.Examples[2])
	}
}

func TestFolderFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		want   string
	}{
		{"not an image", func(fsys fstest.MapFS) {
			fsys["dog/notes.jpg"] = &fstest.MapFile{Data: []byte("woof woof woof")}
		}, "dog/notes.jpg: not an image that can be read: neither JPEG nor PNG"},
		{"an empty file", func(fsys fstest.MapFS) { fsys["bee/0.png"] = &fstest.MapFile{} }, "bee/0.png"},
		{"a cut header", func(fsys fstest.MapFS) {
			fsys["bee/1.png"].Data = fsys["bee/1.png"].Data[:20]
		}, "bee/1.png"},
		{"one image to retrieve", func(fsys fstest.MapFS) { delete(fsys, "eel/1.png") }, "class folder eel has one image"},
		{"an empty class", func(fsys fstest.MapFS) {
			delete(fsys, "ant/1.png")
			delete(fsys, "ant/2.JPEG")
		}, "class folder ant is empty"},
		{"a folder in a class", func(fsys fstest.MapFS) {
			fsys["cat/kittens/1.png"] = fsys["cat/1.png"]
		}, "cat/kittens is a folder inside a class"},
		{"too few classes", func(fsys fstest.MapFS) {
			for _, class := range []string{"ant", "bee", "cat"} {
				delete(fsys, class+"/1.png")
				delete(fsys, class+"/2.JPEG")
				delete(fsys, class+"/._1.png")
			}
		}, "1 class folders to train and 1 to retrieve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := animals(t)
			c.change(fsys)
			_, err := Folder(fsys, "animals")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "animals") {
				t.Errorf("error %v: want %q and the folder's name", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than a line: %q", err)
			}
		})
	}
	if _, err := Folder(fstest.MapFS{}, "nothing"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("empty folder: error %v", err)
	}
	fsys := animals(t)
	fsys["dog/3.png"] = &fstest.MapFile{Data: []byte("GIF89a")}
	_, err := Folder(fsys, "animals")
	var format *FormatError
	if !errors.Is(err, ErrNotImage) || !errors.As(err, &format) || format.File != "dog/3.png" {
		t.Errorf("error %v: want a FormatError of dog/3.png with ErrNotImage", err)
	}
}

// A header may be whole and the image not: then loading fails, and names the file.
func TestFolderCutImage(t *testing.T) {
	fsys := animals(t)
	data := fsys["cat/1.png"].Data
	fsys["cat/1.png"].Data = data[:len(data)-20]
	split, err := Folder(fsys, "animals")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Train.Image(4); err == nil || !strings.Contains(err.Error(), "cat/1.png") {
		t.Errorf("error %v: want one of cat/1.png", err)
	}
	delete(fsys, "ant/1.png")
	if _, err := split.Train.Image(0); err == nil || strings.Count(err.Error(), "ant/1.png") != 1 {
		t.Errorf("error %v: want one that names ant/1.png once", err)
	}
}

// A folder of images of many sizes becomes batches.
func TestFolderLoads(t *testing.T) {
	fsys := animals(t)
	var colored bytes.Buffer
	img := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	for y := range 20 {
		for x := range 30 {
			img.SetNRGBA(x, y, color.NRGBA{200, 100, 50, uint8(x)})
		}
	}
	if err := png.Encode(&colored, img); err != nil {
		t.Fatal(err)
	}
	fsys["ant/3.png"] = &fstest.MapFile{Data: colored.Bytes()}
	split, err := Folder(fsys, "animals")
	if err != nil {
		t.Fatal(err)
	}
	l := &Loader{Data: split.Train, Order: Sequential{}, Transform: Compose{Resize{8}, CenterCrop{8}}, BatchSize: 7, OnBadImage: StopOnBadImage, Workers: 2}
	batches, err := collect(t, l, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{7, 8, 8, 3}, batches[0].Dims); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint8{200, 100, 50}, batches[0].Images[2*192:2*192+3]); diff != "" {
		t.Errorf("a pixel of ant/3.png, alpha dropped (-want +got):\n%s", diff)
	}
	l.Transform = Compose{}
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), "ant/2.JPEG") {
		t.Errorf("error %v: want one of ant/2.JPEG's size", err)
	}
}
