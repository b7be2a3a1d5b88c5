// SPDX-License-Identifier: Apache-2.0

//go:build !turbojpeg || !cgo

package datasets

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"slices"
)

// JPEGDecoder is what decodes JPEG images in this build.
const JPEGDecoder = StandardJPEG

// decodeJPEG decodes a JPEG image by the standard library, and converts the colors of the wanted part.
func decodeJPEG(data []byte, wanted region) (*RGB, error) {
	ycck := (*subsampling)(nil)
	if h := scanJPEG(data); h.components == 4 {
		data, ycck = h.asCMYK(data)
	}
	width, height, err := decodeSize(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch m := img.(type) {
	case *image.YCbCr:
		box := wanted.in(width, height)
		dst := wanted.newRGB(box)
		convertYCbCr(dst, m, box.Min)
		return dst, nil
	case *image.CMYK:
		if ycck != nil {
			return wanted.of(fromYCCK(m, *ycck)), nil
		}
	}
	return wanted.of(FromImage(img)), nil
}

// jpegHeader is what decodeJPEG wants to know of a file before it is decoded.
type jpegHeader struct {
	components int
	chroma     subsampling // of the second component against the first
	adobeAt    int         // where Adobe's segment says the color transform, 0 if it is missing
}

// subsampling is how many samples of the first component stand beside and above each other for one of the second.
type subsampling struct{ x, y int }

// scanJPEG reads the segments before the first scan. It leaves faults to the decoder, which finds them again.
func scanJPEG(data []byte) (h jpegHeader) {
	const app14, sof0, sof2, sos = 0xee, 0xc0, 0xc2, 0xda
	for at := len("\xff\xd8"); at+4 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xff { // fill bytes may stand before a marker
			at++
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == sos || end > len(data) {
			return h
		}
		body := data[at+4 : max(end, at+4)]
		switch {
		case marker == app14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
			h.adobeAt = at + 4 + 11
		case sof0 <= marker && marker <= sof2 && len(body) >= 6+3*4:
			h.components = int(body[5])
			first, second := body[7], body[10] // upper half: across, lower half: down
			if second>>4 > 0 && second&15 > 0 {
				h.chroma = subsampling{int(first >> 4 / (second >> 4)), int(first & 15 / (second & 15))}
			}
		}
		at = end
	}
	return h
}

// asCMYK returns the file of an image of four components such that the standard library gives these as they are stored. It
// returns the chroma's resolution too if they are YCCK. Without Adobe's segment, which the standard library insists on, they are
// CMYK, as for libjpeg.
func (h jpegHeader) asCMYK(data []byte) (changed []byte, ycck *subsampling) {
	if h.adobeAt == 0 {
		segment := []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
		return slices.Insert(bytes.Clone(data), len("\xff\xd8"), segment...), nil
	}
	if data[h.adobeAt] == 0 {
		return data, nil
	}
	changed = bytes.Clone(data)
	changed[h.adobeAt] = 0
	return changed, &h.chroma
}

// fromYCCK converts components that the standard library has taken for CMYK, and inverted, but which are luma, chroma and black.
// It would have taken the nearest sample of chroma at half resolution; libjpeg interpolates.
func fromYCCK(m *image.CMYK, s subsampling) *RGB {
	ratio := image.YCbCrSubsampleRatio444
	if s == (subsampling{2, 2}) {
		ratio = image.YCbCrSubsampleRatio420
	} else {
		s = subsampling{1, 1}
	}
	width, height := m.Rect.Dx(), m.Rect.Dy()
	ycc := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	for y := range height {
		for x := range width {
			p := m.Pix[m.PixOffset(x, y):]
			ycc.Y[ycc.YOffset(x, y)] = 255 - p[0]
			if x%s.x == 0 && y%s.y == 0 {
				at := ycc.COffset(x, y)
				ycc.Cb[at], ycc.Cr[at] = 255-p[1], 255-p[2]
			}
		}
	}
	dst := NewRGB(width, height)
	convertYCbCr(dst, ycc, image.Point{}) // gives the colored inks
	for i := range dst.Pix {
		pixel := i / 3
		dst.Pix[i] = withoutInk(dst.Pix[i], m.Pix[m.PixOffset(pixel%width, pixel/width)+3])
	}
	return dst
}
