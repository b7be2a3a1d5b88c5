// SPDX-License-Identifier: Apache-2.0

package datasets

import "math"

// gaussianBlur returns the size × size image convolved with a Gaussian of the given deviation in pixels, cut off at three
// deviations; beyond its edges the image goes on as its edge.
func gaussianBlur(pix []float64, size int, sigma float64) []float64 {
	kernel := gaussianKernel(sigma)
	if len(kernel) == 1 {
		return append([]float64(nil), pix...)
	}
	return blurRowsTransposed(blurRowsTransposed(pix, size, kernel), size, kernel)
}

// gaussianKernel returns the samples of a Gaussian at -r … r, r = ⌈3σ⌉, scaled to the sum 1.
func gaussianKernel(sigma float64) []float64 {
	radius := int(math.Ceil(3 * sigma))
	kernel := make([]float64, 2*radius+1)
	if radius == 0 {
		return []float64{1}
	}
	sum := 0.0
	for i := range kernel {
		d := float64(i-radius) / sigma
		kernel[i] = math.Exp(-d * d / 2)
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	return kernel
}

// blurRowsTransposed convolves each row and returns the result with rows and columns exchanged: done twice, both directions
// are blurred and the image stands upright again.
func blurRowsTransposed(pix []float64, size int, kernel []float64) []float64 {
	radius := len(kernel) / 2
	out := make([]float64, len(pix))
	for y := range size {
		row := pix[y*size : (y+1)*size]
		for x := range size {
			sum := 0.0
			for i, k := range kernel {
				sum += k * row[min(max(x+i-radius, 0), size-1)]
			}
			out[x*size+y] = sum
		}
	}
	return out
}
