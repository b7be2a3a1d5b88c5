// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readGolden reads a file of testdata that make_golden.py wrote into cases.
func readGolden(t testing.TB, name string, cases any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &struct {
		Cases any `json:"cases"`
	}{cases}); err != nil {
		t.Fatal(err)
	}
}

// randomImage returns an image of random bytes.
func randomImage(width, height int, seed uint64) *RGB {
	img := NewRGB(width, height)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.Uint32())
	}
	return img
}

// Wanted numbers: Pillow's resize, BILINEAR (testdata/README.md). Not a bit may differ.
func TestResizeEqualsPillow(t *testing.T) {
	var cases []struct {
		Width, Height int
		Pix           []byte
		ToWidth       int    `json:"to_width"`
		ToHeight      int    `json:"to_height"`
		Want          []byte `json:"want"`
	}
	readGolden(t, "resize.json", &cases)
	if len(cases) < 10 {
		t.Fatalf("%d golden cases: want at least 10", len(cases))
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%dx%d to %dx%d", c.Width, c.Height, c.ToWidth, c.ToHeight), func(t *testing.T) {
			src := &RGB{Width: c.Width, Height: c.Height, Pix: c.Pix}
			got := ResizeTo(src, c.ToWidth, c.ToHeight)
			if got.Width != c.ToWidth || got.Height != c.ToHeight {
				t.Fatalf("%d × %d pixels", got.Width, got.Height)
			}
			if diff := cmp.Diff(c.Want, got.Pix); diff != "" {
				t.Errorf("pixels (-Pillow +ours):\n%s", diff)
			}
		})
	}
}

func TestResizeLeavesTheSource(t *testing.T) {
	src := randomImage(20, 30, 1)
	before := append([]uint8(nil), src.Pix...)
	ResizeTo(src, 7, 50)
	if diff := cmp.Diff(before, src.Pix); diff != "" {
		t.Error(diff)
	}
	if ResizeTo(src, 20, 30) != src {
		t.Error("a resize to the same size is another image")
	}
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct{ width, height, size int }{{500, 375, 224}, {100, 75, 224}, {28, 28, 32}} {
		b.Run(fmt.Sprintf("%dx%d to %d", c.width, c.height, c.size), func(b *testing.B) {
			src := randomImage(c.width, c.height, 0)
			b.ReportAllocs()
			b.SetBytes(int64(len(src.Pix)))
			for b.Loop() {
				ResizeTo(src, c.size, c.size)
			}
		})
	}
}

// Wanted numbers: the same sums pixel by pixel, one channel at a time, for sizes that all ways to resample serve: few weights and many,
// single rows and columns. The longest images are so white that roundings of weights lift them above 255.
func TestResizeIsTheWeightedSum(t *testing.T) {
	rng := newRand(5)
	sizes := [][4]int{{1, 1, 1, 9}, {1, 1, 9, 1}, {7, 5, 7, 11}, {7, 5, 11, 5}, {2, 400, 3, 5}, {400, 2, 5, 3}, {700, 3, 224, 3}, {3, 700, 3, 224}}
	for range 150 {
		sizes = append(sizes, [4]int{1 + rng.IntN(60), 1 + rng.IntN(60), 1 + rng.IntN(60), 1 + rng.IntN(60)})
	}
	for _, s := range sizes {
		src := randomImage(s[0], s[1], rng.Uint64())
		if diff := cmp.Diff(resizedNaively(src, s[2], s[3]), ResizeTo(src, s[2], s[3])); diff != "" {
			t.Fatalf("%d × %d to %d × %d (-want +got):\n%s", s[0], s[1], s[2], s[3], diff)
		}
	}
	const long = 508400 // weights of 5.5 to 11 and to 5.5, in fixed point: more than half of them are rounded up
	sum := uint64(0)
	for _, w := range new(weightTable).bilinear(long, 1)[0].weight {
		sum += w
	}
	if 255*sum+1<<(coefficientBits-1) < 256<<coefficientBits {
		t.Errorf("weights add up to %d: want so much that white is above 255", sum)
	}
	for _, s := range [][2]int{{long, 1}, {1, long}} {
		src := NewRGB(s[0], s[1])
		for i := range src.Pix {
			src.Pix[i] = 255
		}
		if diff := cmp.Diff([]uint8{255, 255, 255}, ResizeTo(src, 1, 1).Pix); diff != "" {
			t.Errorf("%d × %d (-want +got):\n%s", s[0], s[1], diff)
		}
	}
}

// resizedNaively is ResizeTo, one pixel and channel at a time.
func resizedNaively(src *RGB, width, height int) *RGB {
	resample := func(to, from *RGB, all []weights, place func(img *RGB, along, across int) int, across int) {
		for i, at := range all {
			for k := range across {
				for c := range 3 {
					sum := uint64(1 << (coefficientBits - 1))
					for j, w := range at.weight {
						sum += w * uint64(from.Pix[place(from, at.first+j, k)+c])
					}
					to.Pix[place(to, i, k)+c] = uint8(min(sum>>coefficientBits, 255))
				}
			}
		}
	}
	middle, dst := NewRGB(width, src.Height), NewRGB(width, height)
	resample(middle, src, new(weightTable).bilinear(src.Width, width), func(img *RGB, x, y int) int { return 3 * (y*img.Width + x) }, src.Height)
	resample(dst, middle, new(weightTable).bilinear(src.Height, height), func(img *RGB, y, x int) int { return 3 * (y*img.Width + x) }, width)
	return dst
}
