// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// flat returns an image of one gray.
func flat(width, height int, v uint8) *RGB {
	img := NewRGB(width, height)
	for i := range img.Pix {
		img.Pix[i] = v
	}
	return img
}

// moments returns the mean and the deviation of an image's bytes less v.
func moments(img *RGB, v float64) (mean, deviation float64) {
	for _, p := range img.Pix {
		mean += float64(p) - v
		deviation += (float64(p) - v) * (float64(p) - v)
	}
	mean /= float64(len(img.Pix))
	return mean, math.Sqrt(deviation/float64(len(img.Pix)) - mean*mean)
}

// Noise has the deviation of its strength, 255·0.04, 255·0.08 and 255·0.16, is centered, and is another in each channel.
func TestCorruptNoise(t *testing.T) {
	for strength, want := range map[int]float64{1: 10.2, 2: 20.4, 3: 40.8} {
		img := Corrupt{CorruptNoise, strength}.Apply(flat(100, 80, 128), newRand(1))
		mean, deviation := moments(img, 128)
		if math.Abs(mean) > 0.02*want || math.Abs(deviation/want-1) > 0.02 { // 24,000 draws: about 0.6 % and 0.5 % of the deviation
			t.Errorf("strength %d: mean %.2f, deviation %.2f: want 0 and %.2f", strength, mean, deviation, want)
		}
		product := 0.0
		for i := 0; i < len(img.Pix); i += 3 {
			product += (float64(img.Pix[i]) - 128) * (float64(img.Pix[i+1]) - 128)
		}
		if r := product / (8000 * want * want); math.Abs(r) > 0.05 {
			t.Errorf("strength %d: red and green are correlated by %.3f", strength, r)
		}
	}
	for _, v := range []uint8{0, 255} { // cut off, not wrapped around: half of the pixels stay
		img, same := Corrupt{CorruptNoise, 3}.Apply(flat(50, 50, v), newRand(1)), 0
		for _, p := range img.Pix {
			if d := int(p) - int(v); d > 220 || d < -220 {
				t.Fatalf("%d became %d", v, p)
			}
			if p == v {
				same++
			}
		}
		if share := float64(same) / 7500; share < 0.45 || share > 0.55 {
			t.Errorf("%.2f of the pixels of %d stay", share, v)
		}
	}
}

// A point becomes a Gaussian of the strength's deviation: of the shorter side, 1/80, 1/40, 1/20.
func TestCorruptBlur(t *testing.T) {
	const width, height = 100, 80
	for strength, sigma := range map[int]float64{1: 1, 2: 2, 3: 4} {
		src := NewRGB(width, height)
		for y := range height {
			for channel := range 3 { // a white line: with a point, bytes would be too coarse
				src.Pix[3*(y*width+50)+channel] = 255
			}
		}
		img := Corrupt{CorruptBlur, strength}.Apply(src, nil)
		for y := range height {
			for x := range width {
				d := float64(x - 50)
				want := 255 / (sigma * math.Sqrt(2*math.Pi)) * math.Exp(-d*d/(2*sigma*sigma))
				if math.Abs(d) > 3*sigma { // the Gaussian is cut off there, and its rest given to what is left: 0.3 %
					want = 0
				}
				if got := float64(img.Pix[3*(y*width+x)+1]); math.Abs(got-want) > 1.3 {
					t.Fatalf("strength %d: %g at %d, %d: want %.2f", strength, got, x, y, want)
				}
			}
		}
	}
	for _, size := range [][2]int{{1, 1}, {1, 9}, {7, 1}, {5, 3}} { // the edges go on: a flat image stays as it is
		src := flat(size[0], size[1], 77)
		if diff := cmp.Diff(src, Corrupt{CorruptBlur, 3}.Apply(src, nil)); diff != "" {
			t.Errorf("%v: a flat image (-before +after):\n%s", size, diff)
		}
	}
}

// On an image that isn't square, blurring along x is what blurring along y is of the image on its side.
func TestCorruptBlurAxes(t *testing.T) {
	src := randomImage(23, 11, 5)
	aside := func(img *RGB) *RGB {
		out := NewRGB(img.Height, img.Width)
		for y := range img.Height {
			for x := range img.Width {
				copy(out.Pix[3*(x*img.Height+y):], img.Pix[3*(y*img.Width+x):3*(y*img.Width+x)+3])
			}
		}
		return out
	}
	c := Corrupt{CorruptBlur, 3}
	got, want := c.Apply(src, nil), aside(c.Apply(aside(src), nil))
	for i, v := range got.Pix {
		if d := int(v) - int(want.Pix[i]); d > 1 || d < -1 { // sums in another order
			t.Fatalf("byte %d: %d, on its side %d", i, v, want.Pix[i])
		}
	}
}

