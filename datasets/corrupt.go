// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// CorruptionKind is a way in which images become worse.
type CorruptionKind string

// The kinds of corruption, and what a strength is for each. Values are of [0, 1], rounded and cut off at black and white in the end.
const (
	CorruptNoise      CorruptionKind = "noise"      // the deviation of Gaussian noise, added to each channel of each pixel by itself
	CorruptBlur       CorruptionKind = "blur"       // the deviation of a Gaussian that the image is convolved with, of its shorter side
	CorruptBrightness CorruptionKind = "brightness" // what is added to each channel of each pixel

	CorruptOcclusion  CorruptionKind = "occlusion"      // the share of the area that a gray patch covers, of the image's aspect, somewhere
	CorruptResolution CorruptionKind = "low resolution" // what the sides are divided by; the image is scaled back to its size
	CorruptCrop       CorruptionKind = "crop"           // the share of the area that is cut off around a part somewhere, which is scaled to the image's size
)

// CorruptionStrengths is the number of strengths of each kind, which count from 1.
const CorruptionStrengths = 3

// corruptions are the strengths of each kind, each twice the one before.
//
// Ours: three strengths that reach from hardly visible to worse than what the usual benchmarks have. ImageNet-C and CIFAR-10-C
// (arXiv:1903.12261) have five, whose numbers in their code are: noise 0.08 to 0.38 and 0.04 to 0.10; brightness, of the color's
// lightness (V of HSV), 0.1 to 0.5 and 0.05 to 0.3; blur 1 to 6 pixels of 224 (0.004 to 0.027 of the side) and 0.4 to 1 of 32 (0.013
// to 0.031). Theirs differ by the size of the images; here one scale is for all, so that the first two strengths of blur are 0.4 and
// 0.8 pixels of 32, and 2.8 and 5.6 of 224.
var corruptions = []struct {
	kind      CorruptionKind
	strengths [CorruptionStrengths]float64
}{
	{CorruptNoise, [...]float64{0.04, 0.08, 0.16}},
	{CorruptBlur, [...]float64{1. / 80, 1. / 40, 1. / 20}},
	{CorruptBrightness, [...]float64{0.1, 0.2, 0.4}},
	{CorruptOcclusion, [...]float64{0.1, 0.2, 0.4}},
	{CorruptResolution, [...]float64{2, 4, 8}},
	{CorruptCrop, [...]float64{0.2, 0.4, 0.8}},
}

// CorruptionKinds returns the kinds that classifiers are measured by: noise, blur, brightness.
func CorruptionKinds() []CorruptionKind { return AllCorruptionKinds()[:3] }

// AllCorruptionKinds returns those and occlusion, low resolution and crops, which take from an image what it is known by, and are for studies of uncertainty.
func AllCorruptionKinds() []CorruptionKind {
	var kinds []CorruptionKind
	for _, c := range corruptions {
		kinds = append(kinds, c.kind)
	}
	return kinds
}

// Corruptions returns each of CorruptionKinds in each strength: noise 1 to 3, blur 1 to 3, brightness 1 to 3.
func Corruptions() []Corrupt { return strengthsOf(CorruptionKinds()) }

// AllCorruptions returns each of AllCorruptionKinds in each strength.
func AllCorruptions() []Corrupt { return strengthsOf(AllCorruptionKinds()) }

func strengthsOf(kinds []CorruptionKind) []Corrupt {
	var all []Corrupt
	for _, kind := range kinds {
		for strength := 1; strength <= CorruptionStrengths; strength++ {
			all = append(all, Corrupt{Kind: kind, Strength: strength})
		}
	}
	return all
}

// Corrupt makes an image worse, to see what a model makes of images that are not like those it was trained on. It comes last among the
// transforms, when images have the size that the model sees. A Loader of Sequential order gives each image, by its index, the same
// noise in each pass over an epoch of one number and seed, whatever the batches' size and the number of workers; and the noise of all
// strengths is the same but for its size, and patches and crops of a higher strength hold those of a lower one, or lie in them.
type Corrupt struct {
	Kind     CorruptionKind
	Strength int // 1 to CorruptionStrengths
}

