// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"cmp"
	"context"
	"slices"
)

// scored is a row and its distance to a query in float64.
type scored struct {
	distance float64
	row      int32
}

// compare orders by (distance, index).
func (a scored) compare(b scored) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row))
}

// finish makes the lists of the queries of a tile, whose candidates are complete, and frees the candidates.
func (s *search) finish(ctx context.Context, tile int) error {
	from, to := s.rows(tile)
	parallel(to-from, func(low, high int) {
		var buffer []scored
		var own []float64
		for i := from + low; i < from+high && ctx.Err() == nil; i++ {
			query := &s.queries[i]
			own = times(s.x.Row(i), s.inverse[i], own[:0])
			if query.full {
				buffer = s.all(i, own, buffer[:0])
			} else {
				query.shrink(s.k, s.slack[i])
				buffer = s.rank(i, own, query.keys, buffer[:0])
			}
			list := make([]int, s.k)
			for r := range list {
				list[r] = int(buffer[r].row)
			}
			s.lists[i], query.keys = list, nil
		}
	})
	return ctx.Err()
}

// rank appends the candidates of row i, which is own when normalized, in their true order, at least the first k. Those whose float32 distances differ by
// more than the slack are in order already; runs of closer ones are ordered by their float64 distances.
func (s *search) rank(i int, own []float64, keys []uint64, to []scored) []scored {
	slices.Sort(keys)
	for begin := 0; begin < len(keys) && begin < s.k; {
		end := begin + 1
		for end < len(keys) && keyDistance(keys[end])-keyDistance(keys[end-1]) <= s.slack[i] {
			end++
		}
		run := len(to)
		for _, one := range keys[begin:end] {
			to = append(to, scored{row: int32(keyRow(one))})
		}
		if end > begin+1 {
			measure(s.x, s.inverse, own, to[run:])
			slices.SortFunc(to[run:], scored.compare)
		}
		begin = end
	}
	return to
}

// all appends all other rows in the order of their float64 distances to row i, which is own when normalized. to is empty, but for its room.
func (s *search) all(i int, own []float64, to []scored) []scored {
	for j, first := range s.equal {
		if int(first) == j {
			to = append(to, scored{row: first})
		}
	}
	measure(s.x, s.inverse, own, to)
	distances := make([]float64, s.x.Rows)
	for _, one := range to {
		distances[one.row] = one.distance
	}
	to = to[:0]
	for j, first := range s.equal {
		if j != i {
			to = append(to, scored{distances[first], int32(j)})
		}
	}
	slices.SortFunc(to, scored.compare)
	return to
}

// times appends the values of x·a in float64.
func times(x []float32, a float64, to []float64) []float64 {
	for _, v := range x {
		to = append(to, float64(v)*a)
	}
	return to
}

// measure sets the distances of rows of x, whose inverse norms are given, to a normalized row: squared, in float64. They do not depend on which of two rows is that one, and equal
// rows have the same.
func measure(x Matrix, inverse, own []float64, list []scored) {
	for len(list) > 0 {
		some := list[:min(4, len(list))]
		var rows [4][]float32
		var factors [4]float64
		for r := range rows {
			j := some[min(r, len(some)-1)].row
			rows[r], factors[r] = x.Row(int(j)), inverse[j]
		}
		distances := squaredDistances(own, rows, factors)
		for r := range some {
			some[r].distance = distances[r]
		}
		list = list[len(some):]
	}
}

// squaredDistances returns the squared distances of x to y·b of four rows y at once, which takes half the time of one after the other: their sums and their ways from memory overlap. The conversions
// of products keep the compiler from fusing them with sums, by which the distance would depend on the order of two rows.
func squaredDistances(x []float64, y [4][]float32, b [4]float64) [4]float64 {
	y0, y1, y2, y3 := y[0][:len(x)], y[1][:len(x)], y[2][:len(x)], y[3][:len(x)]
	b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
	var s0, s1, s2, s3 float64
	for c, v := range x {
		d0 := v - float64(float64(y0[c])*b0)
		d1 := v - float64(float64(y1[c])*b1)
		d2 := v - float64(float64(y2[c])*b2)
		d3 := v - float64(float64(y3[c])*b3)
		s0 += float64(d0 * d0)
		s1 += float64(d1 * d1)
		s2 += float64(d2 * d2)
		s3 += float64(d3 * d3)
	}
	return [4]float64{s0, s1, s2, s3}
}
