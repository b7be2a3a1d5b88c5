// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"image"
	"io/fs"
)

// region is the part of an image that is wanted; region{} is the whole image.
type region struct {
	// box chooses the part by the image's size. It lies in the image, and is not empty. box is called once for each image that is
	// decoded, when its size is known, and before its pixels are. nil chooses all.
	box func(width, height int) image.Rectangle
	// room is memory for the file and the pixels, which the next region may use again. nil stands for memory of their own.
	room *room
}

// room is memory for one image after another.
type room struct {
	file   bytes.Buffer
	pixels []uint8
}

// in returns the wanted part of an image of that size.
func (r region) in(width, height int) image.Rectangle {
	if r.box == nil {
		return image.Rect(0, 0, width, height)
	}
	return r.box(width, height)
}

// of returns the wanted part of img, which is img itself if all of it is wanted.
func (r region) of(img *RGB) *RGB {
	box := r.in(img.Width, img.Height)
	return crop(img, box.Min.X, box.Min.Y, box.Dx(), box.Dy())
}

// mostRoom is up to how many bytes of pixels, and of a file, are kept for the next region. Ours: 4,096 × 4,096 pixels.
const mostRoom = 3 << 24

// newRGB returns an image of the box's size, in r.room if there is one. Its pixels are yet to be written.
func (r region) newRGB(box image.Rectangle) *RGB {
	size := 3 * box.Dx() * box.Dy()
	if r.room == nil || size > mostRoom {
		return NewRGB(box.Dx(), box.Dy())
	}
	if len(r.room.pixels) < size {
		r.room.pixels = make([]uint8, size)
	}
	return &RGB{Width: box.Dx(), Height: box.Dy(), Pix: r.room.pixels[:size:size]}
}

// readFile returns what is in a file, in r.room if there is one.
func (r region) readFile(fsys fs.FS, name string) ([]byte, error) {
	if r.room == nil {
		return fs.ReadFile(fsys, name)
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if r.room.file.Cap() > mostRoom {
		r.room.file = bytes.Buffer{}
	}
	r.room.file.Reset()
	_, err = r.room.file.ReadFrom(file)
	return r.room.file.Bytes(), err
}
