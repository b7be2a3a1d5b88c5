// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestBesideTorchvision is our side of bench/loader.sh, on the JPEG files of train/ in the folder that IDML_BENCH names. For a line "epoch N" it loads all of them, cropped, resized and flipped, in
// batches of 50 by N workers; for "show" it writes the middle of each, 224 × 224, into shown.bin. It prints how many seconds that took.
func TestBesideTorchvision(t *testing.T) {
	dir := os.Getenv("IDML_BENCH")
	if dir == "" {
		t.Skip("IDML_BENCH names no folder: see bench/loader.sh")
	}
	split, err := Folder(os.DirFS(dir), "images")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("decoder", JPEGDecoder)
	epoch := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		l := &Loader{Data: split.Train, Order: Shuffled{}, Transform: Compose{DefaultRandomResizedCrop(224), HorizontalFlip{0.5}}, BatchSize: 50, OnBadImage: StopOnBadImage}
		var shown *os.File
		if lines.Text() == "show" {
			l.Order, l.Transform, l.Workers = Sequential{}, Compose{Resize{256}, CenterCrop{224}}, 1
			if shown, err = os.Create(filepath.Join(dir, "shown.bin")); err != nil {
				t.Fatal(err)
			}
		} else if _, err := fmt.Sscanf(lines.Text(), "epoch %d", &l.Workers); err != nil {
			t.Fatalf("read %q, want show or epoch and a number", lines.Text())
		}
		start := time.Now()
		for batch, err := range l.Epoch(epoch, 0).Iter() {
			if err != nil {
				t.Fatal(err)
			}
			if shown != nil {
				if err := batch.Inputs[0].ConstBytes(func(pixels []byte) { _, err = shown.Write(pixels) }); err != nil {
					t.Fatal(err)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Finalize(); err != nil {
				t.Fatal(err)
			}
		}
		if shown != nil {
			if err := shown.Close(); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Printf("seconds %g\n", time.Since(start).Seconds())
		epoch++
	}
}
