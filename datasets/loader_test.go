// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"
)

// numbered returns a dataset of n images of classes by turns; image i is width × height of bytes i. Loading takes a random
// while, so that workers finish out of order.
func numbered(n, classes, width, height int) *Dataset {
	examples := make([]Example, n)
	for i := range examples {
		examples[i] = Example{Name: fmt.Sprintf("image-%d", i), Label: i % classes, Ambiguity: Ambiguity{Other: -1}}
	}
	names := make([]string, classes)
	for i := range names {
		names[i] = fmt.Sprintf("class-%d", i)
	}
	return New("numbered", names, examples, func(i int) (*RGB, error) {
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		img := NewRGB(width, height)
		for k := range img.Pix {
			img.Pix[k] = uint8(i)
		}
		return img, nil
	})
}

// batch is a loaded batch in plain slices.
type batch struct {
	Dims   []int
	Images []uint8
	Labels []int32
}

// collect returns the batches of an epoch, and the error that ended it.
func collect(t *testing.T, l *Loader, epoch, skip int) (batches []batch, err error) {
	t.Helper()
	for b, err := range l.Epoch(epoch, skip).Iter() {
		if err != nil {
			return batches, err
		}
		batches = append(batches, batch{
			Dims:   b.Inputs[0].Shape().Dimensions,
			Images: tensors.MustCopyFlatData[uint8](b.Inputs[0]),
			Labels: tensors.MustCopyFlatData[int32](b.Labels[0]),
		})
		if err := b.Finalize(); err != nil {
			t.Fatal(err)
		}
	}
	return batches, nil
}

func TestLoaderBatches(t *testing.T) {
	l := &Loader{Data: numbered(10, 3, 2, 1), Order: Sequential{}, Transform: Compose{}, BatchSize: 4, Seed: 1, OnBadImage: StopOnBadImage, Workers: 3}
	got, err := collect(t, l, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]batch, 3)
	for i := range 10 {
		b := &want[i/4]
		b.Labels = append(b.Labels, int32(i%3))
		for range 6 {
			b.Images = append(b.Images, uint8(i))
		}
		b.Dims = []int{len(b.Labels), 1, 2, 3}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if l.Batches() != 3 {
		t.Errorf("Batches() = %d: want 3", l.Batches())
	}
	l.DropLast = true
	if got, err = collect(t, l, 0, 0); err != nil || len(got) != 2 || l.Batches() != 2 {
		t.Errorf("without the last: %d batches, Batches() = %d, error %v: want 2", len(got), l.Batches(), err)
	}
	if got, err = collect(t, l, 0, 2); err != nil || len(got) != 0 {
		t.Errorf("all skipped: %d batches, error %v", len(got), err)
	}
}

