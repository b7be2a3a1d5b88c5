// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// broken makes the images of the given indices fail to load.
func broken(d *Dataset, indices ...int) *Dataset {
	load := d.load
	d.load = func(i int, wanted region) (*RGB, error) {
		if slices.Contains(indices, i) {
			return nil, fmt.Errorf("broken %d", i)
		}
		return load(i, wanted)
	}
	return d
}

// firstBytes returns the first byte of each image of the batches, which numbered makes its index.
func firstBytes(batches []batch) (indices []int) {
	for _, b := range batches {
		size := len(b.Images) / b.Dims[0]
		for k := range b.Dims[0] {
			indices = append(indices, int(b.Images[k*size]))
		}
	}
	return indices
}

// In Sequential order bad images are left out of their batches, whose labels are those of the others.
func TestLoaderLeavesBadImagesOut(t *testing.T) {
	bad := []int{0, 5, 8, 9, 10, 11} // the first; one amid a batch; a whole batch
	l := &Loader{
		Data: broken(numbered(14, 3, 2, 1), bad...), Order: Sequential{}, Transform: Compose{}, BatchSize: 4,
		OnBadImage: SkipBadImage, Workers: 3,
	}
	for range 2 {
		got, err := collect(t, l, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		wantIndices := [][]int{{1, 2, 3}, {4, 6, 7}, {12, 13}}
		if len(got) != len(wantIndices) {
			t.Fatalf("%d batches: want %d", len(got), len(wantIndices))
		}
		for k, indices := range wantIndices {
			var labels []int32
			for _, i := range indices {
				labels = append(labels, int32(i%3))
			}
			if diff := cmp.Diff(indices, firstBytes(got[k:k+1])); diff != "" {
				t.Errorf("batch %d: images (-want +got):\n%s", k, diff)
			}
			if diff := cmp.Diff(labels, got[k].Labels); diff != "" {
				t.Errorf("batch %d: labels (-want +got):\n%s", k, diff)
			}
		}
	}
	var indices []int
	for _, b := range l.BadImages() {
		indices = append(indices, b.Index)
		if want := fmt.Sprintf("image-%d", b.Index); b.Name != want || !strings.Contains(b.Err.Error(), want+": broken") {
			t.Errorf("bad image %+v: want the name and error of %s", b, want)
		}
	}
	if diff := cmp.Diff(bad, indices); diff != "" {
		t.Errorf("bad images (-want +got):\n%s", diff)
	}
	// What is left is what Without has, in the same order.
	clean := &Loader{Data: l.Data.Without(indices), Order: Sequential{}, Transform: Compose{}, BatchSize: 4, OnBadImage: StopOnBadImage, Workers: 3}
	all, err := collect(t, clean, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 6, 7, 12, 13}, firstBytes(all)); diff != "" {
		t.Errorf("images of Without (-want +got):\n%s", diff)
	}
}

