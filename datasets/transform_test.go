// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Wanted sizes: torchvision's Resize, ⌊size·long/short⌋.
func TestResizeSides(t *testing.T) {
	for _, c := range []struct{ width, height, size, wantWidth, wantHeight int }{
		{500, 333, 256, 384, 256},
		{300, 427, 256, 256, 364},
		{256, 256, 256, 256, 256},
		{256, 999, 256, 256, 999},
		{3, 7, 5, 5, 11},
	} {
		got := Resize{c.size}.Apply(NewRGB(c.width, c.height), nil)
		if got.Width != c.wantWidth || got.Height != c.wantHeight {
			t.Errorf("%d × %d to %d: %d × %d: want %d × %d",
				c.width, c.height, c.size, got.Width, got.Height, c.wantWidth, c.wantHeight)
		}
	}
}

// coordinates returns an image whose red and green are the pixel's x+1 and y+1, so that black is margin.
func coordinates(width, height int) *RGB {
	img := NewRGB(width, height)
	for y := range height {
		for x := range width {
			img.Pix[3*(y*width+x)], img.Pix[3*(y*width+x)+1] = uint8(x+1), uint8(y+1)
		}
	}
	return img
}

// Wanted places: torchvision's CenterCrop, int(round((side - size)/2)) with Python's rounding of halves to even, and margins of
// (size - side)//2 before and (size - side + 1)//2 after.
func TestCenterCrop(t *testing.T) {
	for _, c := range []struct {
		width, height, size  int
		wantLeft, wantTop    int // of the crop in the image; negative: margin
		wantRight, wantBelow int // margins
	}{
		{10, 8, 4, 3, 2, 0, 0},
		{9, 7, 4, 2, 2, 0, 0}, // 2.5 and 1.5 both round to 2
		{4, 4, 4, 0, 0, 0, 0},
		{3, 9, 6, -1, 2, 2, 0}, // 1.5 rounds to 2
		{2, 3, 5, -1, -1, 2, 1},
	} {
		got := CenterCrop{c.size}.Apply(coordinates(c.width, c.height), nil)
		want := NewRGB(c.size, c.size)
		for y := range c.size {
			for x := range c.size {
				if u, v := x+c.wantLeft, y+c.wantTop; u >= 0 && u < c.width && v >= 0 && v < c.height {
					want.Pix[3*(y*c.size+x)], want.Pix[3*(y*c.size+x)+1] = uint8(u+1), uint8(v+1)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d × %d to %d (-want +got):\n%s", c.width, c.height, c.size, diff)
		}
	}
}

func TestHorizontalFlip(t *testing.T) {
	src := coordinates(5, 2)
	flipped := HorizontalFlip{1}.Apply(src, newRand(1))
	for y := range 2 {
		for x := range 5 {
			if got := flipped.Pix[3*(y*5+x)]; got != uint8(5-x) {
				t.Errorf("pixel %d, %d comes from column %d", x, y, got)
			}
		}
	}
	if diff := cmp.Diff(src, HorizontalFlip{1}.Apply(flipped, newRand(1))); diff != "" {
		t.Errorf("flipped twice (-want +got):\n%s", diff)
	}
	if HorizontalFlip.Apply(HorizontalFlip{0}, src, newRand(1)) != src {
		t.Error("probability 0 flips")
	}
	count := 0
	rng := newRand(2)
	for range 4000 {
		if (HorizontalFlip{0.25}).Apply(src, rng) != src {
			count++
		}
	}
	if count < 870 || count > 1130 {
		t.Errorf("probability 0.25 flips %d of 4000", count)
	}
}

func TestRandomCrop(t *testing.T) {
	src := coordinates(6, 6)
	places := map[[2]int]int{}
	rng := newRand(3)
	for range 9000 {
		got := RandomCrop{Size: 6, Padding: 1}.Apply(src, rng)
		// The pixel at 2, 2 tells the place: its red and green are 3 + the crop's left and top.
		at := 3 * (2*6 + 2)
		places[[2]int{int(got.Pix[at]) - 3, int(got.Pix[at+1]) - 3}]++
	}
	for left := -1; left <= 1; left++ {
		for top := -1; top <= 1; top++ {
			if n := places[[2]int{left, top}]; n < 850 || n > 1150 {
				t.Errorf("crop at %d, %d: %d of 9000: want about 1000", left, top, n)
			}
		}
	}
	small := RandomCrop{Size: 9, Padding: 1}.Apply(coordinates(2, 20), rng)
	if small.Width != 9 || small.Height != 9 {
		t.Errorf("%d × %d pixels", small.Width, small.Height)
	}
}

// RandomCrop{32, 4} is torchvision's RandomCrop(32, padding=4): of the image with four black pixels on each side, 40 × 40, one of the
// 81 squares of 32 × 32, each as likely. HorizontalFlip after it exchanges left and right.
func TestRandomCropOfCIFAR(t *testing.T) {
	src := randomImage(32, 32, 9)
	padded := NewRGB(40, 40)
	for y := range 32 {
		copy(padded.Pix[3*((y+4)*40+4):], src.Pix[3*32*y:3*32*(y+1)])
	}
	want := map[string][3]int{} // left, top, mirrored
	for top := range 9 {
		for left := range 9 {
			square, mirror := NewRGB(32, 32), NewRGB(32, 32)
			for y := range 32 {
				for x := range 32 {
					pixel := padded.Pix[3*((y+top)*40+x+left):][:3]
					copy(square.Pix[3*(y*32+x):], pixel)
					copy(mirror.Pix[3*(y*32+31-x):], pixel)
				}
			}
			want[string(square.Pix)], want[string(mirror.Pix)] = [3]int{left, top, 0}, [3]int{left, top, 1}
		}
	}
	transform := Compose{RandomCrop{Size: 32, Padding: 4}, HorizontalFlip{0.5}}
	rng := newRand(6)
	counts := map[[3]int]int{}
	const n = 81 * 2 * 100
	for range n {
		at, ok := want[string(transform.Apply(src, rng).Pix)]
		if !ok {
			t.Fatal("a result that isn't one of the 162")
		}
		counts[at]++
	}
	chi2 := 0.0
	for _, at := range want {
		d := float64(counts[at] - 100)
		chi2 += d * d / 100
	}
	if chi2 > 225 { // of 161 degrees of freedom: exceeded in less than one case of a thousand
		t.Errorf("chi-squared %.0f", chi2)
	}
}

// An image that is smaller than the crop, even with its padding, gets black margins as wide as it lacks, on both sides: torchvision's
// RandomCrop(8, padding=1, pad_if_needed=True) of 3 × 9 pixels draws from one of 5 + 2·3 = 11 times 11.
func TestRandomCropOfSmallImages(t *testing.T) {
	src := coordinates(3, 9)
	padded := NewRGB(11, 11)
	for y := range 9 {
		copy(padded.Pix[3*((y+1)*11+4):], src.Pix[3*3*y:3*3*(y+1)])
	}
	want := map[string]bool{}
	for top := range 4 {
		for left := range 4 {
			square := NewRGB(8, 8)
			for y := range 8 {
				copy(square.Pix[3*8*y:], padded.Pix[3*((y+top)*11+left):][:3*8])
			}
			want[string(square.Pix)] = true
		}
	}
	rng := newRand(7)
	seen := map[string]bool{}
	for range 400 {
		got := string(RandomCrop{Size: 8, Padding: 1}.Apply(src, rng).Pix)
		if !want[got] {
			t.Fatal("another square than one of the 16")
		}
		seen[got] = true
	}
	if len(seen) != len(want) {
		t.Errorf("%d of %d squares", len(seen), len(want))
	}
}

func TestTransformChecks(t *testing.T) {
	good := Compose{Resize{256}, CenterCrop{224}, DefaultRandomResizedCrop(224), HorizontalFlip{0.5}, RandomCrop{32, 4}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []Transform{
		Resize{0},
		CenterCrop{-1},
		DefaultRandomResizedCrop(0),
		HorizontalFlip{1.5},
		HorizontalFlip{math.NaN()},
		RandomResizedCrop{224, [2]float64{0, 1}, [2]float64{1, 1}},
		RandomResizedCrop{224, [2]float64{0.5, 0.4}, [2]float64{1, 1}},
		RandomResizedCrop{224, [2]float64{0.5, 2}, [2]float64{1, 1}},
		RandomResizedCrop{224, [2]float64{0.5, 1}, [2]float64{2, 1}},
		RandomCrop{0, 4},
		RandomCrop{32, -1},
		nil,
	} {
		if err := (Compose{bad}).Check(); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// A transform foresees the size of its result, and leaves the source as it is.
func TestTransformsOutputSize(t *testing.T) {
	rng := newRand(4)
	for _, transform := range []Transform{
		Compose{},
		Resize{20},
		CenterCrop{24},
		DefaultRandomResizedCrop(16),
		HorizontalFlip{0.5},
		RandomCrop{30, 2},
		Compose{Resize{20}, HorizontalFlip{1}},
	} {
		for range 20 {
			src := randomImage(1+rng.IntN(60), 1+rng.IntN(60), rng.Uint64())
			before := append([]uint8(nil), src.Pix...)
			width, height, ok := outputSize(transform, src.Width, src.Height)
			got := transform.Apply(src, rng)
			if !ok || got.Width != width || got.Height != height {
				t.Errorf("%#v: %d × %d pixels: foreseen %d × %d", transform, got.Width, got.Height, width, height)
			}
			if diff := cmp.Diff(before, src.Pix); diff != "" {
				t.Errorf("%#v changes its source", transform)
			}
		}
	}
}