func TestCorruptBrightness(t *testing.T) {
	src := &RGB{Width: 1, Height: 2, Pix: []uint8{0, 100, 229, 230, 254, 255}}
	for strength, want := range map[int][]uint8{
		1: {26, 126, 255, 255, 255, 255},  // 25.5
		2: {51, 151, 255, 255, 255, 255},  // 51
		3: {102, 202, 255, 255, 255, 255}, // 102
	} {
		if diff := cmp.Diff(want, Corrupt{CorruptBrightness, strength}.Apply(src, nil).Pix); diff != "" {
			t.Errorf("strength %d (-want +got):\n%s", strength, diff)
		}
	}
}

// A patch covers the share of its strength, somewhere else in each image, and one of a higher strength holds that of a lower.
func TestCorruptOcclusion(t *testing.T) {
	const width, height = 100, 80
	src := flat(width, height, 7)
	places := map[int]bool{}
	for seed := range uint64(40) {
		before := src
		for strength, want := range map[int]float64{1: 0.1, 2: 0.2, 3: 0.4} {
			img, covered, first := Corrupt{CorruptOcclusion, strength}.Apply(src, newRand(seed)), 0, -1
			for i, v := range img.Pix {
				if v == patchGray {
					covered++
					if first < 0 {
						first = i
					}
				} else if v != 7 {
					t.Fatalf("a pixel of %d", v)
				}
			}
			if share := float64(covered) / float64(len(img.Pix)); math.Abs(share-want) > 0.025 { // whole pixels, up
				t.Errorf("strength %d covers %.3f", strength, share)
			}
			places[first] = true
		}
		for strength := 1; strength <= CorruptionStrengths; strength++ {
			img := Corrupt{CorruptOcclusion, strength}.Apply(src, newRand(seed))
			for i, v := range before.Pix {
				if v == patchGray && img.Pix[i] != patchGray {
					t.Fatalf("seed %d: the patch of strength %d doesn't hold the one before", seed, strength)
				}
			}
			before = img
		}
	}
	if len(places) < 60 {
		t.Errorf("120 patches in %d places", len(places))
	}
}

// A coarse board of squares of 16 pixels keeps its squares' middles when the sides are divided by 2 and 4, and a fine one, of single pixels, is gray.
func TestCorruptResolution(t *testing.T) {
	board := func(square int) *RGB {
		img := NewRGB(64, 32)
		for i := range img.Pix {
			if x, y := i/3%64, i/3/64; (x/square+y/square)%2 == 1 {
				img.Pix[i] = 255
			}
		}
		return img
	}
	for strength := 1; strength <= 2; strength++ {
		img := Corrupt{CorruptResolution, strength}.Apply(board(16), nil)
		if dark, light := img.Pix[3*(8*64+8)], img.Pix[3*(8*64+24)]; dark > 20 || light < 235 || img.Width != 64 || img.Height != 32 {
			t.Errorf("strength %d: squares of %d and %d", strength, dark, light)
		}
	}
	for strength := 1; strength <= CorruptionStrengths; strength++ {
		fine := Corrupt{CorruptResolution, strength}.Apply(board(1), nil)
		if mean, deviation := moments(fine, 127.5); math.Abs(mean) > 2 || deviation > 20 {
			t.Errorf("strength %d: mean %.1f off the middle, deviation %.1f", strength, mean, deviation)
		}
	}
}

// A crop shows a part of the image at its size: in an image whose red grows along x and green along y, both reach over the side that is left, √0.8, √0.6, √0.2.
func TestCorruptCrop(t *testing.T) {
	const side = 100
	src := NewRGB(side, side)
	for i := range side * side {
		src.Pix[3*i], src.Pix[3*i+1] = uint8(2*(i%side)), uint8(2*(i/side))
	}
	lefts := map[uint8]bool{}
	for seed := range uint64(20) {
		for strength, share := range map[int]float64{1: 0.8, 2: 0.6, 3: 0.2} {
			img := Corrupt{CorruptCrop, strength}.Apply(src, newRand(seed))
			last := 3 * (side*side - 1)
			for channel := range 2 {
				reach, want := float64(img.Pix[last+channel])-float64(img.Pix[channel]), 2*side*math.Sqrt(share)
				if math.Abs(reach-want) > 6 {
					t.Errorf("strength %d: reaches over %g, want %.0f", strength, reach, want)
				}
			}
			lefts[img.Pix[0]] = true
		}
	}
	if len(lefts) < 20 {
		t.Errorf("60 crops begin in %d places", len(lefts))
	}
}

