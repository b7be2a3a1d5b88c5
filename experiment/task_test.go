// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"introspection/experiment"
	"introspection/idml"
)

// pixels returns the images and the labels of the first batch of an epoch.
func pixels(t *testing.T, data idml.Data, epoch int) (dims []int, images []uint8, labels []int32) {
	t.Helper()
	for batch, err := range data.Train(epoch, 0).Iter() {
		if err != nil {
			t.Fatal(err)
		}
		x := batch.Inputs[0]
		return x.Shape().Dimensions, tensors.MustCopyFlatData[uint8](x), tensors.MustCopyFlatData[int32](batch.Labels[0])
	}
	t.Fatal("no batch")
	return nil, nil, nil
}

func open(t *testing.T, cfg idml.Config) *experiment.Task {
	t.Helper()
	task, err := experiment.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// Each dataset gives batches of the configured size, repeats an epoch, and varies it with the epoch, the seed and augmentation.
func TestOpen(t *testing.T) {
	folder := tiny(writeImages(t, 6, 6, 6, 3, 3, 3))
	for name, cfg := range map[string]idml.Config{"folder": folder, "glyphs": idml.Glyphs(), "fashion": idml.Fashion()} {
		t.Run(name, func(t *testing.T) {
			task := open(t, cfg)
			data := task.Data()
			if want := len(task.Split.Train.Examples) / cfg.Data.BatchSize; data.Batches != want || data.Classes != len(task.Split.Train.Classes) {
				t.Errorf("%d batches, %d classes; want %d, %d", data.Batches, data.Classes, want, len(task.Split.Train.Classes))
			}
			dims, images, labels := pixels(t, data, 0)
			size := cfg.Data.ImageSize
			if want := []int{cfg.Data.BatchSize, size, size, 3}; !slices.Equal(dims, want) {
				t.Errorf("images have shape %v, want %v", dims, want)
			}
			if _, again, sameLabels := pixels(t, data, 0); !slices.Equal(images, again) || !slices.Equal(labels, sameLabels) {
				t.Error("the epoch doesn't repeat itself")
			}
			if _, _, other := pixels(t, data, 1); slices.Equal(labels, other) {
				t.Error("the next epoch has the same order")
			}
			cfg.Seed++
			if _, _, other := pixels(t, open(t, cfg).Data(), 0); slices.Equal(labels, other) {
				t.Error("another seed has the same order")
			}
			cfg.Seed--
			cfg.Data.Augment = false
			if _, plain, sameLabels := pixels(t, open(t, cfg).Data(), 0); slices.Equal(images, plain) || !slices.Equal(labels, sameLabels) {
				t.Error("without augmentation, the images should differ and the labels be the same")
			}
		})
	}
}

// With images per class, each batch has so many of each of its classes.
func TestOpenClassBalanced(t *testing.T) {
	cfg := tiny(writeImages(t, 6, 6, 6, 3, 3, 3))
	cfg.Data.ImagesPerClass = 3
	_, _, labels := pixels(t, open(t, cfg).Data(), 0)
	counts := map[int32]int{}
	for _, label := range labels {
		counts[label]++
	}
	for label, count := range counts {
		if count != 3 || len(counts) != 2 {
			t.Errorf("%d images of class %d, of %d classes", count, label, len(counts))
		}
	}
}

func TestOpenErrors(t *testing.T) {
	good, lone, empty := writeImages(t, 4, 4, 4, 4), writeImages(t, 4, 4, 4, 1), t.TempDir()
	text := writeImages(t, 4, 4, 4, 4)
	writeFile(t, filepath.Join(text, "class2", "holiday.png"), []byte("no image"))
	missing := filepath.Join(empty, "nowhere")
	for _, test := range []struct {
		name   string
		folder string
		change func(*idml.Config)
		want   []string // all in the message
	}{
		{"missing folder", missing, func(*idml.Config) {}, []string{missing, "not a folder"}},
		{"a file for a folder", filepath.Join(text, "class2", "holiday.png"), func(*idml.Config) {}, []string{"holiday.png", "not a folder"}},
		{"no folder", "", func(*idml.Config) {}, []string{"--data"}},
		{"empty folder", empty, func(*idml.Config) {}, []string{empty, "class folders"}},
		{"unknown dataset", good, func(c *idml.Config) { c.Data.Name = "letters" }, []string{`"letters"`, "glyphs fashion folder"}},
		{"no image", text, func(*idml.Config) {}, []string{"class2/holiday.png"}},
		{"a class with one image", lone, func(*idml.Config) {}, []string{"class3", "one image"}},
		{"too few images", good, func(c *idml.Config) { c.Data.BatchSize = 9 }, []string{"8 training images", "batch of 9", "lower data.batch_size"}},
		{"too few classes", good, func(c *idml.Config) { c.Data.ImagesPerClass = 2 }, []string{"3 classes a batch"}},
		{"wrong settings", good, func(c *idml.Config) { c.Epochs, c.Data.Workers = 0, 0 }, []string{"epochs is 0", "data.workers is 0"}},
		{"glyphs too small", "", func(c *idml.Config) { c.Data.Name = "glyphs" }, []string{"glyphs", "size 8"}},
		{"fashion elsewhere", missing, func(c *idml.Config) { c.Data.Name = "fashion" }, []string{missing, "not a folder"}},
		{"no fashion", good, func(c *idml.Config) { c.Data.Name = "fashion" }, []string{"train-images"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := tiny(test.folder)
			test.change(&cfg)
			_, err := experiment.Open(cfg)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q doesn't say %q", err, want)
				}
			}
			checkNothingWritten(t, cfg)
		})
	}
}

// checkNothingWritten trains with a faulty configuration, which must leave no run folder behind.
func checkNothingWritten(t *testing.T, cfg idml.Config) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runs", "first")
	if _, err := experiment.Train(t.Context(), nil, cfg, dir, experiment.Options{}); err == nil {
		t.Error("Train takes it")
	}
	if _, err := os.Stat(filepath.Dir(dir)); err == nil {
		t.Error("Train left a folder behind")
	}
}
