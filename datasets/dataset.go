// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
)

// RGB is an image as it travels from disk to the device: the red, green and blue bytes of each pixel, row by row,
// [Height, Width, 3].
type RGB struct {
	Width, Height int
	Pix           []uint8
}

// NewRGB returns a black image. It panics if a side is not positive.
func NewRGB(width, height int) *RGB {
	if width < 1 || height < 1 {
		panic(fmt.Sprintf("datasets: image of %d × %d pixels", width, height))
	}
	return &RGB{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
}

// AmbiguityKind says by what an image was made ambiguous.
type AmbiguityKind string

// The kinds of ambiguity, and what Ambiguity.Amount is for each.
const (
	Unambiguous AmbiguityKind = ""          // Amount is 0
	Blend       AmbiguityKind = "blend"     // the weight of the image of class Other, at most a half
	Occlusion   AmbiguityKind = "occlusion" // the share of the image's area that a patch covers
	Blur        AmbiguityKind = "blur"      // the deviation of the Gaussian over the largest one, 1/10 of the image's side
)

// Ambiguity is the ground truth of how ambiguous an image was made, to hold a model's uncertainty against. Amount is in
// [0, 1]; amounts of different kinds do not compare. Other is the class that was blended in, -1 if none was.
type Ambiguity struct {
	Kind   AmbiguityKind
	Amount float64
	Other  int
}

// Example is what is known of an image without loading it. Label is an index of its dataset's Classes; Name is its path, or
// says what it is where there is no file, and is unique in its dataset. Images of which nothing is known have Ambiguity{Other: -1}.
type Example struct {
	Name      string
	Label     int
	Ambiguity Ambiguity
}

// Dataset is a list of labeled images, loaded one at a time when asked for.
type Dataset struct {
	Name     string
	Classes  []string
	Examples []Example

	load func(i int, wanted region) (*RGB, error)
	size func(i int) (width, height int) // nil if only loading tells
}

// New returns a dataset whose image i comes from load(i). Many goroutines call load at once; the image it returns is the
// caller's. New panics if load is nil.
func New(name string, classes []string, examples []Example, load func(i int) (*RGB, error)) *Dataset {
	if load == nil {
		panic("datasets: New without a function that loads images")
	}
	d := &Dataset{Name: name, Classes: classes, Examples: examples}
	d.load = func(i int, wanted region) (*RGB, error) {
		img, err := load(i)
		if err != nil || !img.isWhole() {
			return img, err
		}
		return wanted.of(img), nil
	}
	return d
}

// Image loads image i, which is the caller's to change. Errors name the image. It panics if i is out of range.
func (d *Dataset) Image(i int) (*RGB, error) { return d.image(i, region{}) }

// image loads the wanted part of image i, as Image does.
func (d *Dataset) image(i int, wanted region) (*RGB, error) {
	name := d.Examples[i].Name
	img, err := d.load(i, wanted)
	if err != nil {
		return nil, fmt.Errorf("datasets: loading %s: %w", name, err)
	}
	if !img.isWhole() {
		return nil, fmt.Errorf("datasets: loading %s: not a whole image", name)
	}
	return img, nil
}

// isWhole tells whether there is an image that has as many bytes as its size says.
func (img *RGB) isWhole() bool {
	return img != nil && img.Width >= 1 && img.Height >= 1 && len(img.Pix) == 3*img.Width*img.Height
}

// Labels returns the label of each image, in order.
func (d *Dataset) Labels() []int {
	labels := make([]int, len(d.Examples))
	for i, e := range d.Examples {
		labels[i] = e.Label
	}
	return labels
}

// Split is the two halves of a task; the labels of each begin at 0 and index its own Classes. In a retrieval task the halves
// have no class in common: a model trains on some classes and is judged by how it retrieves images of others. In a
// classification task both have the same classes in the same order.
type Split struct {
	Train, Test *Dataset
}

// FormatError reports that a dataset's file is not what its format says. Find it with errors.As. Line is 0 in files that
// have no lines.
type FormatError struct {
	File string
	Line int
	Err  error
}

// Error returns the message: file, line if there is one, and what is wrong.
func (e *FormatError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

// Unwrap returns what is wrong.
func (e *FormatError) Unwrap() error { return e.Err }
