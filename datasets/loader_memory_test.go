// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The tree of BenchmarkLoaderMemory: links to the JPEG files of testdata/images.
const (
	memoryClasses  = 600
	memoryPerClass = 100
	memoryBatch    = 120
	memorySide     = 224
)

// linkedTree returns a folder of class folders with 60,000 images to train.
func linkedTree(tb testing.TB) string {
	tb.Helper()
	files, err := fs.Glob(os.DirFS("testdata/images"), "*.jpg")
	if err != nil || len(files) == 0 {
		tb.Fatalf("%d files, error %v", len(files), err)
	}
	root := tb.TempDir()
	for i, name := range files {
		data, err := os.ReadFile(filepath.Join("testdata/images", name))
		if err == nil {
			files[i] = filepath.Join(root, "."+name)
			err = os.WriteFile(files[i], data, 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	for c := range memoryClasses + minClasses {
		folder, n := fmt.Sprintf("train/class-%03d", c), memoryPerClass
		if c >= memoryClasses {
			folder, n = fmt.Sprintf("test/class-%03d", c), 2
		}
		folder = filepath.Join(root, folder)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			tb.Fatal(err)
		}
		for i := range n {
			if err := os.Link(files[(c+i)%len(files)], filepath.Join(folder, fmt.Sprintf("image-%03d.jpg", i))); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return root
}

// memoryStatus returns a number of bytes from /proc/self/status: VmRSS, the resident memory, or VmHWM, the most there was.
func memoryStatus(tb testing.TB, key string) int {
	tb.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		tb.Skip("needs /proc/self/status, which Linux has: ", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				tb.Fatal(err)
			}
			return n << 10
		}
	}
	tb.Fatalf("/proc/self/status has no %s", key)
	return 0
}

// BenchmarkLoaderMemory loads an epoch of 60,000 files and logs the resident memory: bench/loader_memory.sh.
func BenchmarkLoaderMemory(b *testing.B) {
	const mb = 1e6
	loading := time.Duration(0)
	for b.Loop() {
		split, err := Folder(os.DirFS(linkedTree(b)), "links")
		if err != nil {
			b.Fatal(err)
		}
		l := &Loader{
			Data: split.Train, Order: Shuffled{}, BatchSize: memoryBatch, DropLast: true, OnBadImage: StopOnBadImage, Seed: 1, Workers: 2,
			Transform: Compose{DefaultRandomResizedCrop(memorySide), HorizontalFlip{0.5}},
		}
		batch := 3 * memorySide * memorySide * memoryBatch
		b.Logf("%d images, JPEG by %s, a batch %.1f MB; in flight %d batches of images, one that is put together, and its tensor: %.1f MB",
			len(l.Data.Examples), JPEGDecoder, float64(batch)/mb, batchesInFlight, float64((batchesInFlight+2)*batch)/mb)
		b.Logf("before the epoch: resident %.0f MB, at most %.0f MB", float64(memoryStatus(b, "VmRSS"))/mb, float64(memoryStatus(b, "VmHWM"))/mb)
		k, start := 0, time.Now()
		for batch, err := range l.Epoch(0, 0).Iter() {
			if err != nil {
				b.Fatal(err)
			}
			if err := batch.Finalize(); err != nil {
				b.Fatal(err)
			}
			k++
			switch k {
			case 1, 10, 100, 200, 300, l.Batches():
				b.Logf("after batch %d: resident %.0f MB, at most %.0f MB", k, float64(memoryStatus(b, "VmRSS"))/mb, float64(memoryStatus(b, "VmHWM"))/mb)
			}
		}
		loading += time.Since(start)
		if k != l.Batches() {
			b.Errorf("%d batches: want %d", k, l.Batches())
		}
	}
	b.ReportMetric(float64(memoryStatus(b, "VmHWM"))/mb, "MB-peak")
	b.ReportMetric(float64(b.N*memoryClasses*memoryPerClass)/loading.Seconds(), "images/s")
}
