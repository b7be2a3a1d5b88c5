// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"introspection/idml"
	"introspection/idml/resnet"
)

// writeImages makes a folder of class folders with small PNG images, each class of its own color: images[i] of them in class i.
func writeImages(t *testing.T, images ...int) string {
	t.Helper()
	dir := t.TempDir()
	for class, n := range images {
		for i := range n {
			rng := rand.New(rand.NewPCG(uint64(class), uint64(i)))
			img := image.NewNRGBA(image.Rect(0, 0, 12, 10))
			for k := range 120 {
				img.SetNRGBA(k%12, k/12, color.NRGBA{uint8(40 * class), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255})
			}
			var data bytes.Buffer
			if err := png.Encode(&data, img); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, fmt.Sprintf("class%d", class), fmt.Sprintf("%d.png", i)), data.Bytes())
		}
	}
	return dir
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tiny trains on the images in a folder, in seconds: two epochs of three steps, the first of them warm-up.
func tiny(folder string) idml.Config {
	c := idml.Folder()
	c.Epochs, c.WarmupEpochs, c.Seed = 2, 1, 77
	c.Data.Folder, c.Data.ImageSize, c.Data.BatchSize = folder, 8, 6
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Bottleneck, Width: 4, Blocks: []int{1}}
	c.Model.EmbeddingSize = 8
	c.Metric.Form = idml.Paper
	return c
}