// An epoch is a function of seed and number, whatever the workers and wherever it is taken up.
func TestLoaderIsDeterministic(t *testing.T) {
	split := mustGlyphs(t, GlyphsConfig{Size: 32, TrainPerClass: 2, TestPerClass: 2, AmbiguousShare: 0.2, Seed: 3})
	for _, order := range []Order{Shuffled{}, ClassBalanced{6, 4}} {
		l := &Loader{
			Data: split.Train, Order: order, BatchSize: 24, DropLast: true, OnBadImage: StopOnBadImage, Seed: 5, Workers: 1,
			Transform: Compose{RandomCrop{28, 4}, HorizontalFlip{0.5}, DefaultRandomResizedCrop(24)},
		}
		want, err := collect(t, l, 3, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []int{2, 7} {
			l.Workers = workers
			for _, skip := range []int{0, 1, 5} {
				got, err := collect(t, l, 3, skip)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(want[skip:], got) {
					t.Errorf("%T: %d workers from batch %d on make other batches", order, workers, skip)
				}
			}
		}
		if other, _ := collect(t, l, 4, 0); reflect.DeepEqual(want[0], other[0]) {
			t.Errorf("%T: two epochs are equal", order)
		}
		l.Seed = 6
		if other, _ := collect(t, l, 3, 0); reflect.DeepEqual(want[0], other[0]) {
			t.Errorf("%T: two seeds give one epoch", order)
		}
	}
}

// Each epoch has an order of its own, and an image that comes twice in an epoch is transformed twice.
func TestLoaderChance(t *testing.T) {
	l := &Loader{Data: numbered(40, 4, 2, 2), Order: Shuffled{}, Transform: Compose{}, BatchSize: 40, Seed: 1, OnBadImage: StopOnBadImage, Workers: 2}
	first, err := collect(t, l, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := collect(t, l, 1, 0); reflect.DeepEqual(first, second) {
		t.Error("two epochs have one order")
	}
	one := mustGlyphs(t, GlyphsConfig{Size: 32, TrainPerClass: 1, TestPerClass: 2, AmbiguousShare: 0, Seed: 3}).Train
	l = &Loader{Data: one, Order: ClassBalanced{1, 2}, Transform: RandomCrop{32, 8}, BatchSize: 2, Seed: 1, OnBadImage: StopOnBadImage, Workers: 2}
	batches, err := collect(t, l, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, b := range batches {
		if half := len(b.Images) / 2; reflect.DeepEqual(b.Images[:half], b.Images[half:]) {
			same++
		}
	}
	if same > len(batches)/4 {
		t.Errorf("in %d of %d batches an image that comes twice is the same twice", same, len(batches))
	}
}

// Iterating twice over one epoch gives the same batches.
func TestLoaderIterTwice(t *testing.T) {
	l := &Loader{Data: numbered(20, 4, 1, 1), Order: Shuffled{}, Transform: Compose{}, BatchSize: 6, OnBadImage: StopOnBadImage, Workers: 2}
	epoch := l.Epoch(1, 0)
	if epoch.Name() != "numbered" {
		t.Errorf("name %q", epoch.Name())
	}
	var passes [2][]int32
	for pass := range passes {
		for b, err := range epoch.Iter() {
			if err != nil {
				t.Fatal(err)
			}
			passes[pass] = append(passes[pass], tensors.MustCopyFlatData[int32](b.Labels[0])...)
		}
	}
	if diff := cmp.Diff(passes[0], passes[1]); diff != "" {
		t.Error(diff)
	}
}

// The goroutines have ended as soon as the loop has, by break, by error or by itself, and no image is loaded afterwards.
func TestLoaderLeavesNoGoroutines(t *testing.T) {
	var loads atomic.Int64
	data := numbered(500, 5, 4, 4)
	load := data.load
	data.load = func(i int, wanted region) (*RGB, error) {
		loads.Add(1)
		if i == 333 {
			return nil, errors.New("broken")
		}
		return load(i, wanted)
	}
	before := runtime.NumGoroutine()
	for _, breakAt := range []int{0, 1, 5, 1000} {
		l := &Loader{Data: data, Order: Sequential{}, Transform: Compose{}, BatchSize: 10, OnBadImage: StopOnBadImage, Workers: 8}
		k := 0
		for range l.Epoch(0, 0).Iter() {
			if k == breakAt {
				break
			}
			k++
		}
		// A goroutine that has called WaitGroup.Done is counted until the runtime has taken it away: wait for that, briefly.
		n := runtime.NumGoroutine()
		for deadline := time.Now().Add(time.Second); n > before && time.Now().Before(deadline); n = runtime.NumGoroutine() {
			time.Sleep(time.Millisecond)
		}
		if n > before {
			t.Errorf("break at batch %d: %d goroutines, %d before", breakAt, n, before)
		}
		loaded := loads.Load()
		time.Sleep(5 * time.Millisecond)
		if n := loads.Load(); n != loaded {
			t.Errorf("break at batch %d: %d images loaded after the loop", breakAt, n-loaded)
		}
	}
}

// No more batches are loaded ahead than are in flight.
func TestLoaderMemoryIsBounded(t *testing.T) {
	var loads atomic.Int64
	data := numbered(400, 5, 4, 4)
	load := data.load
	data.load = func(i int, wanted region) (*RGB, error) { loads.Add(1); return load(i, wanted) }
	l := &Loader{Data: data, Order: Sequential{}, Transform: Compose{}, BatchSize: 10, OnBadImage: StopOnBadImage, Workers: 8}
	k := 0
	for range l.Epoch(0, 0).Iter() {
		k++
		time.Sleep(4 * time.Millisecond)
		if n := loads.Load(); n > int64(10*(k+batchesInFlight)) {
			t.Fatalf("%d images loaded when batch %d was yielded", n, k)
		}
	}
}

func TestLoaderNamesTheImage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *Dataset)
		want   []string
		whole  int // batches before the error
	}{
		{"load", func(d *Dataset) {
			load := d.load
			d.load = func(i int, wanted region) (*RGB, error) {
				if i >= 9 {
					return nil, fmt.Errorf("disk %d on fire", i)
				}
				return load(i, wanted)
			}
		}, []string{"image-9", "disk 9 on fire"}, 2},
		{"size", func(d *Dataset) {
			load := d.load
			d.load = func(i int, wanted region) (*RGB, error) {
				if i == 6 {
					return NewRGB(5, 4), nil
				}
				return load(i, wanted)
			}
		}, []string{"image-6", "5 × 4", "image-0", "3 × 2"}, 1},
		{"known size", func(d *Dataset) {
			d.size = func(i int) (int, int) { return 3 + i/7, 2 }
		}, []string{"image-7", "4 × 2", "image-0", "3 × 2"}, 0},
		{"half an image", func(d *Dataset) {
			d.load = func(int, region) (*RGB, error) { return &RGB{Width: 2, Height: 2, Pix: make([]uint8, 5)}, nil }
		}, []string{"image-0"}, 0},
		{"no image", func(d *Dataset) {
			d.load = func(int, region) (*RGB, error) { return nil, nil }
		}, []string{"image-0"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, workers := range []int{1, 5} {
				l := &Loader{Data: numbered(20, 2, 3, 2), Order: Sequential{}, Transform: Compose{}, BatchSize: 4, OnBadImage: StopOnBadImage, Workers: workers}
				c.change(l.Data)
				batches, err := collect(t, l, 0, 0)
				if len(batches) != c.whole {
					t.Errorf("%d batches before the error: want %d", len(batches), c.whole)
				}
				for _, want := range c.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("error %v: want %q in it", err, want)
					}
				}
			}
		})
	}
}

