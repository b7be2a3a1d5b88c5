// SPDX-License-Identifier: Apache-2.0

package sampletree

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written returns the files of a new tree by their paths.
func written(t *testing.T, name string, o Options) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, name, o); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if err := filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		rel, _ := filepath.Rel(dir, file)
		files[filepath.ToSlash(rel)] = data
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWrite(t *testing.T) {
	o := DefaultOptions()
	for name, want := range map[string][]string{
		"cub":  {"CUB_200_2011/images.txt", "CUB_200_2011/images/101.Drawn_Bird_101/Drawn_Bird_101_0001_710100.jpg"},
		"cars": {"cars196/cars_annos.mat", "cars196/car_ims/000096.jpg"},
		"sop":  {"Stanford_Online_Products/Ebay_train.txt", "Stanford_Online_Products/sofa_final/110000011319_5.JPG"},
		"imagenet": {
			"imagenet-1k/train/n90000001/n90000001_6.JPEG", "imagenet-1k/train/n90000120/n90000120_56.JPEG",
			"imagenet-1k/val/n90000120/ILSVRC2012_val_00000048.JPEG",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := written(t, name, o)
			for _, file := range want {
				if files[file] == nil {
					t.Errorf("no %s", file)
				}
			}
			checkImages(t, files, o)
			if diff := cmp.Diff(files, written(t, name, o)); diff != "" {
				t.Errorf("written again (-first +second):\n%s", diff)
			}
		})
	}
}

// checkImages holds the tree's images to the options.
func checkImages(t *testing.T, files map[string][]byte, o Options) {
	t.Helper()
	images, gray, total := 0, 0, 0
	sizes := map[image.Point]bool{}
	for name, data := range files {
		total += len(data)
		if ext := strings.ToLower(filepath.Ext(name)); ext != ".jpg" && ext != ".jpeg" {
			continue
		}
		img, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		images++
		sizes[img.Bounds().Max] = true
		if img.ColorModel() == color.GrayModel {
			gray++
		}
	}
	if want := (o.TrainClasses + o.TestClasses) * o.ImagesPerClass; images != want || gray != 1 || len(sizes) < want/2 {
		t.Errorf("%d images, %d gray, of %d sizes: want %d, one gray, of many sizes", images, gray, len(sizes), want)
	}
	if total > 500_000 {
		t.Errorf("%d bytes", total)
	}
}

// CIFAR-10 has records of a label and 3072 bytes, the classes by turns, in five files to train and one to test.
func TestWriteCIFAR10(t *testing.T) {
	o := Options{TrainClasses: 4, TestClasses: 4, ImagesPerClass: 3, Width: 99, Height: 16, Seed: 0}
	files := written(t, "cifar10", o)
	if diff := cmp.Diff(files, written(t, "cifar10", o)); diff != "" {
		t.Errorf("written again (-first +second):\n%s", diff)
	}
	const record = 1 + 3*32*32
	images := map[string]bool{}
	for name, labels := range map[string][]byte{
		"data_batch_1": {0, 1}, "data_batch_2": {2, 3}, "data_batch_3": {0, 1, 2}, "data_batch_4": {3, 0}, "data_batch_5": {1, 2, 3},
		"test_batch": {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3},
	} {
		data := files["cifar-10-batches-bin/"+name+".bin"]
		if len(data) != len(labels)*record {
			t.Fatalf("%s has %d bytes", name, len(data))
		}
		for i, label := range labels {
			if got := data[i*record]; got != label {
				t.Errorf("%s, record %d: label %d, want %d", name, i, got, label)
			}
			images[string(data[i*record+1:(i+1)*record])] = true
		}
	}
	if len(images) != 24 {
		t.Errorf("%d different images, want 24", len(images))
	}
	if got := string(files["cifar-10-batches-bin/batches.meta.txt"]); !strings.HasPrefix(got, "airplane\nautomobile\n") || !strings.HasSuffix(got, "\ntruck\n\n") {
		t.Errorf("classes %q", got)
	}
	if len(files) != 7 {
		t.Errorf("%d files", len(files))
	}
}

func TestPlanes(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.RGBA{1, 2, 3, 255})
	img.Set(1, 0, color.RGBA{4, 5, 6, 255})
	if diff := cmp.Diff([]byte{1, 4, 2, 5, 3, 6}, planes(img)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteSeed(t *testing.T) {
	o := Options{TrainClasses: 1, TestClasses: 1, ImagesPerClass: 1, Width: 20, Height: 16, Seed: 1}
	first := written(t, "cars", o)
	o.Seed = 2
	if cmp.Equal(first, written(t, "cars", o)) {
		t.Error("two seeds make the same pictures")
	}
}

func TestWriteFaults(t *testing.T) {
	dir := t.TempDir()
	small := Options{TrainClasses: 2, TestClasses: 2, ImagesPerClass: 1, Width: 16, Height: 16, Seed: 0}
	if err := Write(dir, "cub", small); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"cub", func(*Options) {}, "exists already"},
		{"cifar", func(*Options) {}, `"cifar"`},
		{"imagenet", func(o *Options) { o.TestClasses = 3 }, "2 classes to train and 3 to test"},
		{"cifar10", func(o *Options) { o.TrainClasses, o.TestClasses = 11, 11 }, "11 classes: CIFAR-10 has 10"},
		{"cifar10", func(*Options) {}, "2 images to train: want one for each of the 5 files"},
		{"sop", func(o *Options) { o.TestClasses = 99 }, "99 classes"},
		{"sop", func(o *Options) { o.TrainClasses = 0 }, "classes"},
		{"sop", func(o *Options) { o.ImagesPerClass = 0 }, "images per class"},
		{"sop", func(o *Options) { o.Width = 8 }, "8 × 16 pixels"},
	} {
		o := small
		c.change(&o)
		if err := Write(dir, c.name, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: error %v: want %q", c.name, o, err, c.want)
		}
	}
}

// Hues are those of the color circle.
func TestHSV(t *testing.T) {
	for h, want := range map[float64][3]float64{
		0: {255, 0, 0}, 1. / 6: {255, 255, 0}, 1. / 3: {0, 255, 0}, 0.5: {0, 255, 255}, 2. / 3: {0, 0, 255}, 5. / 6: {255, 0, 255},
	} {
		for i, v := range hsv(h, 1, 1) {
			if d := v - want[i]; d > 1e-9 || d < -1e-9 {
				t.Errorf("hue %.3f: channel %d is %v, want %v", h, i, v, want[i])
			}
		}
	}
	if got := hsv(0.3, 0, 0.5); got != [3]float64{127.5, 127.5, 127.5} {
		t.Errorf("without saturation: %v", got)
	}
}
