// SPDX-License-Identifier: Apache-2.0

package plane

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// PCA returns the coordinates of rows, less their mean, along their first two principal components, and the shares of the variance along these. A component's sign is such
// that its largest part is positive. It is an error if there are fewer than two rows or a number is not finite; rows of one number have 0 as second coordinate.
func PCA(rows [][]float32) (points [][2]float64, explained [2]float64, err error) {
	n := len(rows)
	if n < 2 {
		return nil, explained, fmt.Errorf("plane: principal components of %d points, want at least 2", n)
	}
	x, err := dense(rows)
	if err != nil {
		return nil, explained, err
	}
	var pc stat.PC
	if !pc.PrincipalComponents(x, nil) {
		return nil, explained, errors.New("plane: the principal components were not found")
	}
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	variances := pc.VarsTo(nil)
	total := 0.0
	for _, v := range variances {
		total += v
	}
	points = make([][2]float64, n)
	for k := range min(2, len(variances)) {
		if total == 0 {
			break
		}
		explained[k] = variances[k] / total
		direction := mat.Col(nil, k, &vectors)
		orient(direction)
		for i, at := range project(x, direction) {
			points[i][k] = at
		}
	}
	return points, explained, nil
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

// project returns the coordinates of rows along a direction, less their mean.
func project(x *mat.Dense, direction []float64) []float64 {
	n, _ := x.Dims()
	var product mat.VecDense
	product.MulVec(x, mat.NewVecDense(len(direction), direction))
	out := make([]float64, n)
	for i := range out {
		out[i] = product.AtVec(i)
	}
	mean := stat.Mean(out, nil)
	for i := range out {
		out[i] -= mean
	}
	return out
}
