// SPDX-License-Identifier: Apache-2.0

package plane

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// PCA returns the coordinates of rows, less their mean, along their first two principal components, and the shares of the variance along these. A component's sign is such
// that its largest part is positive. It is an error if there are fewer than two rows or a number is not finite; rows of one number have 0 as second coordinate.
//
// The components are eigenvectors of the scatter matrix Σ x·xᵀ [dims, dims] or, of fewer rows than dimensions, those of the matrix of products x(i)·x(j) [rows, rows],
// which has the same eigenvalues: the smaller one is decomposed.
func PCA(rows [][]float32) (points [][2]float64, explained [2]float64, err error) {
	n := len(rows)
	if n < 2 {
		return nil, explained, fmt.Errorf("plane: principal components of %d points, want at least 2", n)
	}
	x, err := dense(rows)
	if err != nil {
		return nil, explained, err
	}
	center(x)
	_, dims := x.Dims()
	products := mat.NewSymDense(min(n, dims), nil)
	if dims <= n {
		products.SymOuterK(1, x.T())
	} else {
		products.SymOuterK(1, x)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(products, true) {
		return nil, explained, errors.New("plane: the principal components were not found")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	variances := eigen.Values(nil) // ascending, times n
	points = make([][2]float64, n)
	total := mat.Trace(products)
	for k := range min(2, len(variances)) {
		variance := variances[len(variances)-1-k]
		if variance <= 0 { // all points are equal, or lie on a line; less than 0 by rounding
			break
		}
		explained[k] = variance / total
		direction := mat.Col(nil, len(variances)-1-k, &vectors)
		if dims > n {
			direction = combine(x, direction)
			floats.Scale(1/math.Sqrt(variance), direction) // to length 1, and what is only rounding, of points on a line, to less
		}
		orient(direction)
		for i := range points {
			points[i][k] = floats.Dot(x.RawRowView(i), direction)
		}
	}
	return points, explained, nil
}

// center takes their mean from the rows.
func center(x *mat.Dense) {
	n, dims := x.Dims()
	mean := make([]float64, dims)
	for i := range n {
		floats.AddScaled(mean, 1/float64(n), x.RawRowView(i))
	}
	for i := range n {
		floats.Sub(x.RawRowView(i), mean)
	}
}

// combine returns the sum of the rows by weights.
func combine(x *mat.Dense, weights []float64) []float64 {
	_, dims := x.Dims()
	sum := make([]float64, dims)
	for i, w := range weights {
		floats.AddScaled(sum, w, x.RawRowView(i))
	}
	return sum
}

// dense copies rows into a matrix.
func dense(rows [][]float32) (*mat.Dense, error) {
	x := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, row := range rows {
		for k, v := range row {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("plane: number %d of point %d is %v", k, i, v)
			}
			x.Set(i, k, float64(v))
		}
	}
	return x, nil
}

// orient turns a direction so that its largest part is positive.
func orient(direction []float64) {
	largest := 0.0
	for _, v := range direction {
		if math.Abs(v) > math.Abs(largest) {
			largest = v
		}
	}
	for k := range direction {
		direction[k] = math.Copysign(1, largest) * direction[k]
	}
}
