// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Classified is an image of a Gallery: its class, the class that it is taken for, which is the one that a classifier
// finds most probable or that of the nearest image, how probable that is, whether it is right, and the norm of the image's
// uncertainty embedding. Both numbers are left out if they are NaN. An Image that is nil is drawn as an empty box.
type Classified struct {
	Image            image.Image
	Class, Predicted string
	Probability      float64
	Correct          bool
	Uncertainty      float64
}

// Gallery shows images with what a network says of them. Right ones have a
// green border and a check mark, wrong ones a vermillion border and a cross. Under an image
// stand the predicted class, its probability p and the uncertainty u, and, if that
// is wrong, the image's class.
type Gallery struct {
	Title  string
	images []Classified
}

// NewGallery returns a figure of the images, six side by side. It copies the
// list, not the images. The error wraps ErrNoData if there is none.
func NewGallery(images []Classified) (*Gallery, error) {
	if len(images) == 0 {
		return nil, fmt.Errorf("%w: gallery without images", ErrNoData)
	}
	return &Gallery{images: slices.Clone(images)}, nil
}

// galleryColumns is how many images stand side by side.
const galleryColumns = 6

// galleryTile is the side of an image.
const galleryTile = (Width - gridMargins - (galleryColumns-1)*gridGap) / galleryColumns

// rowHeight returns the height of a row of images with the gap below it.
func (f *Gallery) rowHeight() vg.Length {
	lines := 0
	for _, i := range f.images {
		lines = max(lines, len(i.caption()))
	}
	return galleryTile + 2*Px + vg.Length(lines)*captionLine + gridRow
}

// Size returns the width of a notebook and the height that the rows need.
func (f *Gallery) Size() (w, h vg.Length) {
	rows := (len(f.images) + galleryColumns - 1) / galleryColumns
	h = 18*Px + vg.Length(rows)*f.rowHeight() - gridRow
	if f.Title != "" {
		h += boldStyle(titleSize, ink).Height(f.Title) + 10*Px
	}
	return Width, h
}

// Draw draws the figure.
func (f *Gallery) Draw(c draw.Canvas) {
	c = begin(c, f.Title)
	for i := range f.images {
		column, row := vg.Length(i%galleryColumns), vg.Length(i/galleryColumns)
		at := square(c.Min.X+column*(galleryTile+gridGap), c.Max.Y-row*f.rowHeight(), galleryTile)
		drawMarked(c, at, f.images[i].Image, f.images[i].Correct)
		drawCaption(c, at, f.images[i].caption(), ink)
	}
}

// caption returns the lines under an image.
func (i *Classified) caption() []string {
	lines := []string{i.Predicted}
	var numbers []string
	if finite(i.Probability) {
		numbers = append(numbers, "p "+short(i.Probability))
	}
	if finite(i.Uncertainty) {
		numbers = append(numbers, "u "+short(i.Uncertainty))
	}
	if len(numbers) > 0 {
		lines = append(lines, strings.Join(numbers, "\u00a0\u00a0\u00a0")) // SVG joins common spaces to one
	}
	if !i.Correct {
		lines = append(lines, "is "+i.Class)
	}
	return lines
}
