// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// GlyphsConfig says which images Glyphs makes. DefaultGlyphs has the values of the default task.
type GlyphsConfig struct {
	// Size is the width and height of each image in pixels, from 16 to 256.
	Size int
	// TrainPerClass and TestPerClass are the numbers of images of each class: at least 1 to train, at least 2 to retrieve.
	TrainPerClass, TestPerClass int
	// AmbiguousShare is the probability with which an image is made ambiguous, in [0, 1].
	AmbiguousShare float64
	// Seed chooses the images. Image k of a class depends on the seed, Size, AmbiguousShare, the class and k, and on nothing
	// else: more images of a class are the same ones and further ones.
	Seed uint64
}

// DefaultGlyphs returns the default task: 84 classes of 40 images to train and 84 unseen classes of 20 images to retrieve,
// 32 × 32 pixels each, a fifth of them ambiguous.
func DefaultGlyphs() GlyphsConfig {
	return GlyphsConfig{Size: 32, TrainPerClass: 40, TestPerClass: 20, AmbiguousShare: 0.2, Seed: 0}
}

// Validate returns all faults of the configuration, joined, or nil.
func (c GlyphsConfig) Validate() error {
	var faults []error
	if c.Size < 16 || c.Size > 256 {
		faults = append(faults, fmt.Errorf("datasets: glyphs: size %d: want 16 to 256 pixels", c.Size))
	}
	if c.TrainPerClass < 1 {
		faults = append(faults, fmt.Errorf("datasets: glyphs: %d training images a class: want at least 1", c.TrainPerClass))
	}
	if c.TestPerClass < 2 {
		faults = append(faults, fmt.Errorf("datasets: glyphs: %d test images a class: want at least 2, a query and an answer", c.TestPerClass))
	}
	if !(c.AmbiguousShare >= 0 && c.AmbiguousShare <= 1) {
		faults = append(faults, fmt.Errorf("datasets: glyphs: ambiguous share %g: want 0 to 1", c.AmbiguousShare))
	}
	return errors.Join(faults...)
}

// Glyphs returns a retrieval task of letters, 84 classes to train and 84 others to retrieve, drawn in openly licensed fonts
// that come with the program. Each image has its own font, rotation, shear, scale, aspect, place, contrast, polarity, shading
// and noise. A share of both halves is made ambiguous by a known amount, kept in Example.Ambiguity: blended with a letter of
// another class of the same half, partly covered, or blurred.
//
// Images are drawn when they are asked for, tens of thousands a second on a core, and are the same whatever the order. The red,
// green and blue of a pixel are equal. The error says what is wrong with the configuration.
func Glyphs(config GlyphsConfig) (Split, error) {
	if err := config.Validate(); err != nil {
		return Split{}, err
	}
	train, err := glyphHalf("glyphs to train", config, []rune(trainLetters), config.TrainPerClass)
	if err != nil {
		return Split{}, err
	}
	test, err := glyphHalf("glyphs to retrieve", config, []rune(testLetters), config.TestPerClass)
	if err != nil {
		return Split{}, err
	}
	return Split{Train: train, Test: test}, nil
}

// glyphHalf returns the dataset of perClass images of each letter, class by class.
func glyphHalf(name string, config GlyphsConfig, letters []rune, perClass int) (*Dataset, error) {
	outlines, err := loadOutlines(fontFiles(), letters)
	if err != nil {
		return nil, err
	}
	classes := make([]string, len(letters))
	examples := make([]Example, 0, len(letters)*perClass)
	for label, letter := range letters {
		classes[label] = className(letter)
		for k := range perClass {
			rng := newRand(config.Seed, keyAmbiguity, uint64(letter), uint64(k))
			examples = append(examples, Example{
				Name:      fmt.Sprintf("%s %d", classes[label], k),
				Label:     label,
				Ambiguity: randomAmbiguity(rng, config.AmbiguousShare, label, len(letters)),
			})
		}
	}
	load := func(i int) (*RGB, error) {
		e := examples[i]
		var other []outline
		if e.Ambiguity.Kind == Blend {
			other = outlines[e.Ambiguity.Other]
		}
		rng := newRand(config.Seed, keyGlyph, uint64(letters[e.Label]), uint64(i%perClass))
		return drawGlyph(rng, config.Size, outlines[e.Label], other, e.Ambiguity), nil
	}
	d := New(name, classes, examples, load)
	d.size = func(int) (width, height int) { return config.Size, config.Size }
	return d, nil
}

// The ranges of amounts of the three kinds of ambiguity. Ours: below them an image is as clear as a plain one.
const (
	minBlend, maxBlend         = 0.2, 0.5 // weight of the other letter: at a half, either class is right
	minOcclusion, maxOcclusion = 0.1, 0.4 // share of the image's area that is covered
	minBlur, maxBlur           = 0.3, 1.0 // share of the largest deviation
)

// randomAmbiguity returns no ambiguity with probability 1 - share, else one of the three kinds with equal probability and
// with an amount of that kind's range. Other is a class other than label, out of the first n.
func randomAmbiguity(rng *rand.Rand, share float64, label, n int) Ambiguity {
	if rng.Float64() >= share {
		return Ambiguity{Kind: Unambiguous, Other: -1}
	}
	switch rng.IntN(3) {
	case 0:
		other := (label + 1 + rng.IntN(n-1)) % n
		return Ambiguity{Kind: Blend, Amount: uniform(rng, minBlend, maxBlend), Other: other}
	case 1:
		return Ambiguity{Kind: Occlusion, Amount: uniform(rng, minOcclusion, maxOcclusion), Other: -1}
	default:
		return Ambiguity{Kind: Blur, Amount: uniform(rng, minBlur, maxBlur), Other: -1}
	}
}
