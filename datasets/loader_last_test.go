// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// With DropLast off, a shuffled epoch ends with a short batch of the images that are left: each image comes once, wherever the epoch
// is taken up, and bad ones are replaced in it too.
func TestLoaderLastBatch(t *testing.T) {
	l := &Loader{
		Data: numbered(22, 5, 4, 4), Order: Shuffled{}, Transform: Compose{RandomCrop{4, 1}, HorizontalFlip{0.5}},
		BatchSize: 5, DropLast: false, OnBadImage: StopOnBadImage, Seed: 3, Workers: 3,
	}
	whole, err := collect(t, l, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, b := range whole {
		sizes = append(sizes, len(b.Labels))
		if b.Dims[0] != len(b.Labels) {
			t.Errorf("%d images, %d labels", b.Dims[0], len(b.Labels))
		}
	}
	if diff := cmp.Diff([]int{5, 5, 5, 5, 2}, sizes); diff != "" || l.Batches() != 5 {
		t.Errorf("Batches() = %d, sizes (-want +got):\n%s", l.Batches(), diff)
	}
	for skip := range 6 {
		if rest, err := collect(t, l, 2, skip); err != nil || len(rest) != 5-skip || skip < 5 && !reflect.DeepEqual(whole[skip:], rest) {
			t.Errorf("from batch %d on: %d batches, error %v", skip, len(rest), err)
		}
	}
	l.Transform = Compose{}
	plain, err := collect(t, l, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	indices := firstBytes(plain)
	if sorted := slices.Sorted(slices.Values(indices)); len(slices.Compact(sorted)) != 22 || slices.IsSorted(indices) {
		t.Errorf("images %v: want each once, in random order", indices)
	}
	last := indices[20:]
	broken(l.Data, last[1])
	l.OnBadImage = SkipBadImage
	skipped, err := collect(t, l, 2, 0)
	if err != nil || len(skipped) != 5 || len(skipped[4].Labels) != 2 {
		t.Fatalf("with a bad image in the last batch: %d batches, error %v", len(skipped), err)
	}
	if got := firstBytes(skipped[4:]); got[0] != last[0] || got[1] == last[1] || got[1]%5 != last[1]%5 {
		t.Errorf("the last batch has %v: want another image for %d", got, last[1])
	}
	l = &Loader{Data: numbered(3, 3, 1, 1), Order: Shuffled{}, Transform: Compose{}, BatchSize: 64, OnBadImage: StopOnBadImage, Workers: 2}
	if got, err := collect(t, l, 0, 0); err != nil || len(got) != 1 || len(got[0].Labels) != 3 {
		t.Errorf("fewer images than a batch: %d batches, error %v", len(got), err)
	}
}

// Images that are smaller than the crop get black margins, and batches stay whole: of files as of images of known size.
func TestLoaderOfSmallImages(t *testing.T) {
	fsys := classificationSample(t, "imagenet")
	small := "imagenet-1k/train/n90000018/n90000018_16.JPEG"
	fsys[small] = &fstest.MapFile{Data: tinyJPEG(t)} // 12 × 10 pixels, of some 32 × 24
	split, err := ImageNet(fsys)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(split.Train.Examples, func(e Example) bool { return e.Name == small })
	for _, transform := range []Transform{CenterCrop{20}, RandomCrop{20, 2}, DefaultRandomResizedCrop(20), Compose{Resize{22}, CenterCrop{20}}} {
		l := &Loader{Data: split.Train, Order: Sequential{}, Transform: transform, BatchSize: 5, OnBadImage: StopOnBadImage, Seed: 1, Workers: 2}
		batches, err := collect(t, l, 0, 0)
		if err != nil || len(batches) != 3 {
			t.Fatalf("%T: %d batches, error %v", transform, len(batches), err)
		}
		for _, b := range batches {
			if b.Dims[1] != 20 || b.Dims[2] != 20 {
				t.Errorf("%T: %v", transform, b.Dims)
			}
		}
		if _, ok := transform.(CenterCrop); ok {
			pix := batches[at/5].Images[at%5*1200:][:1200] // margins of (20-12)/2 and (20-10)/2
			if diff := cmp.Diff(make([]uint8, 5*60), pix[:5*60]); diff != "" || pix[60*5+3*3] != 0 || pix[60*14+3*15+1] < 100 {
				t.Errorf("the small image has no black margins: %v", pix)
			}
		}
	}
	// Without a crop there is nothing to make them of one size.
	l := &Loader{Data: split.Train, Order: Sequential{}, Transform: Compose{}, BatchSize: 5, OnBadImage: StopOnBadImage, Workers: 2}
	if _, err := collect(t, l, 0, 0); err == nil {
		t.Error("images of several sizes make a batch")
	}
}

// CIFAR's training batches: 32 × 32 of any place, the last one short, the sizes known beforehand.
func TestLoaderOfCIFAR(t *testing.T) {
	split, err := CIFAR10(classificationSample(t, "cifar10"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}, split.Train.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	l := &Loader{
		Data: split.Train, Order: Shuffled{}, Transform: Compose{RandomCrop{32, 4}, HorizontalFlip{0.5}}, BatchSize: 8,
		OnBadImage: StopOnBadImage, Seed: 1, Workers: 2,
	}
	got, err := collect(t, l, 0, 0)
	if err != nil || len(got) != 2 || !reflect.DeepEqual(got[1].Dims, []int{4, 32, 32, 3}) {
		t.Errorf("%d batches, error %v", len(got), err)
	}
}
