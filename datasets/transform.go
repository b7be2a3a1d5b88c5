// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Transform makes an image of an image, at random or not. Apply leaves src as it is and may return it; all chance comes from
// rng, so that equal numbers make equal images. A Transform that also has a method Check() error is asked by Loader.Check
// whether its parameters make sense. One Transform is used by many goroutines at once.
type Transform interface {
	Apply(src *RGB, rng *rand.Rand) *RGB
}

// checker is a Transform or an Order that can say whether its parameters make sense.
type checker interface{ Check() error }

// sizer is a Transform that knows the size of its result beforehand.
type sizer interface {
	outputSize(width, height int) (int, int)
}

// Compose applies its transforms in order. Compose{} changes nothing.
type Compose []Transform

// Apply returns the result of the last transform.
func (c Compose) Apply(src *RGB, rng *rand.Rand) *RGB {
	for _, t := range c {
		src = t.Apply(src, rng)
	}
	return src
}

// Check returns the faults of all its transforms, joined.
func (c Compose) Check() error {
	var faults []error
	for i, t := range c {
		if t == nil {
			faults = append(faults, fmt.Errorf("datasets: Compose: transform %d is nil", i))
		} else if k, ok := t.(checker); ok {
			faults = append(faults, k.Check())
		}
	}
	return errors.Join(faults...)
}

// Resize scales an image so that its shorter side has Size pixels and its longer one ⌊Size·long/short⌋, as torchvision's
// Resize(Size) with antialiasing does.
type Resize struct{ Size int }

// Apply resizes src; rng is not used.
func (r Resize) Apply(src *RGB, _ *rand.Rand) *RGB {
	width, height := r.outputSize(src.Width, src.Height)
	return ResizeTo(src, width, height)
}

// Check returns an error if Size is not positive.
func (r Resize) Check() error { return checkSize("Resize", r.Size) }

func (r Resize) outputSize(width, height int) (int, int) {
	if width <= height {
		return r.Size, int(float64(r.Size*height) / float64(width))
	}
	return int(float64(r.Size*width) / float64(height)), r.Size
}

// CenterCrop cuts Size × Size pixels from the middle of an image, rounding as torchvision's CenterCrop does. A smaller image
// gets black margins first.
type CenterCrop struct{ Size int }

// Apply crops src; rng is not used.
func (c CenterCrop) Apply(src *RGB, _ *rand.Rand) *RGB {
	if src.Width < c.Size || src.Height < c.Size {
		right, bottom := max(c.Size-src.Width, 0), max(c.Size-src.Height, 0)
		src = crop(src, -(right / 2), -(bottom / 2), src.Width+right, src.Height+bottom)
	}
	left := int(math.RoundToEven(float64(src.Width-c.Size) / 2))
	top := int(math.RoundToEven(float64(src.Height-c.Size) / 2))
	return crop(src, left, top, c.Size, c.Size)
}

// Check returns an error if Size is not positive.
func (c CenterCrop) Check() error { return checkSize("CenterCrop", c.Size) }

func (c CenterCrop) outputSize(int, int) (int, int) { return c.Size, c.Size }

// crop returns the width × height pixels of src from (left, top) on; what lies outside of src is black.
func crop(src *RGB, left, top, width, height int) *RGB {
	if left == 0 && top == 0 && width == src.Width && height == src.Height {
		return src
	}
	dst := NewRGB(width, height)
	from, to := max(left, 0), min(left+width, src.Width)
	if from >= to {
		return dst
	}
	for y := max(top, 0); y < min(top+height, src.Height); y++ {
		copy(dst.Pix[3*((y-top)*width+from-left):], src.Pix[3*(y*src.Width+from):3*(y*src.Width+to)])
	}
	return dst
}

// checkSize returns an error if the size of the named transform is not positive.
func checkSize(name string, size int) error {
	if size < 1 {
		return fmt.Errorf("datasets: %s: size %d: want at least 1", name, size)
	}
	return nil
}
