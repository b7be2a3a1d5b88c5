// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// The sides of a tile of distances. 1024 × 1024 stays in the caches between the product and the search in it.
const (
	smallestTile = 64
	largestTile  = 1024
)

// Neighbors returns for each row of x the indices of its k nearest other rows, nearest first: Euclidean distance of the
// L2-normalized rows; equal distances in the order of indices. The row itself is left out by its index, so that an equal
// row stays in.
//
// The lists are exact: those that sorting all float64 distances Σ(x̂ᵢ − x̂ⱼ)² gives, with x̂ = x·(1/‖x‖₂) in float64. The
// backend computes the distances of centered rows in float32, a tile of rows against a tile of rows, each pair of tiles once; a proven
// bound of their error says which rows may belong to a list and which of these are too close to tell apart, and those
// distances are computed again in float64. Rows with too many candidates, such as equal ones, are done wholly in float64.
// Time is that of n²·d/2 multiplications; memory that of n·2k candidates beside x.
//
// It is an error if k is not in [1, Rows − 1], if a value is not finite or a row all zeros. The context is looked at
// between tiles.
func Neighbors(ctx context.Context, backend compute.Backend, x Matrix, k int) ([][]int, error) {
	s, err := newSearch(x, k)
	if err == nil {
		err = s.run(ctx, backend)
	}
	if err != nil {
		return nil, fmt.Errorf("retrieval: neighbors: %w", err)
	}
	return s.lists, nil
}

// search is the state of one call of Neighbors.
type search struct {
	x       Matrix
	k       int
	inverse []float64 // 1/‖x‖ of each row
	equal   []int32   // the first row with the same values

	tile     int       // rows a tile
	center   []float64 // the mean of the normalized rows
	radius   []float64 // distance of each row to the center
	farthest float64
	slack    []float64 // twice the bound of the error, for each row

	queries []candidates
	lists   [][]int
}

// newSearch checks and prepares the rows.
func newSearch(x Matrix, k int) (*search, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	if k < 1 || k > x.Rows-1 {
		return nil, fmt.Errorf("k = %d: want 1 to %d, the number of other rows", k, x.Rows-1)
	}
	if x.Rows > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are too many", x.Rows)
	}
	inverse, err := x.inverseNorms()
	if err != nil {
		return nil, err
	}
	s := &search{x: x, k: k, inverse: inverse, equal: x.firstEqual(), tile: tileFor(x.Rows)}
	s.center = make([]float64, x.Cols)
	var mutex sync.Mutex // parts are added in any order: the last bits of the center decide nothing
	parallel(x.Rows, func(from, to int) {
		part := make([]float64, x.Cols)
		for i := from; i < to; i++ {
			weight := inverse[i] / float64(x.Rows)
			for c, v := range x.Row(i) {
				part[c] += float64(v) * weight
			}
		}
		mutex.Lock()
		defer mutex.Unlock()
		for c, v := range part {
			s.center[c] += v
		}
	})
	s.radius = make([]float64, x.Rows)
	s.slack = make([]float64, x.Rows)
	s.queries = make([]candidates, x.Rows)
	for i := range s.queries {
		s.queries[i] = newCandidates()
	}
	s.lists = make([][]int, x.Rows)
	return s, nil
}

// tiles returns the number of tiles that hold all rows.
func (s *search) tiles() int { return (s.x.Rows + s.tile - 1) / s.tile }

// rows returns the rows of a tile.
func (s *search) rows(tile int) (from, to int) {
	return tile * s.tile, min((tile+1)*s.tile, s.x.Rows)
}

