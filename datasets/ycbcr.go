// SPDX-License-Identifier: Apache-2.0

package datasets

import "image"

// convertYCbCr fills dst with the part of src that has dst's size and begins at the given place, from luma and chroma, as libjpeg
// does by default: chroma at half resolution is interpolated ("fancy upsampling", jdsample.c: the nearer sample counts three times,
// the farther once), and colors come from fixed-point JFIF equations (jdcolor.c). The standard library takes the nearest chroma
// sample instead, which differs by up to 16 levels.
func convertYCbCr(dst *RGB, src *image.YCbCr, at image.Point) {
	bounds := src.Bounds()
	up := newUpsampler(src, at.X, dst.Width)
	for y := range dst.Height {
		cb := up.row(up.cb, src.Cb, at.Y+y)
		cr := up.row(up.cr, src.Cr, at.Y+y)
		luma := src.Y[src.YOffset(bounds.Min.X+at.X, bounds.Min.Y+at.Y+y):]
		out := dst.Pix[3*dst.Width*y : 3*dst.Width*(y+1)]
		luma, cb, cr = luma[:dst.Width], cb[:dst.Width], cr[:dst.Width]
		for x, v := range luma {
			rgb := (*[3]uint8)(out[3*x:])
			rgb[0], rgb[1], rgb[2] = jfifColor(v, cb[x], cr[x])
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
	left, columns int     // the columns of the image that are wanted
	width, height int     // of the chroma planes
	cb, cr        []uint8 // a row each at full resolution, used again
}

// newUpsampler returns an upsampler for the image's planes that makes the given number of columns from left on.
func newUpsampler(m *image.YCbCr, left, columns int) *upsampler {
	u := &upsampler{image: m, left: left, columns: columns, width: m.Rect.Dx(), height: m.Rect.Dy()}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		u.width = (u.width + 1) / 2
	case image.YCbCrSubsampleRatio420:
		u.width, u.height = (u.width+1)/2, (u.height+1)/2
	case image.YCbCrSubsampleRatio440:
		u.height = (u.height + 1) / 2
	}
	u.cb, u.cr = make([]uint8, columns+2), make([]uint8, columns+2)
	return u
}

// row returns the wanted columns of row y of a chroma plane at full resolution, in buffer or in the plane itself.
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
		return stride(y)[u.left:]
	case m.SubsampleRatio == image.YCbCrSubsampleRatio440:
		a, b := stride(near)[u.left:], stride(far)[u.left:]
		for x := range u.columns {
			buffer[x] = uint8((3*uint16(a[x]) + uint16(b[x]) + bias) >> 2)
		}
	case u.width > 2 && m.SubsampleRatio == image.YCbCrSubsampleRatio422:
		a := stride(y)
		return u.widen(buffer, a, a, 1, 0, 1, 2, 2)
	case u.width > 2 && m.SubsampleRatio == image.YCbCrSubsampleRatio420:
		return u.widen(buffer, stride(near), stride(far), 3, 1, 8, 7, 4)
	default:
		return u.nearest(buffer, plane, y)
	}
	return buffer
}

// widen writes the samples v·a + w·b at twice the width: each three times and its left or right neighbor once, with the rounding left
// or right, over 2^shift. At the edges a sample stands for its missing neighbor.
func (u *upsampler) widen(out, a, b []uint8, v, w, left, right uint32, shift int) []uint8 {
	mixed := func(k int) uint32 {
		k = min(max(k, 0), u.width-1)
		return v*uint32(a[k]) + w*uint32(b[k])
	}
	first, last := u.left/2, (u.left+u.columns-1)/2
	before, sum := mixed(first-1), mixed(first)
	i, nextB := 0, b[first+1:last+1]
	for k, nextA := range a[first+1 : last+1] {
		after := v*uint32(nextA) + w*uint32(nextB[k])
		two := (*[2]uint8)(out[i:])
		two[0], two[1] = uint8((3*sum+before+left)>>shift), uint8((3*sum+after+right)>>shift)
		i, before, sum = i+2, sum, after
	}
	out[i], out[i+1] = uint8((3*sum+before+left)>>shift), uint8((3*sum+mixed(last+1)+right)>>shift)
	return out[u.left%2:]
}

// nearest fills the buffer with the nearest samples: for unusual resolutions, very narrow images and parts of images.
func (u *upsampler) nearest(buffer, plane []uint8, y int) []uint8 {
	m := u.image
	for x := range u.columns {
		buffer[x] = plane[m.COffset(m.Rect.Min.X+u.left+x, m.Rect.Min.Y+y)]
	}
	return buffer
}
