// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"image/png"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// hidden is a transform of which a loader knows nothing but Apply.
type hidden struct{ Transform }

// photographFiles returns two classes of n JPEG images each, of several sizes and kinds, and a PNG image.
func photographFiles(t *testing.T, n int) fstest.MapFS {
	t.Helper()
	rng := newRand(21)
	fsys := fstest.MapFS{}
	for _, half := range []string{"train", "test"} {
		for class := range 2 {
			for i := range n {
				factors := jpegSamplings[[]string{"4:2:0", "4:4:4", "4:2:2", "gray"}[i%4]]
				data := randomJPEG(60+rng.IntN(80), 60+rng.IntN(80), factors, 0, rng)
				fsys[fmt.Sprintf("%s/class-%d/%02d.jpg", half, class, i)] = &fstest.MapFile{Data: data}
			}
		}
	}
	var other bytes.Buffer
	if err := png.Encode(&other, randomImage(90, 70, 3).Image()); err != nil {
		t.Fatal(err)
	}
	fsys["train/class-0/other.png"] = &fstest.MapFile{Data: other.Bytes()}
	return fsys
}

// What a loader makes of files, of which it decodes no more than it needs, is what it makes of whole images by the same transform; and
// it finds the same files broken, though the damage is outside of the crop.
func TestLoaderDecodesOnlyTheCrop(t *testing.T) {
	fsys := photographFiles(t, 8)
	crop := DefaultRandomResizedCrop(32)
	small := RandomResizedCrop{Size: 32, Scale: [2]float64{0.02, 0.05}, Ratio: crop.Ratio}
	for _, name := range []string{"train/class-0/03.jpg", "train/class-1/05.jpg"} { // the last lines are missing
		data := fsys[name].Data
		fsys[name] = &fstest.MapFile{Data: data[:len(data)-30]}
	}
	folder, err := Folder(fsys, "photographs")
	if err != nil {
		t.Fatal(err)
	}
	files := folder.Train
	whole := New(files.Name, files.Classes, files.Examples, func(i int) (*RGB, error) { return files.load(i, region{}) })
	for name, transform := range map[string]Transform{
		"crop":          crop,
		"crop and flip": Compose{crop, HorizontalFlip{0.5}},
		"small crop":    Compose{Compose{small}, HorizontalFlip{0.5}, RandomCrop{Size: 32, Padding: 4}},
		"same size":     Compose{RandomResizedCrop{32, [2]float64{0.1, 0.3}, [2]float64{1, 1}}, HorizontalFlip{0.1}},
		"two crops":     Compose{crop, small},
		"other":         Compose{Resize{40}, CenterCrop{32}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &Loader{Data: files, Order: Shuffled{}, Transform: transform, BatchSize: 6, OnBadImage: SkipBadImage, Seed: 4, Workers: 1}
			reference := &Loader{Data: whole, Order: Shuffled{}, Transform: hidden{transform}, BatchSize: 6, OnBadImage: SkipBadImage, Seed: 4, Workers: 1}
			for epoch := range 2 {
				want, err := collect(t, reference, epoch, 0)
				if err != nil {
					t.Fatal(err)
				}
				l.Workers = 1 + 2*epoch
				got, err := collect(t, l, epoch, 0)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("epoch %d (-want +got):\n%s", epoch, diff)
				}
			}
			bad, want := l.BadImages(), reference.BadImages()
			if len(bad) != 2 || len(want) != 2 {
				t.Fatalf("bad images %v, of whole images %v: want 2", bad, want)
			}
			for i := range bad {
				if bad[i].Name != want[i].Name || bad[i].Err.Error() != want[i].Err.Error() {
					t.Errorf("bad image %+v: want %+v", bad[i], want[i])
				}
			}
		})
	}
}