// run computes the tiles and turns what they hold into lists.
func (s *search) run(ctx context.Context, backend compute.Backend) error {
	device, err := newTileDevice(backend, s.tile, s.x.Cols)
	if err != nil {
		return err
	}
	defer device.finalize()
	var input float64
	var inputErr error
	var group sync.WaitGroup
	group.Go(func() { input, inputErr = device.inputError() }) // compiles meanwhile
	for t := 0; t < s.tiles() && err == nil; t++ {
		err = device.upload(s.centered(t))
	}
	group.Wait()
	if err := errors.Join(err, inputErr); err != nil {
		return err
	}
	s.setSlack(input)
	for a := range s.tiles() {
		for b := a; b < s.tiles(); b++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := device.distances(a, b, func(d []float32) { s.collect(a, b, d) }); err != nil {
				return err
			}
		}
		if err := s.finish(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// centered returns the rows of a tile as the backend takes them, normalized and without their mean, and their squared
// norms; the rows beyond the last are zeros. Moving all rows together leaves the distances as they are but makes the
// products small, and with them the errors, where all embeddings point the same way. The norms go to s.radius.
func (s *search) centered(tile int) (points, squares []float32) {
	points, squares = make([]float32, s.tile*s.x.Cols), make([]float32, s.tile)
	from, to := s.rows(tile)
	parallel(to-from, func(low, high int) {
		for r := low; r < high; r++ {
			out := points[r*s.x.Cols : (r+1)*s.x.Cols]
			sum := 0.0
			for c, v := range s.x.Row(from + r) {
				out[c] = float32(float64(float64(v)*s.inverse[from+r]) - s.center[c]) // no fused product: its error would be that of the row, not of what is left
				sum += float64(out[c]) * float64(out[c])
			}
			squares[r] = float32(sum)
			s.radius[from+r] = math.Sqrt(sum)
		}
	})
	return points, squares
}

// setSlack computes the bounds, once all radii are known.
func (s *search) setSlack(input float64) {
	s.farthest = slices.Max(s.radius)
	for i, r := range s.radius {
		s.slack[i] = 2 * errorBound(r, s.farthest, s.x.Cols, input)
	}
}

// collect offers the distances of tile a to tile b, [tile, tile], to the queries of both.
func (s *search) collect(a, b int, distances []float32) {
	fromA, toA := s.rows(a)
	fromB, toB := s.rows(b)
	n := s.x.Rows
	ofA := func(low, high int) {
		for r := low; r < high; r++ {
			i := fromA + r
			query := &s.queries[i]
			limit := query.limit
			for c, d := range distances[r*s.tile : r*s.tile+toB-fromB] {
				if d <= limit && fromB+c != i && !query.take(d, fromB+c) {
					query.add(d, fromB+c, s.k, n, s.slack[i])
					limit = query.limit
				}
			}
		}
	}
	ofB := func(low, high int) {
		limits := make([]float32, high-low)
		for c := range limits {
			limits[c] = s.queries[fromB+low+c].limit
		}
		for r := range toA - fromA {
			for c, d := range distances[r*s.tile+low:][:len(limits)] {
				if d <= limits[c] {
					i := fromB + low + c
					if query := &s.queries[i]; !query.take(d, fromA+r) {
						query.add(d, fromA+r, s.k, n, s.slack[i])
						limits[c] = query.limit
					}
				}
			}
		}
	}
	var group sync.WaitGroup
	group.Go(func() { parallel(toA-fromA, ofA) })
	if a != b {
		group.Go(func() { parallel(toB-fromB, ofB) })
	}
	group.Wait()
}

// tileDevice computes distances between tiles that lie on the backend.
type tileDevice struct {
	backend         compute.Backend
	tile, dim       int
	exec            *graph.Exec
	points, squares []*tensors.Tensor
}

// newTileDevice prepares the computation: |a|² + |b|² − 2ab of the rows of two tiles. All tiles have one shape, so that it
// is compiled once.
func newTileDevice(backend compute.Backend, tile, dim int) (*tileDevice, error) {
	exec, err := graph.NewExec(backend, func(a, aa, b, bb *graph.Node) *graph.Node {
		product := graph.Dot(a, b).Einsum("id,jd->ij")
		return graph.Add(graph.Sub(graph.ExpandAxes(aa, 1), graph.MulScalar(product, 2)), graph.ExpandAxes(bb, 0))
	})
	if err != nil {
		return nil, err
	}
	return &tileDevice{backend: backend, tile: tile, dim: dim, exec: exec}, nil
}

// upload adds a tile: points [tile, dim], squares [tile].
func (t *tileDevice) upload(points, squares []float32) error {
	p, err := toDevice(t.backend, points, t.tile, t.dim)
	if err != nil {
		return err
	}
	t.points = append(t.points, p)
	q, err := toDevice(t.backend, squares, t.tile)
	if err != nil {
		return err
	}
	t.squares = append(t.squares, q)
	return nil
}

// distances computes the distances of the rows of tile a to those of b, [tile, tile]; use must not keep them.
func (t *tileDevice) distances(a, b int, use func([]float32)) error {
	return t.call(t.points[a], t.squares[a], t.points[b], t.squares[b], use)
}

func (t *tileDevice) call(a, aa, b, bb *tensors.Tensor, use func([]float32)) error {
	out, err := t.exec.Call(a, aa, b, bb)
	if err != nil {
		return err
	}
	err = tensors.ConstFlatData(out[0], use)
	if e := out[0].FinalizeAll(); err == nil {
		err = e
	}
	return err
}

// inputError measures the relative error with which the backend reads float32, by the computation that will be used.
func (t *tileDevice) inputError() (input float64, err error) {
	probe, err := toDevice(t.backend, probeTile(t.tile, t.dim), t.tile, t.dim)
	if err != nil {
		return 0, err
	}
	defer probe.MustFinalizeAll()
	zeros, err := toDevice(t.backend, make([]float32, t.tile), t.tile)
	if err != nil {
		return 0, err
	}
	defer zeros.MustFinalizeAll()
	err = t.call(probe, zeros, probe, zeros, func(d []float32) { input = inputError(d, t.tile) })
	return input, err
}

// finalize frees what lies on the backend.
func (t *tileDevice) finalize() {
	for _, one := range slices.Concat(t.points, t.squares) {
		one.MustFinalizeAll()
	}
	t.exec.Finalize()
}
