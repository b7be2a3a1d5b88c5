// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/binary"
	"slices"
)

// A number of 64 bits holds two bytes, one in each half, so that one multiplication serves both. It may be by one weight, for two
// pixels of one column: (a + b·2³²)·w = a·w + b·w·2³². Or by two, for the sum that belongs to one pixel, in the upper half:
// (a + b·2³²)·(v + w·2³²) = a·v + (a·w + b·v)·2³², without what goes beyond 64 bits. Sums of bytes times weights stay below 2³².
const (
	bothBytes  = 0xff | 0xff<<32
	upperHalf  = 1 << (coefficientBits - 1 + 32) // a half, for rounding, of the sum in the upper half
	bothHalves = 1<<(coefficientBits-1) | upperHalf
	upperByte  = coefficientBits + 32 // how far the byte of the sum in the upper half is from the right
)

// rowPairs makes the rows of an image, resampled to another width, as they are asked for from top to bottom, and keeps the last
// ones: in pairs, the even row's bytes in the lower halves of 3·width numbers and the odd row's in the upper halves.
type rowPairs struct {
	src     *RGB
	table   weightTable
	columns []weights // in the table
	across  func(to []uint64, row0, row1 []byte, columns []weights)
	ring    [][]uint64 // pair m is at m modulo the length
	numbers []uint64   // of the ring
	made    int        // pairs so far
	spare   [2][]byte  // rows with room behind them

	mixed []uint64   // weights of the rows that are mixed, the even row's in the upper half
	rows  [][]uint64 // their pairs
}

// rowRoom is how many bytes behind a row are read: those of pixels whose weight is zero, and one to read four bytes for a pixel.
const rowRoom = 3*(fewTaps-1) + 1

// begin begins with an image, of which up to taps rows are wanted at once.
func (r *rowPairs) begin(src *RGB, width, taps int) {
	r.src, r.columns, r.made = src, r.table.bilinear(src.Width, width), 0
	pairs := taps/2 + 2
	r.numbers = slices.Grow(r.numbers[:0], pairs*3*width)[:pairs*3*width]
	r.ring = r.ring[:0]
	for i := range pairs {
		r.ring = append(r.ring, r.numbers[3*width*i:3*width*(i+1)])
	}
	most := 0
	for i := range r.columns {
		most = max(most, len(r.columns[i].weight))
	}
	switch {
	case most <= 3:
		r.across = across3
	case most <= fewTaps:
		r.across = across4
	default:
		r.across = acrossMany
	}
}

// mix writes the mix of rows that a result row is made of, 3·width bytes.
func (r *rowPairs) mix(to []byte, at weights) {
	from, end := at.first/2, (at.first+len(at.weight)+1)/2
	for ; r.made < end; r.made++ {
		r.across(r.ring[r.made%len(r.ring)], r.row(2*r.made, 0), r.row(2*r.made+1, 1), r.columns)
	}
	r.rows, r.mixed = r.rows[:0], r.mixed[:0]
	for m := from; m < end; m++ {
		r.rows = append(r.rows, r.ring[m%len(r.ring)])
		r.mixed = append(r.mixed, at.of(2*m)<<32|at.of(2*m+1))
	}
	switch len(r.rows) {
	case 1:
		mix2(to, r.rows[0], r.rows[0], r.mixed[0], 0)
	case 2:
		mix2(to, r.rows[0], r.rows[1], r.mixed[0], r.mixed[1])
	case 3:
		mix3(to, r.rows[0], r.rows[1], r.rows[2], r.mixed[0], r.mixed[1], r.mixed[2])
	default:
		mixMany(to, r.rows, r.mixed)
	}
}

// row returns a row of the image, or the last one, with rowRoom bytes behind it. spare says where it may be copied to.
func (r *rowPairs) row(y, spare int) []byte {
	size := 3 * r.src.Width
	from := size * min(y, r.src.Height-1)
	if end := from + size + rowRoom; end <= len(r.src.Pix) {
		return r.src.Pix[from:end]
	}
	r.spare[spare] = slices.Grow(r.spare[spare][:0], size+rowRoom)[:size+rowRoom]
	copy(r.spare[spare], r.src.Pix[from:from+size])
	return r.spare[spare]
}

// twoPixels returns the bytes of a pixel of each of two rows, and one more: red in bits 0 and 32, green in 8 and 40, blue in 16 and 48.
func twoPixels(row0, row1 []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(row0)) | uint64(binary.LittleEndian.Uint32(row1))<<32
}