// String returns kind and strength, as "noise 1".
func (c Corrupt) String() string { return fmt.Sprintf("%s %d", c.Kind, c.Strength) }

// Check returns an error if there is no such kind or strength.
func (c Corrupt) Check() error {
	var faults []error
	if !slices.Contains(AllCorruptionKinds(), c.Kind) {
		faults = append(faults, fmt.Errorf("datasets: Corrupt: kind %q: want one of %q", string(c.Kind), AllCorruptionKinds()))
	}
	if c.Strength < 1 || c.Strength > CorruptionStrengths {
		faults = append(faults, fmt.Errorf("datasets: Corrupt: strength %d: want 1 to %d", c.Strength, CorruptionStrengths))
	}
	return errors.Join(faults...)
}

// Apply returns the corrupted image; rng is used for noise, patches and crops. It panics if Check finds a fault.
func (c Corrupt) Apply(src *RGB, rng *rand.Rand) *RGB {
	amount := c.amount()
	dst := NewRGB(src.Width, src.Height)
	switch c.Kind {
	case CorruptNoise:
		for i, v := range src.Pix {
			dst.Pix[i] = toByte(float64(v) + 255*amount*rng.NormFloat64())
		}
	case CorruptBlur:
		sigma := amount * float64(min(src.Width, src.Height))
		plane := make([]float64, src.Width*src.Height)
		for channel := range 3 {
			for i := range plane {
				plane[i] = float64(src.Pix[3*i+channel])
			}
			for i, v := range gaussianBlur(plane, src.Width, sigma) {
				dst.Pix[3*i+channel] = toByte(v)
			}
		}
	case CorruptBrightness:
		for i, v := range src.Pix {
			dst.Pix[i] = toByte(float64(v) + 255*amount)
		}
	case CorruptOcclusion:
		copy(dst.Pix, src.Pix)
		p := randomPart(src, math.Sqrt(amount), rng)
		for y := p.top; y < p.bottom; y++ {
			for i := 3 * (y*src.Width + p.left); i < 3*(y*src.Width+p.right); i++ {
				dst.Pix[i] = patchGray
			}
		}
	case CorruptResolution:
		small := func(side int) int { return max(1, int(math.Round(float64(side)/amount))) }
		return ResizeTo(ResizeTo(src, small(src.Width), small(src.Height)), src.Width, src.Height)
	case CorruptCrop:
		p := randomPart(src, math.Sqrt(1-amount), rng)
		return ResizeTo(crop(src, p.left, p.top, p.right-p.left, p.bottom-p.top), src.Width, src.Height)
	}
	return dst
}

// patchGray is the color of patches. Ours: the middle, which is darker than some of any image and lighter than some.
const patchGray = 128

// part is a rectangle of an image, the pixels from left to below right and from top to below bottom.
type part struct{ left, top, right, bottom int }

// randomPart returns a part of an image, at least a pixel, whose sides are the given share of the image's. Where it lies is drawn by two numbers, so that of two shares
// drawn alike the larger holds the smaller.
func randomPart(img *RGB, share float64, rng *rand.Rand) part {
	span := func(side int, at float64) (from, to int) {
		start := at * (1 - share) * float64(side)
		from = min(int(start), side-1)
		return from, min(max(int(math.Ceil(start+share*float64(side)-1e-9)), from+1), side)
	}
	x, y := rng.Float64(), rng.Float64()
	var p part
	p.left, p.right = span(img.Width, x)
	p.top, p.bottom = span(img.Height, y)
	return p
}

// amount returns what the strength means.
func (c Corrupt) amount() float64 {
	if err := c.Check(); err != nil {
		panic(err.Error())
	}
	i := slices.Index(AllCorruptionKinds(), c.Kind)
	return corruptions[i].strengths[c.Strength-1]
}

func (Corrupt) outputSize(width, height int) (int, int) { return width, height }

// toByte rounds a value of 255 to a byte, halves up.
func toByte(v float64) uint8 { return uint8(min(max(math.Floor(v+0.5), 0), 255)) }
