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

// What a build decodes JPEG images by: [JPEGDecoder] is one of them. Their pixels differ by few levels.
const (
	StandardJPEG = "image/jpeg"
	LibjpegTurbo = "libjpeg-turbo"
)

const (
	jpegMagic = "\xff\xd8\xff"
	pngMagic  = "\x89PNG\r\n\x1a\n"
)

// maxPixels bounds the images that are decoded: a small file can claim to be a huge image. Ours: 16,384 × 16,384.
const maxPixels = 1 << 28

// Decode reads a JPEG or PNG image, whichever its first bytes say, as red, green and blue bytes. It makes of every color
// model what Pillow's open and convert("RGB") make:
//
//   - Gray of 1, 2, 4 and 8 bits becomes three equal channels of the full range. Gray of 16 bits is cut off at 255, as there, so
//     that such files are best brought to 8 bits before.
//   - A palette becomes its colors, color of 16 bits its upper 8 bits.
//   - Alpha, and a color declared transparent, are dropped without blending: what lay hidden shows.
//   - CMYK becomes (255-K)·(255-C)/255, from inks stored inverted as Adobe does; YCCK becomes CMYK first.
//   - Orientation, color profile and gamma are not heeded.
//
// PNG images are equal to Pillow's. JPEG images differ by few levels, since each decoder rounds the cosine transform in its way;
// built with the tag turbojpeg, which decodes them by libjpeg-turbo as Pillow does, they are equal too. Files that end early are
// errors, as there; so is damaged data, where Pillow goes on with gray.
//
// The error is ErrNotImage if the data is of another kind.
func Decode(r io.Reader) (*RGB, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return decode(data, region{})
}

// decode returns the wanted part of an image in memory. Faults of the data are found wherever they are, as by Decode.
func decode(data []byte, wanted region) (*RGB, error) {
	if bytes.HasPrefix(data, []byte(jpegMagic)) {
		return decodeJPEG(data, wanted)
	}
	if _, _, err := decodeSize(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if bitDepth, colorType := data[pngDepthAt], data[pngDepthAt+1]; bitDepth == 16 && colorType == pngGray {
		return wanted.of(fromGray16(img)), nil
	}
	return wanted.of(FromImage(img)), nil
}

// Where a PNG file says how many bits its samples have, followed by the kind of color, and the kind that is gray without alpha.
const (
	pngDepthAt = 24
	pngGray    = 0
)

// fromGray16 returns gray of 16 bits cut off at 255, as Pillow does. Gray with a transparent value comes from the standard library
// as colors with alpha.
func fromGray16(img image.Image) *RGB {
	bounds := img.Bounds()
	dst := NewRGB(bounds.Dx(), bounds.Dy())
	i := 0
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			v := uint8(min(color.NRGBA64Model.Convert(img.At(x, y)).(color.NRGBA64).R, 255))
			dst.Pix[i], dst.Pix[i+1], dst.Pix[i+2] = v, v, v
			i += 3
		}
	}
	return dst
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
	return config.Width, config.Height, checkPixels(config.Width, config.Height)
}

// checkPixels returns an error unless an image of that size is to be decoded.
func checkPixels(width, height int) error {
	if width < 1 || height < 1 || width > maxPixels/height {
		return fmt.Errorf("image of %d × %d pixels: want 1 to %d pixels", width, height, maxPixels)
	}
	return nil
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
	switch m := img.(type) {
	case *image.YCbCr:
		convertYCbCr(dst, m, image.Point{})
		return dst
	case *image.Gray16:
		return fromGray16(m)
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
