// SPDX-License-Identifier: Apache-2.0

package sampletree

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// A look is what the images of a class have in common.
type look struct {
	ground, figure, mark [3]float64 // colors, of 255
	shape                int        // of the figure
	stripes              float64    // of the mark over the figure
	slant                float64    // of the stripes, in radians
}

// lookOf returns the look of a class. Hues go around the circle by the golden ratio, so that neighbors differ.
func lookOf(class int) look {
	const golden = 0.61803398875
	hue := math.Mod(float64(class)*golden, 1)
	return look{
		ground:  hsv(math.Mod(hue+0.45, 1), 0.35, 0.75),
		figure:  hsv(hue, 0.85, 0.85),
		mark:    hsv(math.Mod(hue+0.2, 1), 0.9, 0.45),
		shape:   class % 4,
		stripes: 2 + float64(class%3),
		slant:   math.Pi * float64(class%5) / 5,
	}
}

// hsv returns the color of a hue, a saturation and a value, all in [0, 1].
func hsv(h, s, v float64) [3]float64 {
	var c [3]float64
	for i := range c {
		distance := math.Abs(math.Mod(6*h+float64(6-2*i), 6) - 3) // 3 at the channel's own hue, 0 at the opposite one
		c[i] = 255 * v * (1 - s*min(max(2-distance, 0), 1))
	}
	return c
}

// inShape tells whether a point, in the figure's own coordinates, is in it.
func inShape(shape int, x, y float64) bool {
	switch shape {
	case 0: // disk
		return x*x+y*y < 1
	case 1: // square
		return max(math.Abs(x), math.Abs(y)) < 0.85
	case 2: // triangle
		return y < 0.7 && math.Abs(x) < (y+1)*0.6
	}
	r := x*x + y*y // ring
	return 0.25 < r && r < 1
}

// rand returns the generator of a picture's chance.
func (o Options) rand(p picture) *rand.Rand {
	return rand.New(rand.NewPCG(o.Seed, uint64(p.class)<<32|uint64(p.index)))
}

// draw returns a picture as a JPEG file.
func draw(o Options, p picture) ([]byte, error) {
	rng := o.rand(p)
	side := func(mean int) int { return int(float64(mean) * (0.8 + 0.4*rng.Float64())) }
	width, height := side(o.Width), side(o.Height)
	if rng.IntN(4) == 0 {
		width, height = height, width
	}
	img := paint(rng, p.class, width, height)
	var out bytes.Buffer
	err := jpeg.Encode(&out, inItsColors(img, p), &jpeg.Options{Quality: 80 + rng.IntN(15)})
	return out.Bytes(), err
}

// paint returns an image of a class.
func paint(rng *rand.Rand, class, width, height int) *image.RGBA {
	l := lookOf(class)
	size := float64(min(width, height)) * (0.25 + 0.15*rng.Float64())
	cx, cy := float64(width)*(0.35+0.3*rng.Float64()), float64(height)*(0.35+0.3*rng.Float64())
	sin, cos := math.Sincos(0.5 * (rng.Float64() - 0.5))
	light := 0.75 + 0.4*rng.Float64()
	tint := [3]float64{0.9 + 0.2*rng.Float64(), 0.9 + 0.2*rng.Float64(), 0.9 + 0.2*rng.Float64()}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			dx, dy := (float64(x)-cx)/size, (float64(y)-cy)/size
			c := l.at(cos*dx+sin*dy, cos*dy-sin*dx)
			noise := 24 * (rng.Float64() - 0.5)
			img.SetRGBA(x, y, color.RGBA{level(c[0]*light*tint[0] + noise), level(c[1]*light*tint[1] + noise), level(c[2]*light*tint[2] + noise), 255})
		}
	}
	return img
}

// at returns the color of a point, in the figure's coordinates.
func (l look) at(x, y float64) [3]float64 {
	if !inShape(l.shape, x, y) {
		return l.ground
	}
	sin, cos := math.Sincos(l.slant)
	if math.Sin(math.Pi*l.stripes*(cos*x+sin*y)) > 0.3 {
		return l.mark
	}
	return l.figure
}

// level returns a value of 255 as a byte.
func level(v float64) uint8 { return uint8(min(max(v, 0), 255)) }

// inItsColors returns the image, or its gray form for the one picture of a tree that is gray.
func inItsColors(img *image.RGBA, p picture) image.Image {
	if p.class != 0 || p.index != 1 {
		return img
	}
	gray := image.NewGray(img.Rect)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			gray.Set(x, y, img.At(x, y))
		}
	}
	return gray
}