// Each strength is worse than the one before, in each kind, and the source stays as it is.
func TestCorruptions(t *testing.T) {
	src := randomImage(32, 32, 1)
	before := append([]uint8(nil), src.Pix...)
	var names []string
	last := map[CorruptionKind]float64{}
	for _, c := range AllCorruptions() {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		names = append(names, c.String())
		got := c.Apply(src, newRand(3))
		distance := 0.0
		for i, v := range got.Pix {
			distance += math.Abs(float64(v) - float64(src.Pix[i]))
		}
		least := 1.2
		if c.Kind == CorruptResolution || c.Kind == CorruptCrop {
			least = 1 // of an image of random pixels, the first strength leaves little
		}
		if distance <= least*last[c.Kind] || distance == 0 {
			t.Errorf("%s: distance %g, of the strength before %g", c, distance, last[c.Kind])
		}
		last[c.Kind] = distance
		if w, h, ok := outputSize(c, 32, 32); !ok || w != 32 || h != 32 {
			t.Errorf("%s: foresees %d × %d", c, w, h)
		}
	}
	want := []string{"noise 1", "noise 2", "noise 3", "blur 1", "blur 2", "blur 3", "brightness 1", "brightness 2", "brightness 3"}
	var usual []string
	for _, c := range Corruptions() {
		usual = append(usual, c.String())
	}
	if diff := cmp.Diff(want, usual); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = append(want, "occlusion 1", "occlusion 2", "occlusion 3", "low resolution 1", "low resolution 2", "low resolution 3", "crop 1", "crop 2", "crop 3")
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, src.Pix); diff != "" {
		t.Error("the source was changed")
	}
	for _, bad := range []Corrupt{{CorruptNoise, 0}, {CorruptBlur, 4}, {"fog", 1}, {"", 1}} {
		if bad.Check() == nil {
			t.Errorf("%s passes", bad)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is applied", bad)
				}
			}()
			bad.Apply(src, newRand(1))
		}()
	}
}

// In an evaluation, an image has its noise by its index: not by the batches, nor by the workers, nor by where the epoch is taken up.
func TestCorruptInLoader(t *testing.T) {
	split, err := FashionClassification()
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for i := range 60 {
		at = append(at, 7*i)
	}
	data := split.Test.subset("some", at)
	images := func(batchSize, workers, skip int, seed uint64) [][]uint8 {
		l := &Loader{
			Data: data, Order: Sequential{}, Transform: Compose{CenterCrop{28}, Corrupt{CorruptNoise, 2}}, BatchSize: batchSize,
			OnBadImage: StopOnBadImage, Seed: seed, Workers: workers,
		}
		batches, err := collect(t, l, 0, skip)
		if err != nil {
			t.Fatal(err)
		}
		var out [][]uint8
		for _, b := range batches {
			size := len(b.Images) / b.Dims[0]
			for i := range b.Dims[0] {
				out = append(out, b.Images[i*size:(i+1)*size])
			}
		}
		return out
	}
	want := images(60, 1, 0, 5)
	noise := map[string]bool{}
	for i, pix := range want {
		clean := CenterCrop{28}.Apply(mustImage(t, data, i), nil)
		noise[fmt.Sprint(int(pix[0])-int(clean.Pix[0]), int(pix[1])-int(clean.Pix[1]), int(pix[2])-int(clean.Pix[2]), pix[3], pix[4])] = true
	}
	if len(noise) < 30 {
		t.Errorf("60 images have %d kinds of noise", len(noise))
	}
	for _, c := range []struct{ batchSize, workers, skip int }{{60, 4, 0}, {7, 3, 0}, {1, 2, 0}, {16, 5, 0}, {7, 3, 5}} {
		if got := images(c.batchSize, c.workers, c.skip, 5); !reflect.DeepEqual(want[c.skip*c.batchSize:], got) {
			t.Errorf("%+v: other noise", c)
		}
	}
	if reflect.DeepEqual(want, images(60, 1, 0, 6)) {
		t.Error("two seeds have one noise")
	}
}

func BenchmarkCorrupt(b *testing.B) {
	src := randomImage(224, 224, 1)
	for _, c := range Corruptions() {
		if c.Strength == CorruptionStrengths {
			b.Run(c.String(), func(b *testing.B) {
				rng := newRand(1)
				for b.Loop() {
					c.Apply(src, rng)
				}
			})
		}
	}
}