// In a random order another image of the class stands in, or of all if there is none: wherever the epoch is taken up.
func TestLoaderReplacesBadImages(t *testing.T) {
	for _, c := range []struct {
		name  string
		bad   []int
		order Order
		stand map[int]int // what stands in for which, of 20 images whose classes 0 to 4 come by turns
	}{
		{"next of the class", []int{3}, Shuffled{}, map[int]int{3: 8}},
		{"next but one", []int{3, 8}, Shuffled{}, map[int]int{3: 13, 8: 13}},
		{"round to the beginning", []int{18, 19}, Shuffled{}, map[int]int{18: 3, 19: 4}},
		{"a whole class", []int{1, 6, 11, 16}, Shuffled{}, map[int]int{1: 2, 6: 7, 11: 12, 16: 17}},
		{"balanced", []int{3, 18}, ClassBalanced{2, 2}, map[int]int{3: 8, 18: 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Loader{
				Data: numbered(20, 5, 2, 1), Order: c.order, Transform: Compose{}, BatchSize: 4,
				OnBadImage: SkipBadImage, Seed: 7, Workers: 3,
			}
			whole, err := collect(t, l, 1, 0)
			if err != nil || len(l.BadImages()) != 0 {
				t.Fatalf("error %v, bad images %v", err, l.BadImages())
			}
			broken(l.Data, c.bad...)
			got, err := collect(t, l, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			want := firstBytes(whole)
			for k, i := range want {
				if other, ok := c.stand[i]; ok {
					want[k] = other
				}
			}
			if diff := cmp.Diff(want, firstBytes(got)); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
			for _, b := range got {
				for k, i := range firstBytes([]batch{b}) {
					if b.Labels[k] != int32(i%5) {
						t.Errorf("image %d has label %d: want %d", i, b.Labels[k], i%5)
					}
				}
			}
			if n := len(l.BadImages()); n != len(c.bad) {
				t.Errorf("%d bad images: want %d", n, len(c.bad))
			}
		})
	}
}

// With no image left there is nothing to go on with.
func TestLoaderWithoutGoodImages(t *testing.T) {
	for _, order := range []Order{Sequential{}, Shuffled{}} {
		l := &Loader{
			Data: numbered(9, 3, 2, 1), Order: order, Transform: Compose{}, BatchSize: 4,
			OnBadImage: SkipBadImage, Workers: 3,
		}
		cause := errors.New("disk on fire")
		l.Data.load = func(int, region) (*RGB, error) { return nil, cause }
		got, err := collect(t, l, 0, 0)
		if len(got) != 0 || !errors.Is(err, cause) || !strings.Contains(err.Error(), "no image of numbered could be loaded, of 9") {
			t.Errorf("%T: %d batches, error %v", order, len(got), err)
		}
		if n := len(l.BadImages()); n != 9 {
			t.Errorf("%T: %d bad images: want 9", order, n)
		}
		if _, err := collect(t, l, 0, 9); err != nil {
			t.Errorf("%T: all batches skipped: error %v", order, err)
		}
	}
}

// tinyJPEG returns a JPEG file of 12 × 10 pixels.
func tinyJPEG(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 12, 10))
	for y := range 10 {
		for x := range 12 {
			img.Set(x, y, color.RGBA{uint8(20 * x), uint8(25 * y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A truncated file among 10,000 is named, and the run goes on without it if told to: with the same batches after a resume.
func TestTruncatedJPEGAmongTenThousand(t *testing.T) {
	const classes, perClass, truncated = 50, 200, "class-17/image-123.jpg"
	data := tinyJPEG(t)
	fsys := fstest.MapFS{}
	for c := range classes {
		for i := range perClass {
			fsys[fmt.Sprintf("class-%02d/image-%03d.jpg", c, i)] = &fstest.MapFile{Data: data}
		}
	}
	fsys[truncated] = &fstest.MapFile{Data: data[:len(data)-40]}
	split, err := Folder(fsys, "tiny")
	if err != nil {
		t.Fatal(err)
	}
	l := &Loader{
		Data: split.Train, Order: Shuffled{}, Transform: Compose{RandomCrop{8, 0}, HorizontalFlip{0.5}},
		BatchSize: 120, DropLast: true, OnBadImage: StopOnBadImage, Seed: 3, Workers: 2,
	}
	before, err := collect(t, l, 0, 0)
	if err == nil || !strings.Contains(err.Error(), truncated) {
		t.Fatalf("stop: error %v: want %s in it", err, truncated)
	}
	l.OnBadImage = SkipBadImage
	got, err := collect(t, l, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != classes/2*perClass/120 || len(before) >= len(got) || !reflect.DeepEqual(before, got[:len(before)]) {
		t.Errorf("skip: %d batches, of which the first %d are not those of stop", len(got), len(before))
	}
	for k, b := range got {
		if b.Dims[0] != 120 {
			t.Errorf("batch %d has %d images", k, b.Dims[0])
		}
	}
	if bad := l.BadImages(); len(bad) != 1 || bad[0].Name != truncated || !strings.Contains(bad[0].Err.Error(), truncated) {
		t.Errorf("bad images %+v: want %s", bad, truncated)
	}
	resumed := &Loader{
		Data: l.Data, Order: l.Order, Transform: l.Transform,
		BatchSize: 120, DropLast: true, OnBadImage: SkipBadImage, Seed: 3, Workers: 5,
	}
	for _, skip := range []int{len(before), len(got) - 1} { // the bad image's batch and the last
		rest, err := collect(t, resumed, 0, skip)
		if err != nil || !reflect.DeepEqual(rest, got[skip:]) {
			t.Errorf("resumed at batch %d: other batches (error %v)", skip, err)
		}
	}
	evaluation := &Loader{
		Data: split.Train, Order: Sequential{}, Transform: Compose{}, BatchSize: 120, OnBadImage: SkipBadImage, Workers: 2,
	}
	batches, err := collect(t, evaluation, 0, 0)
	if n := len(firstBytes(batches)); err != nil || n != classes/2*perClass-1 {
		t.Errorf("evaluation: %d images, error %v: want all but one", n, err)
	}
}

// Bad images may be asked for while an epoch is being loaded.
func TestBadImagesWhileLoading(t *testing.T) {
	l := &Loader{
		Data: broken(numbered(200, 5, 2, 2), 10, 60, 110), Order: Shuffled{}, Transform: Compose{}, BatchSize: 10,
		OnBadImage: SkipBadImage, Workers: 8,
	}
	for epoch := range 2 {
		n := 0
		for _, err := range l.Epoch(epoch, 0).Iter() {
			if err != nil {
				t.Fatal(err)
			}
			if m := len(l.BadImages()); m < n || m > 3 {
				t.Fatalf("%d bad images after %d", m, n)
			}
			n = len(l.BadImages())
		}
		if n != 3 {
			t.Errorf("epoch %d: %d bad images: want 3", epoch, n)
		}
	}
}
