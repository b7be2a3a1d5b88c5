// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
)

// ErrNotImage says that data is neither a JPEG nor a PNG image, judged by its first bytes.
var ErrNotImage = errors.New("neither JPEG nor PNG")

const (
	jpegMagic = "\xff\xd8\xff"
	pngMagic  = "\x89PNG\r\n\x1a\n"
)

// maxPixels bounds the images that are decoded: a small file can claim to be a huge image. Ours: 16,384 × 16,384.
const maxPixels = 1 << 28

// Decode reads a JPEG or PNG image, whichever its first bytes say, as red, green and blue bytes. It makes of every color
// model what Pillow's convert("RGB") makes: gray becomes three equal channels, a palette its colors, alpha is dropped without
// blending, and CMYK becomes (255-K)·(255-C)/255. Of 16 bits the upper 8 count (Pillow does so for color, and saturates gray).
// Metadata, such as an orientation, is not heeded. PNG images are equal to Pillow's; JPEG images differ by few levels, since
// each decoder rounds the cosine transform in its way; chroma at half resolution is interpolated as libjpeg does.
//
// The error is ErrNotImage if the data is of another kind.
func Decode(r io.Reader) (*RGB, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// decode is Decode of data in memory.
func decode(data []byte) (*RGB, error) {
	if _, _, err := decodeSize(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	read := png.Decode
	if bytes.HasPrefix(data, []byte(jpegMagic)) {
		read = jpeg.Decode
	}
	img, err := read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return FromImage(img), nil
}

// decodeSize reads no more than an image's header.
func decodeSize(r io.Reader) (width, height int, err error) {
	magic := make([]byte, len(pngMagic))
	n, err := io.ReadFull(r, magic)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	magic = magic[:n]
	whole := io.MultiReader(bytes.NewReader(magic), r)
	var config image.Config
	switch {
	case bytes.HasPrefix(magic, []byte(jpegMagic)):
		config, err = jpeg.DecodeConfig(whole)
	case string(magic) == pngMagic:
		config, err = png.DecodeConfig(whole)
	default:
		err = ErrNotImage
	}
	if err != nil {
		return 0, 0, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return 0, 0, fmt.Errorf("image of %d × %d pixels: want 1 to %d pixels", config.Width, config.Height, maxPixels)
	}
	return config.Width, config.Height, nil
}

// Image returns a copy in the standard library's form.
func (img *RGB) Image() image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 0xff
	}
	return out
}

// FromImage returns the image in red, green and blue bytes, by the rules of Decode.
func FromImage(img image.Image) *RGB {
	bounds := img.Bounds()
	dst := NewRGB(bounds.Dx(), bounds.Dy())
	if m, ok := img.(*image.YCbCr); ok {
		convertYCbCr(dst, m)
		return dst
	}
	at := colorAt(img)
	i := 0
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			dst.Pix[i], dst.Pix[i+1], dst.Pix[i+2] = at(x, y)
			i += 3
		}
	}
	return dst
}

// colorAt returns a function that reads one pixel of img.
func colorAt(img image.Image) func(x, y int) (r, g, b uint8) {
	switch m := img.(type) {
	case *image.Gray:
		return func(x, y int) (r, g, b uint8) {
			v := m.Pix[m.PixOffset(x, y)]
			return v, v, v
		}
	case *image.RGBA: // the standard decoder's form of opaque images only
		return func(x, y int) (r, g, b uint8) {
			p := m.Pix[m.PixOffset(x, y):]
			return p[0], p[1], p[2]
		}
	case *image.NRGBA:
		return func(x, y int) (r, g, b uint8) {
			p := m.Pix[m.PixOffset(x, y):]
			return p[0], p[1], p[2]
		}
	case *image.CMYK:
		return func(x, y int) (r, g, b uint8) {
			p := m.Pix[m.PixOffset(x, y):]
			return withoutInk(p[0], p[3]), withoutInk(p[1], p[3]), withoutInk(p[2], p[3])
		}
	case *image.Paletted:
		colors := make([]color.NRGBA, len(m.Palette))
		for i, c := range m.Palette {
			colors[i] = opaque(c)
		}
		return func(x, y int) (r, g, b uint8) {
			c := colors[m.ColorIndexAt(x, y)]
			return c.R, c.G, c.B
		}
	}
	return func(x, y int) (r, g, b uint8) {
		c := opaque(img.At(x, y))
		return c.R, c.G, c.B
	}
}

// opaque returns the color without its alpha. Colors that store their components unmultiplied keep them as they are.
func opaque(c color.Color) color.NRGBA {
	switch c := c.(type) {
	case color.NRGBA:
		return c
	case color.NRGBA64:
		return color.NRGBA{R: uint8(c.R >> 8), G: uint8(c.G >> 8), B: uint8(c.B >> 8), A: 255}
	}
	n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	return color.NRGBA{R: uint8(n.R >> 8), G: uint8(n.G >> 8), B: uint8(n.B >> 8), A: 255}
}

// withoutInk returns (255-key)·(255-ink)/255, rounded as Pillow does it.
func withoutInk(ink, key uint8) uint8 {
	light := uint32(255 - key)
	product := uint32(ink)*light + 128
	return uint8(light - (product>>8+product)>>8)
}
