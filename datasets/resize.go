// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
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
	if width == src.Width && height == src.Height {
		return src
	}
	dst := NewRGB(width, height)
	new(resizer).resize(dst, src)
	return dst
}

// resizer resizes one image after another in the same memory.
type resizer struct {
	down weightTable
	rows rowPairs
}

// resize makes dst of src as ResizeTo does, in dst's size.
func (r *resizer) resize(dst, src *RGB) {
	if dst.Width == src.Width && dst.Height == src.Height {
		copy(dst.Pix, src.Pix)
		return
	}
	r.rows.begin(src, dst.Width, mostTaps(src.Height, dst.Height))
	for y, at := range r.down.bilinear(src.Height, dst.Height) {
		r.rows.mix(dst.Pix[3*dst.Width*y:3*dst.Width*(y+1)], at)
	}
	r.rows.src = nil // it may be large
}

// weights says how the pixels of one result coordinate are made: weight[k] belongs to source coordinate first + k. Those at the
// ends that are zero are left out.
type weights struct {
	first  int
	few    [fewTaps]uint64 // weight once more and zeros after it, unless there are more
	weight []uint64
}

// fewTaps is up to how many weights are written out one by one. Ours: four serve down to half the size.
const fewTaps = 4

// mostTaps returns how many of in coordinates one of out is made of at most.
func mostTaps(in, out int) int { return 2*int(math.Ceil(max(float64(in)/float64(out), 1))) + 1 }

// weightTable holds the weights of one side of an image, and then of the next.
type weightTable struct {
	all   []weights
	fixed []uint64  // of all coordinates
	raw   []float64 // of one
}

// bilinear returns the weights of each of out coordinates made of in, until the next call.
func (t *weightTable) bilinear(in, out int) []weights {
	scale := float64(in) / float64(out)
	support := max(scale, 1)
	taps := mostTaps(in, out)
	t.all = slices.Grow(t.all[:0], out)[:out]
	t.fixed = slices.Grow(t.fixed[:0], out*taps)[:out*taps]
	fixed, raw := t.fixed, t.raw
	for i := range t.all {
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
		weight := fixed[:len(raw):len(raw)]
		fixed = fixed[len(raw):]
		for k, w := range raw {
			weight[k] = uint64(0.5 + float64(w/sum*(1<<coefficientBits)))
		}
		t.all[i] = trimmed(first, weight)
	}
	t.raw = raw
	return t.all
}

// trimmed returns the weights without zeros at the ends.
func trimmed(first int, weight []uint64) weights {
	for len(weight) > 0 && weight[len(weight)-1] == 0 {
		weight = weight[:len(weight)-1]
	}
	for len(weight) > 0 && weight[0] == 0 {
		first, weight = first+1, weight[1:]
	}
	w := weights{first: first, weight: weight}
	if len(weight) <= fewTaps {
		copy(w.few[:], weight)
	}
	return w
}

// of returns the weight of a source coordinate.
func (w *weights) of(coordinate int) uint64 {
	if k := coordinate - w.first; 0 <= k && k < len(w.weight) {
		return w.weight[k]
	}
	return 0
}
