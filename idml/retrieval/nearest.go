// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"
	"slices"
)

// Nearest returns the indices of the k rows of x that are nearest to a query [Cols], nearest first: by the distance of [Neighbors], Euclidean of
// the L2-normalized rows in float64, equal distances in the order of indices. It is plain Go, for one query; its time is that of
// n·d multiplications.
//
// It is an error if k is not in [1, Rows], if the query has another length, if a value is not finite or a row, or the query, all zeros.
func Nearest(x Matrix, query []float32, k int) ([]int, error) {
	inverse, own, err := checkNearest(x, query, k)
	if err != nil {
		return nil, fmt.Errorf("retrieval: nearest: %w", err)
	}
	normalized := times(query, own, nil)
	all := make([]scored, x.Rows)
	parallel(x.Rows, func(from, to int) {
		for i := from; i < to; i++ {
			all[i].row = int32(i)
		}
		measure(x, inverse, normalized, all[from:to])
	})
	slices.SortFunc(all, scored.compare)
	list := make([]int, k)
	for r := range list {
		list[r] = int(all[r].row)
	}
	return list, nil
}

// checkNearest returns the inverse norms of the rows and of the query.
func checkNearest(x Matrix, query []float32, k int) (inverse []float64, own float64, err error) {
	if err := x.check(); err != nil {
		return nil, 0, err
	}
	if len(query) != x.Cols {
		return nil, 0, fmt.Errorf("a query of %d values for rows of %d", len(query), x.Cols)
	}
	if k < 1 || k > x.Rows {
		return nil, 0, fmt.Errorf("k = %d: want 1 to %d, the number of rows", k, x.Rows)
	}
	if inverse, err = x.inverseNorms(); err != nil {
		return nil, 0, err
	}
	one := Matrix{Rows: 1, Cols: x.Cols, Data: query}
	if err := one.check(); err != nil {
		return nil, 0, fmt.Errorf("the query: %w", err)
	}
	norm, err := one.inverseNorms()
	if err != nil {
		return nil, 0, fmt.Errorf("the query: %w", err)
	}
	return inverse, norm[0], nil
}
