// SPDX-License-Identifier: Apache-2.0

package datasets

import "image"

// convertYCbCr fills dst, which has src's size, from luma and chroma, as libjpeg does by default: chroma at half resolution
// is interpolated ("fancy upsampling", jdsample.c: the nearer sample counts three times, the farther once), and colors come
// from fixed-point JFIF equations (jdcolor.c). The standard library takes the nearest chroma sample instead, which differs
// by up to 16 levels.
func convertYCbCr(dst *RGB, src *image.YCbCr) {
	bounds := src.Bounds()
	up := newUpsampler(src)
	for y := range dst.Height {
		cb := up.row(up.cb, src.Cb, y)
		cr := up.row(up.cr, src.Cr, y)
		luma := src.Y[src.YOffset(bounds.Min.X, bounds.Min.Y+y):]
		out := dst.Pix[3*dst.Width*y : 3*dst.Width*(y+1)]
		for x := range dst.Width {
			r, g, b := jfifColor(luma[x], cb[x], cr[x])
			out[3*x], out[3*x+1], out[3*x+2] = r, g, b
		}
	}
}

// jfifColor returns R = Y + 1.402·Cr, G = Y - 0.34414·Cb - 0.71414·Cr, B = Y + 1.772·Cb, with 128 subtracted from the
// chroma, in 16-bit fixed point rounded as libjpeg does.
func jfifColor(y, cb, cr uint8) (r, g, b uint8) {
	const half = 1 << 15
	luma, u, v := int32(y), int32(cb)-128, int32(cr)-128
	return clampByte(luma + (91881*v+half)>>16),
		clampByte(luma + (-22554*u-46802*v+half)>>16),
		clampByte(luma + (116130*u+half)>>16)
}

// clampByte returns the nearest byte.
func clampByte(v int32) uint8 { return uint8(min(max(v, 0), 255)) }

// upsampler brings rows of chroma to full resolution.
type upsampler struct {
	image         *image.YCbCr
	width, height int      // of the chroma planes
	cb, cr        []uint8  // a row each at full resolution, used again
	sums          []uint16 // a row of chroma, mixed of two
}

// newUpsampler returns an upsampler for the image's planes.
func newUpsampler(m *image.YCbCr) *upsampler {
	u := &upsampler{image: m, width: m.Rect.Dx(), height: m.Rect.Dy()}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		u.width = (u.width + 1) / 2
	case image.YCbCrSubsampleRatio420:
		u.width, u.height = (u.width+1)/2, (u.height+1)/2
	case image.YCbCrSubsampleRatio440:
		u.height = (u.height + 1) / 2
	}
	u.cb, u.cr = make([]uint8, 2*u.width+2), make([]uint8, 2*u.width+2)
	u.sums = make([]uint16, u.width)
	return u
}

// row returns row y of a chroma plane at full resolution, in buffer or in the plane itself.
func (u *upsampler) row(buffer, plane []uint8, y int) []uint8 {
	m := u.image
	stride := func(k int) []uint8 {
		k = min(max(k, 0), u.height-1)
		return plane[k*m.CStride : k*m.CStride+u.width]
	}
	near, far, bias := y/2, y/2-1, uint16(1)
	if y%2 == 1 {
		far, bias = near+1, 2
	}
	switch {
	case m.Rect.Min != (image.Point{}):
		return u.nearest(buffer, plane, y)
	case m.SubsampleRatio == image.YCbCrSubsampleRatio444:
		return stride(y)
	case m.SubsampleRatio == image.YCbCrSubsampleRatio440:
		a, b := stride(near), stride(far)
		for x := range a {
			buffer[x] = uint8((3*uint16(a[x]) + uint16(b[x]) + bias) >> 2)
		}
	case u.width > 2 && m.SubsampleRatio == image.YCbCrSubsampleRatio422:
		for x, v := range stride(y) {
			u.sums[x] = uint16(v)
		}
		u.widen(buffer, 1, 2, 2)
	case u.width > 2 && m.SubsampleRatio == image.YCbCrSubsampleRatio420:
		a, b := stride(near), stride(far)
		for x := range a {
			u.sums[x] = 3*uint16(a[x]) + uint16(b[x])
		}
		u.widen(buffer, 8, 7, 4)
	default:
		return u.nearest(buffer, plane, y)
	}
	return buffer
}

// widen writes u.sums at twice the width: each sample three times and its left or right neighbor once, with the rounding left
// or right, over 2^shift. At the edges a sample stands for its missing neighbor.
func (u *upsampler) widen(out []uint8, left, right uint16, shift int) {
	last := len(u.sums) - 1
	for x, v := range u.sums {
		out[2*x] = uint8((3*v + u.sums[max(x-1, 0)] + left) >> shift)
		out[2*x+1] = uint8((3*v + u.sums[min(x+1, last)] + right) >> shift)
	}
}

// nearest fills the buffer with the nearest samples: for unusual resolutions, very narrow images and parts of images.
func (u *upsampler) nearest(buffer, plane []uint8, y int) []uint8 {
	m := u.image
	if len(buffer) < m.Rect.Dx() {
		buffer = make([]uint8, m.Rect.Dx())
	}
	for x := range m.Rect.Dx() {
		buffer[x] = plane[m.COffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)]
	}
	return buffer
}
