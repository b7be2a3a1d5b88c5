// SPDX-License-Identifier: Apache-2.0

package retrieval

import "math"

// errorBound returns the most by which the float32 distance of a tile can differ from the float64 distance of the same
// two rows, for a query at the distance radius from the center, farthest being the largest of all radii. It is a proof,
// not an estimate: the standard bounds of rounding (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3)
// for products that add up float32 in whatever order.
//
// With u = 2⁻²⁴, a and b the centered rows and r their norms, the errors of |a|² + |b|² − 2ab are
//
//	2.01·u·(rₐ + r_b)²              for rounding a and b to float32
//	2·(γ + 2.01·input)·rₐ·r_b       for the product: γ = d·v/(1 − d·v)
//	3·u·(rₐ + r_b)²                 for rounding the squares and the two sums
//	(d + 4)·2⁻⁵³·(rₐ + r_b)²        for the float64 distance itself
//
// where input is the relative error that the device makes in reading float32 (0 on a CPU, 2⁻¹⁰ for TF32) and v that of
// adding: u, or 2⁻²¹ for matrix units that read less than float32, as they also truncate sums. A twentieth is added for
// the terms of second order, and 1e-36 for numbers so small that they vanish.
func errorBound(radius, farthest float64, dim int, input float64) float64 {
	const u = 0x1p-24
	v := u
	if input > 0 {
		v = 0x1p-21
	}
	sums := float64(dim) * v
	if sums > 0.1 {
		return math.Inf(1)
	}
	gamma := sums / (1 - sums)
	square := (radius + farthest) * (radius + farthest)
	bound := (2.01+3)*u*square + 2*(gamma+2.01*input)*radius*farthest + float64(dim+4)*0x1p-53*square
	return 1.05*bound + 1e-36
}

// probeBits is the number of fraction bits of a float32. The row after that many holds 1.
const probeBits = 23

// probeTile returns a tile that shows how many bits of float32 a device uses: row r < 23 begins with 1 + 2⁻⁽ʳ⁺¹⁾,
// row 23 with 1, all else is 0. The tile's product with itself holds each value beside 1.
func probeTile(tile, dim int) []float32 {
	data := make([]float32, tile*dim)
	for r := range probeBits {
		data[r*dim] = float32(1 + math.Ldexp(1, -r-1))
	}
	data[probeBits*dim] = 1
	return data
}

// inputError returns the relative error with which the device read the probe, given its distances with squares of 0,
// −2ab: 0 where every value came out exactly, else the last bit that did.
func inputError(distances []float32, tile int) float64 {
	for r := range probeBits {
		want := float32(-2 * (1 + math.Ldexp(1, -r-1)))
		if distances[r*tile+probeBits] != want || distances[probeBits*tile+r] != want {
			return math.Ldexp(1, -r)
		}
	}
	return 0
}
