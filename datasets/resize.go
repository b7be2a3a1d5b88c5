// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
)

// coefficientBits is the number of binary places of a resampling weight: Pillow's fixed point, for results equal to its bit
// for bit. Code: PRECISION_BITS = 32 - 8 - 2 in Pillow's Resample.c.
const coefficientBits = 22

// ResizeTo returns src at width × height by antialiased bilinear resampling, equal to Pillow's
// resize((width, height), BILINEAR) bit for bit: along rows, then along columns, each rounded to bytes. The kernel is the
// triangle 1 - |x| as wide as the larger of a source and a result pixel, cut at the image's edges and scaled to the sum 1.
// (Pillow up to 12.3, on which published models were trained. Pillow 13 takes columns first for some sizes, which changes some
// bytes by one.)
// If the size is that of src, the result is src itself. It panics if a side is not positive.
func ResizeTo(src *RGB, width, height int) *RGB {
	if width < 1 || height < 1 {
		panic(fmt.Sprintf("datasets: ResizeTo %d × %d", width, height))
	}
	return resizeRows(resizeColumns(src, width), height)
}

// weights says how the pixels of one result coordinate are made: weight[k] belongs to source coordinate first + k.
type weights struct {
	first  int
	weight []int32
}

// bilinearWeights returns the weights of each of out coordinates made of in.
func bilinearWeights(in, out int) []weights {
	scale := float64(in) / float64(out)
	support := max(scale, 1)
	all := make([]weights, out)
	taps := 2*int(math.Ceil(support)) + 1
	raw := make([]float64, 0, taps)
	fixed := make([]int32, out*taps)
	for i := range all {
		// The conversions keep the compiler from fusing a product and a sum, which would round otherwise than Pillow does.
		center := float64((float64(i) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		end := min(int(center+support+0.5), in)
		raw = raw[:0]
		sum := 0.0
		for x := range end - first {
			distance := math.Abs(float64((float64(x+first) - center + 0.5) * (1 / support)))
			w := max(1-distance, 0)
			raw = append(raw, w)
			sum += w
		}
		all[i] = weights{first: first, weight: fixed[:len(raw):len(raw)]}
		fixed = fixed[len(raw):]
		for k, w := range raw {
			all[i].weight[k] = int32(0.5 + float64(w/sum*(1<<coefficientBits)))
		}
	}
	return all
}

// resizeColumns returns src with each row resampled to width pixels.
func resizeColumns(src *RGB, width int) *RGB {
	if width == src.Width {
		return src
	}
	all := bilinearWeights(src.Width, width)
	dst := NewRGB(width, src.Height)
	for y := range src.Height {
		row := src.Pix[3*src.Width*y : 3*src.Width*(y+1)]
		to := dst.Pix[3*width*y : 3*width*(y+1)]
		for x := range all {
			from := row[3*all[x].first:]
			r, g, b := int32(1<<(coefficientBits-1)), int32(1<<(coefficientBits-1)), int32(1<<(coefficientBits-1))
			for k, w := range all[x].weight {
				p := from[3*k : 3*k+3 : 3*k+3]
				r += int32(p[0]) * w
				g += int32(p[1]) * w
				b += int32(p[2]) * w
			}
			q := to[3*x : 3*x+3 : 3*x+3]
			q[0], q[1], q[2] = fixedByte(r), fixedByte(g), fixedByte(b)
		}
	}
	return dst
}

// resizeRows returns src with each column resampled to height pixels.
func resizeRows(src *RGB, height int) *RGB {
	if height == src.Height {
		return src
	}
	stride := 3 * src.Width
	sums := make([]int32, stride)
	dst := NewRGB(src.Width, height)
	for y, at := range bilinearWeights(src.Height, height) {
		for i := range sums {
			sums[i] = 1 << (coefficientBits - 1)
		}
		for k, w := range at.weight {
			row := src.Pix[stride*(at.first+k) : stride*(at.first+k+1)]
			for i, v := range row[:len(sums)] {
				sums[i] += int32(v) * w
			}
		}
		to := dst.Pix[stride*y : stride*(y+1)]
		for i, sum := range sums {
			to[i] = fixedByte(sum)
		}
	}
	return dst
}

// fixedByte returns the byte of a fixed-point sum that had a half added; weights whose roundings add up to a little over 1
// can lift a white pixel above 255.
func fixedByte(sum int32) uint8 {
	return uint8(min(max(sum>>coefficientBits, 0), 255))
}
