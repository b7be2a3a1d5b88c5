// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"math/rand/v2"
)

// How images of one letter differ. Ours: tuned so that a person still reads each plain image at 32 × 32 while the nearest
// image by pixels is of the same class for about three in ten of the test images.
const (
	maxRotation             = 0.22       // radians, either way: 12.6 degrees
	maxShear                = 0.2        // of the height, either way
	maxAspect               = 0.15       // logarithm of width over height, either way
	minExtent, maxExtent    = 0.60, 0.82 // longer side of the upright letter, of the image's
	maxOffset               = 0.06       // distance of the centers along each axis, of the image's side
	minContrast             = 0.4        // between ink and ground, of the range from black to white
	maxContrast             = 0.9
	maxShading              = 0.12 // change of brightness from the middle to an edge, along each axis
	minNoise, maxNoise      = 0.01, 0.08
	maxBlurDeviation        = 0.1 // deviation of the strongest blur, of the image's side
	maxOcclusionAspect      = 0.5 // logarithm of width over height of the covering patch, either way
	lowestTone, highestTone = 0.02, 0.98
)

// drawGlyph returns an image of a letter in one of its outlines, chosen by rng like all the rest. For a blend, other holds
// the outlines of the other letter, which is drawn in a way of its own.
func drawGlyph(rng *rand.Rand, size int, letter, other []outline, a Ambiguity) *RGB {
	pix := paint(rng, size, drawInk(rng, size, letter, other, a))
	switch a.Kind {
	case Occlusion:
		cover(rng, size, pix, a.Amount)
	case Blur:
		pix = gaussianBlur(pix, size, a.Amount*maxBlurDeviation*float64(size))
	}
	return develop(rng, size, pix)
}

// drawInk returns the share of ink of each pixel, of the letter or of the blend of the two.
func drawInk(rng *rand.Rand, size int, letter, other []outline, a Ambiguity) []float64 {
	ink := drawLetter(rng, size, letter)
	if a.Kind == Blend {
		for i, v := range drawLetter(rng, size, other) {
			ink[i] += a.Amount * (v - ink[i])
		}
	}
	return ink
}

// drawLetter returns the share of ink of each pixel of a randomly distorted and placed letter.
func drawLetter(rng *rand.Rand, size int, outlines []outline) []float64 {
	o := outlines[rng.IntN(len(outlines))]
	sin, cos := math.Sincos(uniform(rng, -maxRotation, maxRotation))
	shear := uniform(rng, -maxShear, maxShear)
	aspect := math.Exp(uniform(rng, -maxAspect, maxAspect) / 2)
	side := float64(size)
	extent := uniform(rng, minExtent, maxExtent) * side
	wide, high := extent*aspect, extent/aspect
	return o.draw(size, affine{
		xx: cos * wide, xy: (cos*shear - sin) * high,
		yx: sin * wide, yy: (sin*shear + cos) * high,
		dx: side * (0.5 + uniform(rng, -maxOffset, maxOffset)),
		dy: side * (0.5 + uniform(rng, -maxOffset, maxOffset)),
	})
}

// paint returns the brightness of each pixel, in [0, 1] but for the shading, of ink on a ground: dark on bright or bright on
// dark, of random contrast, brighter toward one side.
func paint(rng *rand.Rand, size int, ink []float64) []float64 {
	contrast := uniform(rng, minContrast, maxContrast)
	dark := uniform(rng, lowestTone, highestTone-contrast)
	ground, step := dark, contrast
	if rng.IntN(2) == 0 {
		ground, step = dark+contrast, -contrast
	}
	shadeX, shadeY := uniform(rng, -maxShading, maxShading), uniform(rng, -maxShading, maxShading)
	pix := make([]float64, len(ink))
	for y := range size {
		v := float64(2*y+1)/float64(size) - 1
		for x := range size {
			u := float64(2*x+1)/float64(size) - 1
			pix[y*size+x] = ground + step*ink[y*size+x] + shadeX*u + shadeY*v
		}
	}
	return pix
}

// cover lays a patch of one tone over amount of the image's area, wholly inside the image. Its sides are rounded to pixels.
func cover(rng *rand.Rand, size int, pix []float64, amount float64) {
	area := amount * float64(size*size)
	width := math.Sqrt(area * math.Exp(uniform(rng, -maxOcclusionAspect, maxOcclusionAspect)))
	w := min(int(math.Round(width)), size)
	h := min(int(math.Round(area/float64(w))), size)
	left, top := rng.IntN(size-w+1), rng.IntN(size-h+1)
	tone := uniform(rng, lowestTone, highestTone)
	for y := top; y < top+h; y++ {
		for x := left; x < left+w; x++ {
			pix[y*size+x] = tone
		}
	}
}

// develop adds noise of a random strength and returns the image in bytes.
func develop(rng *rand.Rand, size int, pix []float64) *RGB {
	noise := uniform(rng, minNoise, maxNoise)
	img := NewRGB(size, size)
	for i, v := range pix {
		v += noise * rng.NormFloat64()
		gray := uint8(math.Round(255 * min(max(v, 0), 1)))
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = gray, gray, gray
	}
	return img
}
