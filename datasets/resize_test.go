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