// A dataset may give the same image each time: a loader must not write into it.
func TestLoaderLeavesImagesOfDatasets(t *testing.T) {
	img := randomImage(40, 40, 1)
	before := bytes.Clone(img.Pix)
	one := New("one", []string{"a"}, []Example{{Name: "0"}, {Name: "1"}}, func(int) (*RGB, error) { return img, nil })
	for _, transform := range []Transform{
		Compose{RandomResizedCrop{40, [2]float64{1, 1}, [2]float64{1, 1}}, HorizontalFlip{1}},
		DefaultRandomResizedCrop(16),
	} {
		l := &Loader{Data: one, Order: Shuffled{}, Transform: transform, BatchSize: 2, OnBadImage: StopOnBadImage, Seed: 1, Workers: 1}
		for epoch := range 4 {
			if _, err := collect(t, l, epoch, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(before, img.Pix); diff != "" {
		t.Error(diff)
	}
}

func TestSplitCrop(t *testing.T) {
	crop, flip := DefaultRandomResizedCrop(8), HorizontalFlip{0.5}
	for _, c := range []struct {
		transform Transform
		crops     bool
		rest      Transform
	}{
		{crop, true, Compose{}},
		{Compose{crop, flip}, true, Compose{Compose{}, flip}},
		{Compose{Compose{crop, flip}, flip}, true, Compose{Compose{Compose{}, flip}, flip}},
		{Compose{flip, crop}, false, Compose{flip, crop}},
		{Compose{}, false, Compose{}},
		{flip, false, flip},
	} {
		first, rest := splitCrop(c.transform)
		if (first != nil) != c.crops || c.crops && *first != crop {
			t.Errorf("%#v: crop %v", c.transform, first)
		}
		if diff := cmp.Diff(c.rest, rest); diff != "" {
			t.Errorf("%#v: rest (-want +got):\n%s", c.transform, diff)
		}
	}
}

// In training, images are of the pool and go back to it; where another transform follows the crop, which may keep what it gets, they are not.
func TestFillTakesImagesOfThePool(t *testing.T) {
	data := New("one", []string{"a"}, []Example{{Name: "0"}}, func(int) (*RGB, error) { return randomImage(40, 30, 1), nil })
	crop, flip := DefaultRandomResizedCrop(16), HorizontalFlip{1}
	for name, test := range map[string]struct {
		transform Transform
		pooled    bool
	}{
		"crop":           {crop, true},
		"crop and flips": {Compose{Compose{crop, flip}, Compose{flip}}, true},
		"another":        {Compose{crop, hidden{flip}}, false},
		"no crop":        {Compose{Resize{16}, flip}, false},
	} {
		var images sync.Pool
		a, s := newAugmenter(&Loader{Data: data, Transform: test.transform, OnBadImage: StopOnBadImage}, &images), slot{}
		if a.fill(0, &s); s.err != nil {
			t.Fatal(s.err)
		}
		if s.pooled != test.pooled {
			t.Errorf("%s: pooled %v, want %v", name, s.pooled, test.pooled)
		}
	}
}

func TestResizerReusesMemory(t *testing.T) {
	var r resizer
	src, dst := randomImage(90, 70, 1), NewRGB(32, 32)
	if n := testing.AllocsPerRun(10, func() { r.resize(dst, src) }); n > 0 {
		t.Errorf("%v allocations an image", n)
	}
	if r.rows.src != nil {
		t.Error("the image is kept")
	}
}

// A large file's memory is not kept.
func TestReadFileGivesBackRoom(t *testing.T) {
	var used room
	fsys := fstest.MapFS{"large": {Data: make([]byte, mostRoom+1)}, "small": {Data: []byte("abc")}}
	for _, name := range []string{"large", "small", "small"} {
		data, err := region{room: &used}.readFile(fsys, name)
		if err != nil || !bytes.Equal(data, fsys[name].Data) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if used.file.Cap() > 1<<20 {
		t.Errorf("%d bytes are kept", used.file.Cap())
	}
}

// BenchmarkFill loads and transforms a JPEG file of 500 × 333 pixels as in training.
func BenchmarkFill(b *testing.B) {
	data, err := Tree(referenceImages(), "photographs")
	if err != nil {
		b.Fatal(err)
	}
	for i, e := range data.Examples {
		if e.Name != "landscape.jpg" {
			continue
		}
		b.Run(JPEGDecoder, func(b *testing.B) {
			var images sync.Pool
			a := newAugmenter(&Loader{Data: data, Transform: Compose{DefaultRandomResizedCrop(224), HorizontalFlip{0.5}}, OnBadImage: StopOnBadImage}, &images)
			b.ReportAllocs()
			s := slot{index: i}
			for b.Loop() {
				s.position++
				if a.fill(0, &s); s.err != nil {
					b.Fatal(s.err)
				}
				images.Put(s.image)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
