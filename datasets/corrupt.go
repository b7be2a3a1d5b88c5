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
}

// CorruptionKinds returns the kinds: noise, blur, brightness.
func CorruptionKinds() []CorruptionKind {
	var kinds []CorruptionKind
	for _, c := range corruptions {
		kinds = append(kinds, c.kind)
	}
	return kinds
}

// Corruptions returns each kind in each strength: noise 1 to 3, blur 1 to 3, brightness 1 to 3.
func Corruptions() []Corrupt {
	var all []Corrupt
	for _, kind := range CorruptionKinds() {
		for strength := 1; strength <= CorruptionStrengths; strength++ {
			all = append(all, Corrupt{Kind: kind, Strength: strength})
		}
	}
	return all
}

// Corrupt makes an image worse, to see what a model makes of images that are not like those it was trained on. It comes last among the
// transforms, when images have the size that the model sees. A Loader of Sequential order gives each image, by its index, the same
// noise in each pass over an epoch of one number and seed, whatever the batches' size and the number of workers; and the noise of all
// strengths is the same but for its size.
type Corrupt struct {
	Kind     CorruptionKind
	Strength int // 1 to CorruptionStrengths
}

// String returns kind and strength, as "noise 1".
func (c Corrupt) String() string { return fmt.Sprintf("%s %d", c.Kind, c.Strength) }

// Check returns an error if there is no such kind or strength.
func (c Corrupt) Check() error {
	var faults []error
	if !slices.Contains(CorruptionKinds(), c.Kind) {
		faults = append(faults, fmt.Errorf("datasets: Corrupt: kind %q: want one of %q", string(c.Kind), CorruptionKinds()))
	}
	if c.Strength < 1 || c.Strength > CorruptionStrengths {
		faults = append(faults, fmt.Errorf("datasets: Corrupt: strength %d: want 1 to %d", c.Strength, CorruptionStrengths))
	}
	return errors.Join(faults...)
}

// Apply returns the corrupted image; rng is used for noise only. It panics if Check finds a fault.
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
	}
	return dst
}

// amount returns what the strength means.
func (c Corrupt) amount() float64 {
	if err := c.Check(); err != nil {
		panic(err.Error())
	}
	i := slices.Index(CorruptionKinds(), c.Kind)
	return corruptions[i].strengths[c.Strength-1]
}

func (Corrupt) outputSize(width, height int) (int, int) { return width, height }

// toByte rounds a value of 255 to a byte, halves up.
func toByte(v float64) uint8 { return uint8(min(max(math.Floor(v+0.5), 0), 255)) }