// badOrder has an index that no image has.
type badOrder struct{}

func (badOrder) Indices(*rand.Rand, []int) []int { return []int{0, 99} }

func TestLoaderCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *Loader)
		want   string // "" for no fault
	}{
		{"good", func(*Loader) {}, ""},
		{"no data", func(l *Loader) { l.Data = nil }, "no images"},
		{"no images", func(l *Loader) { l.Data = numbered(0, 1, 1, 1) }, "no images"},
		{"no order", func(l *Loader) { l.Order = nil }, "no order"},
		{"no transform", func(l *Loader) { l.Transform = nil }, "no transform"},
		{"batch size", func(l *Loader) { l.BatchSize = 0 }, "batch size 0"},
		{"workers", func(l *Loader) { l.Workers = 0 }, "0 workers"},
		{"policy", func(l *Loader) { l.OnBadImage = "" }, `bad-image policy "": want "stop" or "skip"`},
		{"transform", func(l *Loader) { l.Transform = Compose{CenterCrop{0}} }, "CenterCrop: size 0"},
		{"label", func(l *Loader) { l.Data.Examples[3].Label = 5 }, "image-3: label 5 of 5 classes"},
		{"balanced", func(l *Loader) { l.Order = ClassBalanced{2, 2} }, ""},
		{"balanced by nothing", func(l *Loader) { l.Order = ClassBalanced{0, 2} }, "0 classes"},
		{"balanced otherwise", func(l *Loader) { l.Order = ClassBalanced{2, 3} }, "batch size 4: want 2·3"},
		{"too few classes", func(l *Loader) { l.Order, l.BatchSize = ClassBalanced{6, 2}, 12 }, "6 classes a batch: numbered has 5"},
		{"too few images", func(l *Loader) { l.BatchSize, l.DropLast = 21, true }, "20 images make no batch of 21"},
		{"two sizes", func(l *Loader) {
			l.Data.size = func(i int) (int, int) { return 40 + i, 50 }
		}, "image-1 has 41 × 50 pixels"},
		{"two sizes made one", func(l *Loader) {
			l.Data.size = func(i int) (int, int) { return 40 + i, 50 }
			l.Transform = Compose{Resize{32}, CenterCrop{32}}
		}, ""},
		{"two sizes resized", func(l *Loader) {
			l.Data.size = func(i int) (int, int) { return 40 + i, 50 }
			l.Transform = Resize{32}
		}, "all must have one size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Loader{Data: numbered(20, 5, 8, 8), Order: Shuffled{}, Transform: Compose{}, BatchSize: 4, OnBadImage: StopOnBadImage, Workers: 2}
			c.change(l)
			err := l.Check()
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v: want %q", err, c.want)
			}
			if err != nil && l.Data != nil {
				if _, got := collect(t, l, 0, 0); got == nil || got.Error() != err.Error() {
					t.Errorf("Iter's error is %v: want %v", got, err)
				}
			}
		})
	}
	l := &Loader{Data: numbered(20, 5, 8, 8), Order: badOrder{}, Transform: Compose{}, BatchSize: 4, OnBadImage: StopOnBadImage, Workers: 2}
	if _, err := collect(t, l, 0, 0); err == nil || !strings.Contains(err.Error(), "image 99 of 20") {
		t.Errorf("error %v: want one of image 99", err)
	}
	l.Order = Shuffled{}
	if _, err := collect(t, l, -1, 0); err == nil {
		t.Error("epoch -1 passes")
	}
}

func BenchmarkLoader(b *testing.B) {
	split, err := Glyphs(DefaultGlyphs())
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("glyphs, %d workers", workers), func(b *testing.B) {
			l := &Loader{
				Data: split.Train, Order: Shuffled{}, Transform: RandomCrop{Size: 32, Padding: 4},
				BatchSize: 120, DropLast: true, OnBadImage: StopOnBadImage, Workers: workers,
			}
			images := 0
			for b.Loop() {
				for batch, err := range l.Epoch(0, 0).Iter() {
					if err != nil {
						b.Fatal(err)
					}
					images += batch.Inputs[0].Shape().Dimensions[0]
				}
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
