// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"image"
	"testing"
)

// Wanted numbers: the weights of libjpeg's triangle filter written down pixel by pixel. A pixel lies a quarter of a chroma
// sample from the center of its own sample and three quarters from the neighbor's, along each halved axis: weights 3 and 1, in
// two dimensions 9, 3, 3, 1. Halves are rounded up and down by turns, as in jdsample.c.
func TestUpsamplingIsTheTriangleFilter(t *testing.T) {
	for _, c := range []struct {
		ratio           image.YCbCrSubsampleRatio
		wide, high      bool  // which axes are halved
		left, right     int   // what is added before the division, at even and odd columns, or rows if only rows are halved
		shift           int   // of the division
		widths, heights []int // sizes to try
	}{
		{image.YCbCrSubsampleRatio444, false, false, 0, 0, 0, []int{5}, []int{3}},
		{image.YCbCrSubsampleRatio422, true, false, 1, 2, 2, []int{5, 12}, []int{1, 4}},
		{image.YCbCrSubsampleRatio440, false, true, 1, 2, 2, []int{3, 4}, []int{1, 5, 8}},
		{image.YCbCrSubsampleRatio420, true, true, 8, 7, 4, []int{5, 6, 17}, []int{1, 2, 9}},
	} {
		for _, width := range c.widths {
			for _, height := range c.heights {
				m := image.NewYCbCr(image.Rect(0, 0, width, height), c.ratio)
				rng := newRand(uint64(width), uint64(height))
				for i := range m.Cb {
					m.Cb[i] = uint8(rng.Uint32())
				}
				u := newUpsampler(m, 0, width)
				for y := range height {
					row := u.row(u.cb, m.Cb, y)
					for x := range width {
						x0, x1, wx := neighbors(x, u.width, c.wide)
						y0, y1, wy := neighbors(y, u.height, c.high)
						at := func(x, y int) int { return int(m.Cb[y*m.CStride+x]) }
						sum := wy*(wx*at(x0, y0)+at(x1, y0)*b2i(c.wide)) + b2i(c.high)*(wx*at(x0, y1)+at(x1, y1)*b2i(c.wide))
						bias := c.left
						if c.wide && x%2 == 1 || !c.wide && y%2 == 1 {
							bias = c.right
						}
						if want := (sum + bias) >> c.shift; int(row[x]) != want {
							t.Fatalf("%v, %d × %d: chroma at %d, %d is %d: want %d", c.ratio, width, height, x, y, row[x], want)
						}
					}
				}
			}
		}
	}
}

// neighbors returns the own and the next nearest of n samples for pixel i, and the weight of the own.
func neighbors(i, n int, halved bool) (own, next, weight int) {
	if !halved {
		return i, i, 1
	}
	own = i / 2
	next = min(max(own-1+2*(i%2), 0), n-1)
	return own, next, 3
}

// b2i returns 1 for true.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Wanted numbers: the JFIF equations in floating point, to a level.
func TestJFIFColor(t *testing.T) {
	near := func(got uint8, want float64) bool {
		return float64(got) >= min(max(want, 0), 255)-0.51 && float64(got) <= min(max(want, 0), 255)+0.51
	}
	for y := 0; y < 256; y += 15 {
		for cb := 0; cb < 256; cb += 15 {
			for cr := 0; cr < 256; cr += 15 {
				r, g, b := jfifColor(uint8(y), uint8(cb), uint8(cr))
				u, v := float64(cb)-128, float64(cr)-128
				if !near(r, float64(y)+1.402*v) || !near(g, float64(y)-0.344136*u-0.714136*v) || !near(b, float64(y)+1.772*u) {
					t.Errorf("Y %d, Cb %d, Cr %d: %d, %d, %d", y, cb, cr, r, g, b)
				}
			}
		}
	}
}