// across3 resamples two rows by at most three weights a pixel.
func across3(to []uint64, row0, row1 []byte, columns []weights) {
	const n = 3
	row1 = row1[:len(row0)]
	for x := range columns {
		at := &columns[x]
		p, q := (*[3*n + 1]byte)(row0[3*at.first:]), (*[3*n + 1]byte)(row1[3*at.first:])
		a, b, c := twoPixels(p[:], q[:]), twoPixels(p[3:], q[3:]), twoPixels(p[6:], q[6:])
		u, v, w := at.few[0], at.few[1], at.few[2]
		rgb := (*[3]uint64)(to[3*x:])
		rgb[0] = (bothHalves + a&bothBytes*u + b&bothBytes*v + c&bothBytes*w) >> coefficientBits & bothBytes
		rgb[1] = (bothHalves + a>>8&bothBytes*u + b>>8&bothBytes*v + c>>8&bothBytes*w) >> coefficientBits & bothBytes
		rgb[2] = (bothHalves + a>>16&bothBytes*u + b>>16&bothBytes*v + c>>16&bothBytes*w) >> coefficientBits & bothBytes
	}
}

// across4 resamples two rows by at most four weights a pixel.
func across4(to []uint64, row0, row1 []byte, columns []weights) {
	const n = 4
	row1 = row1[:len(row0)]
	for x := range columns {
		at := &columns[x]
		p, q := (*[3*n + 1]byte)(row0[3*at.first:]), (*[3*n + 1]byte)(row1[3*at.first:])
		a, b, c, d := twoPixels(p[:], q[:]), twoPixels(p[3:], q[3:]), twoPixels(p[6:], q[6:]), twoPixels(p[9:], q[9:])
		t, u, v, w := at.few[0], at.few[1], at.few[2], at.few[3]
		rgb := (*[3]uint64)(to[3*x:])
		rgb[0] = (bothHalves + a&bothBytes*t + b&bothBytes*u + c&bothBytes*v + d&bothBytes*w) >> coefficientBits & bothBytes
		rgb[1] = (bothHalves + a>>8&bothBytes*t + b>>8&bothBytes*u + c>>8&bothBytes*v + d>>8&bothBytes*w) >> coefficientBits & bothBytes
		rgb[2] = (bothHalves + a>>16&bothBytes*t + b>>16&bothBytes*u + c>>16&bothBytes*v + d>>16&bothBytes*w) >> coefficientBits & bothBytes
	}
}

// acrossMany resamples two rows by any number of weights.
func acrossMany(to []uint64, row0, row1 []byte, columns []weights) {
	for x := range columns {
		at := &columns[x]
		p, q := row0[3*at.first:], row1[3*at.first:]
		r, g, b := uint64(bothHalves), uint64(bothHalves), uint64(bothHalves)
		for _, w := range at.weight {
			both := twoPixels(p, q)
			p, q = p[3:], q[3:]
			r += both & bothBytes * w
			g += both >> 8 & bothBytes * w
			b += both >> 16 & bothBytes * w
		}
		if (r|g|b)&tooBright != 0 {
			r, g, b = clampBoth(r), clampBoth(g), clampBoth(b)
		}
		rgb := (*[3]uint64)(to[3*x:])
		rgb[0], rgb[1], rgb[2] = r>>coefficientBits&bothBytes, g>>coefficientBits&bothBytes, b>>coefficientBits&bothBytes
	}
}

// tooBright is the bits of two fixed-point sums that tell that one is above 255.
const tooBright = 3<<(coefficientBits+8) | 3<<(coefficientBits+8+32)

// clampBoth returns two fixed-point sums, each at most 255. Roundings of more than 16,000 weights can add up to so much over 1
// that a white pixel would be lifted above 255; each is by a half at most, and so those of few can't.
func clampBoth(sums uint64) uint64 {
	const most = 255 << coefficientBits
	return min(sums&(1<<32-1), most) | min(sums>>32, most)<<32
}

// mix2 mixes two pairs of rows.
func mix2(to []byte, a, b []uint64, v, w uint64) {
	a, b = a[:len(to)], b[:len(to)]
	for i := range to {
		to[i] = byte((upperHalf + a[i]*v + b[i]*w) >> upperByte)
	}
}

// mix3 mixes three pairs of rows.
func mix3(to []byte, a, b, c []uint64, u, v, w uint64) {
	a, b, c = a[:len(to)], b[:len(to)], c[:len(to)]
	for i := range to {
		to[i] = byte((upperHalf + a[i]*u + b[i]*v + c[i]*w) >> upperByte)
	}
}

// mixMany mixes any number of pairs of rows; for the limit see clampBoth.
func mixMany(to []byte, rows [][]uint64, weight []uint64) {
	for i := range to {
		sum := uint64(upperHalf)
		for k, w := range weight {
			sum += rows[k][i] * w
		}
		to[i] = byte(min(sum>>upperByte, 255))
	}
}
