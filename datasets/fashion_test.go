// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestFashionSplits(t *testing.T) {
	retrieval, err := Fashion()
	if err != nil {
		t.Fatal(err)
	}
	classification, err := FashionClassification()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data     *Dataset
		classes  []string
		perClass int
	}{
		{retrieval.Train, fashionClassNames()[:5], 600},
		{retrieval.Test, fashionClassNames()[5:], 600},
		{classification.Train, fashionClassNames(), 500},
		{classification.Test, fashionClassNames(), 100},
	} {
		t.Run(c.data.Name, func(t *testing.T) {
			if diff := cmp.Diff(c.classes, c.data.Classes); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
			counts := make([]int, len(c.classes))
			names := map[string]bool{}
			for _, e := range c.data.Examples {
				counts[e.Label]++
				names[e.Name] = true
			}
			for label, n := range counts {
				if n != c.perClass {
					t.Errorf("%d images of %s: want %d", n, c.data.Classes[label], c.perClass)
				}
			}
			if len(names) != len(c.data.Examples) {
				t.Errorf("%d names for %d images", len(names), len(c.data.Examples))
			}
		})
	}
}

// The margin is black, the channels are equal, and the classes look as they should: trousers are dark between the legs at
// the bottom and bright on top, bags are wide.
func TestFashionImages(t *testing.T) {
	split, err := FashionClassification()
	if err != nil {
		t.Fatal(err)
	}
	var mean [10][32 * 32]float64
	for i, e := range split.Train.Examples {
		img := mustImage(t, split.Train, i)
		if img.Width != 32 || img.Height != 32 {
			t.Fatalf("%d × %d pixels", img.Width, img.Height)
		}
		for k := range 32 * 32 {
			if img.Pix[3*k] != img.Pix[3*k+1] || img.Pix[3*k] != img.Pix[3*k+2] {
				t.Fatalf("%s is not gray", e.Name)
			}
			mean[e.Label][k] += float64(img.Pix[3*k]) / 500
		}
	}
	for label := range mean {
		for k, v := range mean[label] {
			if x, y := k%32, k/32; (x < 2 || x >= 30 || y < 2 || y >= 30) && v != 0 {
				t.Fatalf("class %d: margin of %g at %d, %d", label, v, x, y)
			}
		}
	}
	trouser, bag := mean[1], mean[8]
	if top, between := trouser[6*32+16], trouser[26*32+16]; top < 2*between {
		t.Errorf("trousers: %g at the waist, %g between the legs", top, between)
	}
	if trousers, bags := trouser[20*32+5], bag[20*32+5]; bags < 50 || trousers > 20 {
		t.Errorf("at the left edge: bags %g, trousers %g", bags, trousers)
	}
}

// idxFiles returns a full set in miniature: n images of 4 × 3 pixels to train and 2 to test, of labels 0, 1, …, images of
// bytes 0, 1, … of their number.
func idxFiles(t *testing.T, n int) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for prefix, n := range map[string]int{"train": n, "t10k": 2} {
		images := &IDX{Dims: []int{n, 3, 4}, Data: make([]uint8, n*12)}
		labels := &IDX{Dims: []int{n}, Data: make([]uint8, n)}
		for i := range n {
			labels.Data[i] = uint8(i % 10)
			for k := range 12 {
				images.Data[12*i+k] = uint8(100*len(prefix[3:]) + i)
			}
		}
		for name, x := range map[string]*IDX{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			var out bytes.Buffer
			if err := WriteIDX(&out, x); err != nil {
				t.Fatal(err)
			}
			fsys[prefix+name] = &fstest.MapFile{Data: out.Bytes()}
		}
	}
	return fsys
}

func TestFashionFolder(t *testing.T) {
	fsys := idxFiles(t, 12)
	fsys["train-images-idx3-ubyte.gz"] = &fstest.MapFile{Data: compressed(t, fsys["train-images-idx3-ubyte"].Data)}
	delete(fsys, "train-images-idx3-ubyte")
	split, err := FashionFolder(fsys)
	if err != nil {
		t.Fatal(err)
	}
	// Training labels are 0 … 9, 0, 1; test labels are 0, 1.
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 0, 1, 0, 1}, split.Train.Labels()); diff != "" {
		t.Errorf("training labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, split.Test.Labels()); diff != "" {
		t.Errorf("test labels (-want +got):\n%s", diff)
	}
	if name := split.Test.Examples[1].Name; name != "train/00006" {
		t.Errorf("second test image is %s", name)
	}
	img := mustImage(t, split.Test, 1)
	if img.Width != 8 || img.Height != 7 || img.Pix[3*(2*8+2)] != 206 || img.Pix[3*(2*8+1)] != 0 {
		t.Errorf("train/00006 is %d × %d: %v", img.Width, img.Height, img.Pix)
	}
	if split, err = FashionClassificationFolder(fsys); err != nil || len(split.Train.Examples) != 12 || len(split.Test.Examples) != 2 {
		t.Errorf("classification: error %v", err)
	}
}

func TestFashionFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		file   string
		want   string
	}{
		{"missing", func(fsys fstest.MapFS) { delete(fsys, "t10k-labels-idx1-ubyte") }, "t10k-labels-idx1-ubyte.gz", "not exist"},
		{"cut", func(fsys fstest.MapFS) {
			f := fsys["train-images-idx3-ubyte"]
			f.Data = f.Data[:40]
		}, "train-images-idx3-ubyte", "ends after"},
		{"labels as images", func(fsys fstest.MapFS) {
			fsys["train-images-idx3-ubyte"] = fsys["train-labels-idx1-ubyte"]
		}, "train-images-idx3-ubyte", "1 dimensions: want 3"},
		{"other labels", func(fsys fstest.MapFS) {
			fsys["train-labels-idx1-ubyte"] = fsys["t10k-labels-idx1-ubyte"]
		}, "train-labels-idx1-ubyte", "2 labels for 12 images"},
		{"a label of 10", func(fsys fstest.MapFS) {
			f := fsys["t10k-labels-idx1-ubyte"]
			f.Data[len(f.Data)-1] = 10
		}, "t10k-labels-idx1-ubyte", "label 10 of image 1"},
		{"another size", func(fsys fstest.MapFS) {
			f := fsys["t10k-images-idx3-ubyte"]
			f.Data[11], f.Data[15] = 4, 3
		}, "t10k-images-idx3-ubyte", "images of 3 × 4 pixels, others of 4 × 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := idxFiles(t, 12)
			c.change(fsys)
			_, err := FashionFolder(fsys)
			if err == nil || !strings.Contains(err.Error(), c.file) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v: want %q of %s", err, c.want, c.file)
			}
			if format := new(FormatError); c.name != "missing" && (!errors.As(err, &format) || format.File != c.file) {
				t.Errorf("error %#v: want a FormatError of %s", err, c.file)
			}
		})
	}
}
