// SPDX-License-Identifier: Apache-2.0

package datasets

import "math"

// gaussianBlur returns the image, [len(pix)/width, width], convolved with a Gaussian of the given deviation in pixels, cut off at three
// deviations; beyond its edges the image goes on as its edge.
func gaussianBlur(pix []float64, width int, sigma float64) []float64 {
	kernel := gaussianKernel(sigma)
	if len(kernel) == 1 {
		return append([]float64(nil), pix...)
	}
	return blurRowsTransposed(blurRowsTransposed(pix, width, kernel), len(pix)/width, kernel)
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
func blurRowsTransposed(pix []float64, width int, kernel []float64) []float64 {
	radius, height := len(kernel)/2, len(pix)/width
	out := make([]float64, len(pix))
	for y := range height {
		row := pix[y*width : (y+1)*width]
		for x := range width {
			sum := 0.0
			for i, k := range kernel {
				sum += k * row[min(max(x+i-radius, 0), width-1)]
			}
			out[x*height+y] = sum
		}
	}
	return out
}
