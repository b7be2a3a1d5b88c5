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
			candidate := scored{row: int32(keyRow(one))}
			if end > begin+1 {
				candidate.distance = s.distance(i, own, keyRow(one))
			}
			to = append(to, candidate)
		}
		slices.SortFunc(to[run:], scored.compare)
		begin = end
	}
	return to
}

// all appends all other rows in the order of their float64 distances to row i, which is own when normalized.
func (s *search) all(i int, own []float64, to []scored) []scored {
	distances := make([]float64, s.x.Rows)
	for j := range distances {
		if first := int(s.equal[j]); first < j {
			distances[j] = distances[first]
		} else {
			distances[j] = s.distance(i, own, j)
		}
		if j != i {
			to = append(to, scored{distances[j], int32(j)})
		}
	}
	slices.SortFunc(to, scored.compare)
	return to
}

// distance returns the squared distance of normalized rows: of row i, which is own, and row j.
func (s *search) distance(i int, own []float64, j int) float64 {
	if s.equal[i] == s.equal[j] {
		return 0
	}
	return squaredDistance(own, s.x.Row(j), s.inverse[j])
}

// times appends the values of x·a in float64.
func times(x []float32, a float64, to []float64) []float64 {
	for _, v := range x {
		to = append(to, float64(v)*a)
	}
	return to
}

// squaredDistance returns the squared distance of x and y·b in float64. If x is such a product too, it does not depend on their order, and is the
// same for equal rows. The conversions of products keep the compiler from fusing them with the sums, which would break both.
func squaredDistance(x []float64, y []float32, b float64) float64 {
	var sum [4]float64
	c := 0
	for ; c+4 <= len(x) && c+4 <= len(y); c += 4 {
		x, y := x[c:c+4:c+4], y[c:c+4:c+4]
		d0 := x[0] - float64(float64(y[0])*b)
		d1 := x[1] - float64(float64(y[1])*b)
		d2 := x[2] - float64(float64(y[2])*b)
		d3 := x[3] - float64(float64(y[3])*b)
		sum[0] += float64(d0 * d0)
		sum[1] += float64(d1 * d1)
		sum[2] += float64(d2 * d2)
		sum[3] += float64(d3 * d3)
	}
	for ; c < len(x); c++ {
		d := x[c] - float64(float64(y[c])*b)
		sum[0] += float64(d * d)
	}
	return sum[0] + sum[1] + (sum[2] + sum[3])
}
