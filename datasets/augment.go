// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
)

// RandomResizedCrop crops a random share of the area, in Scale, of a random aspect ratio (width over height), in Ratio, and
// resizes it to Size × Size. The distributions are those of torchvision's RandomResizedCrop: the share is uniform, the
// ratio's logarithm is uniform, the place is uniform; after ten tries that don't fit, the largest crop about the center whose
// ratio is in Ratio.
type RandomResizedCrop struct {
	Size         int
	Scale, Ratio [2]float64
}

// cropTries is how often RandomResizedCrop tries before it falls back. Code: torchvision's get_params.
const cropTries = 10

// DefaultRandomResizedCrop returns the crop with torchvision's ranges: 0.08 to 1 of the area, ratios from 3/4 to 4/3.
func DefaultRandomResizedCrop(size int) RandomResizedCrop {
	return RandomResizedCrop{Size: size, Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}
}

// Apply returns a random crop of src, resized.
func (c RandomResizedCrop) Apply(src *RGB, rng *rand.Rand) *RGB {
	wanted := region{box: func(w, h int) image.Rectangle { return c.box(w, h, rng) }}
	return ResizeTo(wanted.of(src), c.Size, c.Size)
}

// box returns the crop's place in a w × h image.
func (c RandomResizedCrop) box(w, h int, rng *rand.Rand) image.Rectangle {
	for range cropTries {
		area := float64(w) * float64(h) * uniform(rng, c.Scale[0], c.Scale[1])
		ratio := math.Exp(uniform(rng, math.Log(c.Ratio[0]), math.Log(c.Ratio[1])))
		width := int(math.RoundToEven(math.Sqrt(area * ratio)))
		height := int(math.RoundToEven(math.Sqrt(area / ratio)))
		if 0 < width && width <= w && 0 < height && height <= h {
			top := rng.IntN(h - height + 1)
			left := rng.IntN(w - width + 1)
			return image.Rect(left, top, left+width, top+height)
		}
	}
	width, height := w, h
	if ratio := float64(w) / float64(h); ratio < c.Ratio[0] {
		height = max(int(math.RoundToEven(float64(w)/c.Ratio[0])), 1)
	} else if ratio > c.Ratio[1] {
		width = max(int(math.RoundToEven(float64(h)*c.Ratio[1])), 1)
	}
	left, top := (w-width)/2, (h-height)/2
	return image.Rect(left, top, left+width, top+height)
}

// Check returns an error if Size is not positive or a range is empty, reversed or out of bounds.
func (c RandomResizedCrop) Check() error {
	faults := []error{checkSize("RandomResizedCrop", c.Size)}
	if s := c.Scale; !(0 < s[0] && s[0] <= s[1] && s[1] <= 1) {
		faults = append(faults, fmt.Errorf("datasets: RandomResizedCrop: scale from %g to %g: want 0 < from ≤ to ≤ 1", s[0], s[1]))
	}
	if r := c.Ratio; !(0 < r[0] && r[0] <= r[1] && !math.IsInf(r[1], 1)) {
		faults = append(faults, fmt.Errorf("datasets: RandomResizedCrop: ratio from %g to %g: want 0 < from ≤ to", r[0], r[1]))
	}
	return errors.Join(faults...)
}

func (c RandomResizedCrop) outputSize(int, int) (int, int) { return c.Size, c.Size }

// HorizontalFlip exchanges left and right with the given probability.
type HorizontalFlip struct{ Probability float64 }

// Apply returns src or its mirror image.
func (f HorizontalFlip) Apply(src *RGB, rng *rand.Rand) *RGB {
	if rng.Float64() >= f.Probability {
		return src
	}
	dst := &RGB{src.Width, src.Height, slices.Clone(src.Pix)}
	dst.mirror()
	return dst
}

// applyInPlace makes img what Apply returns of it.
func (f HorizontalFlip) applyInPlace(img *RGB, rng *rand.Rand) {
	if rng.Float64() < f.Probability {
		img.mirror()
	}
}

// mirror exchanges left and right.
func (img *RGB) mirror() {
	for i := 0; i < len(img.Pix); i += 3 * img.Width {
		row := img.Pix[i : i+3*img.Width]
		for left, right := 0, len(row)-3; left < right; left, right = left+3, right-3 {
			p, q := (*[3]uint8)(row[left:]), (*[3]uint8)(row[right:])
			*p, *q = *q, *p
		}
	}
}

// Check returns an error if the probability is not in [0, 1].
func (f HorizontalFlip) Check() error {
	if !(f.Probability >= 0 && f.Probability <= 1) {
		return fmt.Errorf("datasets: HorizontalFlip: probability %g: want 0 to 1", f.Probability)
	}
	return nil
}

func (f HorizontalFlip) outputSize(width, height int) (int, int) { return width, height }

// RandomCrop puts a black margin of Padding pixels around an image and cuts Size × Size pixels at a random place, each place
// equally likely. An image that is smaller even then gets wider margins, as torchvision's pad_if_needed gives it.
type RandomCrop struct{ Size, Padding int }

// Apply returns a random crop of src.
func (c RandomCrop) Apply(src *RGB, rng *rand.Rand) *RGB {
	width, height := src.Width+2*c.Padding, src.Height+2*c.Padding
	marginX, marginY := c.Padding, c.Padding
	if grow := c.Size - width; grow > 0 {
		marginX, width = marginX+grow, width+2*grow
	}
	if grow := c.Size - height; grow > 0 {
		marginY, height = marginY+grow, height+2*grow
	}
	top := rng.IntN(height-c.Size+1) - marginY
	left := rng.IntN(width-c.Size+1) - marginX
	return crop(src, left, top, c.Size, c.Size)
}

// Check returns an error if Size is not positive or Padding is negative.
func (c RandomCrop) Check() error {
	faults := []error{checkSize("RandomCrop", c.Size)}
	if c.Padding < 0 {
		faults = append(faults, fmt.Errorf("datasets: RandomCrop: padding %d: want at least 0", c.Padding))
	}
	return errors.Join(faults...)
}

func (c RandomCrop) outputSize(int, int) (int, int) { return c.Size, c.Size }
