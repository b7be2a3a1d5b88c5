// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// KMeans clusters the rows of x by Lloyd's algorithm and returns the cluster of each row, in [0, k), and the objective:
// the sum of the squared distances of the rows to the mean of their cluster, in float64. The rows are taken as they are;
// [Evaluate] gives normalized ones.
//
// The first centers are k different rows drawn by seed (as FAISS does; k-means++ would take k passes over the rows, and
// there may be ten thousand classes). Each iteration gives every row to its nearest center, the first of equal ones, by
// float32 products on the backend, and moves the centers to the means; it ends before the given number of iterations when
// no row changes its cluster. A cluster that got no row takes the row that is farthest from its center, the first of
// equal ones, from the clusters with several rows; so none is empty at the end. Equal arguments give equal clusters.
//
// A row whose center has stayed where it was is compared with the centers that have moved alone: the others are as far as before. Time is that of n·k·d multiplications for
// the first iteration, and the fewer for the next ones, the more clusters keep their rows.
//
// It is an error if k is not in [1, Rows], iterations < 1 or a value is not finite. The context is looked at between
// tiles of rows.
func KMeans(ctx context.Context, backend compute.Backend, x Matrix, k, iterations int, seed uint64) (clusters []int, objective float64, err error) {
	clusters, objective, err = kMeans(ctx, backend, x, k, iterations, seed)
	if err != nil {
		return nil, 0, fmt.Errorf("retrieval: k-means: %w", err)
	}
	return clusters, objective, nil
}

func kMeans(ctx context.Context, backend compute.Backend, x Matrix, k, iterations int, seed uint64) ([]int, float64, error) {
	if err := x.check(); err != nil {
		return nil, 0, err
	}
	if k < 1 || k > x.Rows {
		return nil, 0, fmt.Errorf("k = %d: want 1 to %d, the number of rows", k, x.Rows)
	}
	if iterations < 1 {
		return nil, 0, fmt.Errorf("%d iterations: want at least 1", iterations)
	}
	l, err := newLloyd(backend, x, k)
	if err != nil {
		return nil, 0, err
	}
	defer l.finalize()
	rng := rand.New(rand.NewPCG(seed, 0))
	for c, row := range rng.Perm(x.Rows)[:k] {
		copy(l.centers.Row(c), x.Row(row))
	}
	var before []int
	for range iterations {
		if err := l.assign(ctx); err != nil {
			return nil, 0, err
		}
		l.fillEmpty()
		if slices.Equal(before, l.clusters) {
			break
		}
		before = slices.Clone(l.clusters)
		l.move()
	}
	return l.clusters, l.objective(), nil
}

// lloyd is the state of one call of KMeans.
type lloyd struct {
	backend   compute.Backend
	x         Matrix
	k         int
	rowTile   int // rows and centers of a call of exec
	tile      int
	exec      *graph.Exec
	centers   Matrix    // what rows are assigned to
	moved     []bool    // whether a center is another than in the assignment before
	means     []float64 // the means of the clusters, [k, cols]
	counts    []int
	clusters  []int
	scores    []float32 // of each row and its center, as exec gives them
	known     []bool    // whether scores has it
	distances []float64 // of each row to its center, squared; made when a cluster is empty
}

// newLloyd prepares the computation, |c|² − 2xc of a tile of rows x and one of centers c. All tiles have one shape, so that it is compiled once.
func newLloyd(backend compute.Backend, x Matrix, k int) (*lloyd, error) {
	exec, err := graph.NewExec(backend, func(points, centers, squares *graph.Node) *graph.Node {
		product := graph.Dot(points, centers).Einsum("nd,kd->nk")
		return graph.Sub(graph.ExpandAxes(squares, 0), graph.MulScalar(product, 2))
	})
	if err != nil {
		return nil, err
	}
	l := &lloyd{
		backend: backend, x: x, k: k, rowTile: tileFor(x.Rows), tile: tileFor(k), exec: exec,
		centers:  Matrix{Rows: k, Cols: x.Cols, Data: make([]float32, k*x.Cols)},
		moved:    make([]bool, k),
		means:    make([]float64, k*x.Cols),
		counts:   make([]int, k),
		clusters: make([]int, x.Rows),
		scores:   make([]float32, x.Rows),
		known:    make([]bool, x.Rows),
	}
	return l, nil
}

// tileFor returns how many of n rows a tile has.
func tileFor(n int) int {
	tile := smallestTile
	for tile < largestTile && tile < n {
		tile *= 2
	}
	return tile
}

// finalize frees what lies on the backend.
func (l *lloyd) finalize() { l.exec.Finalize() }

// assign gives every row to its nearest center: the least |c|² − 2xc.
func (l *lloyd) assign(ctx context.Context) error {
	var all, moved, anew, others []int
	for c := range l.k {
		all = append(all, c)
		if l.moved[c] {
			moved = append(moved, c)
		}
	}
	for i, c := range l.clusters {
		if l.known[i] && !l.moved[c] {
			others = append(others, i)
			continue
		}
		anew = append(anew, i)
		l.clusters[i], l.scores[i], l.known[i] = 0, float32(math.Inf(1)), true
	}
	if err := l.compare(ctx, anew, all); err != nil {
		return err
	}
	return l.compare(ctx, others, moved)
}

// compare gives the rows to the nearest of the centers, which are in order, where one is nearer than the center that a row has, or as near and before it.
func (l *lloyd) compare(ctx context.Context, rows, centers []int) (err error) {
	if len(rows) == 0 || len(centers) == 0 {
		return nil
	}
	var tiles []centerTile
	defer func() {
		for _, t := range tiles {
			err = errors.Join(err, t.finalize())
		}
	}()
	for some := range slices.Chunk(centers, l.tile) {
		t, err := l.upload(some)
		if err != nil {
			return err
		}
		tiles = append(tiles, t)
	}
	data := make([]float32, l.rowTile*l.x.Cols)
	for some := range slices.Chunk(rows, l.rowTile) {
		for r, i := range some {
			copy(data[r*l.x.Cols:], l.x.Row(i))
		}
		points, err := toDevice(l.backend, data, l.rowTile, l.x.Cols)
		if err != nil {
			return err
		}
		for _, t := range tiles {
			if err = ctx.Err(); err != nil {
				break
			}
			if err = l.compareTile(some, points, t); err != nil {
				break
			}
		}
		if err = errors.Join(err, points.FinalizeAll()); err != nil {
			return err
		}
	}
	return nil
}

// centerTile is some centers on the backend, and which they are.
type centerTile struct {
	which          []int
	points, square *tensors.Tensor // [tile, cols] and |c|² [tile]; beyond the last there are zeros, infinitely far
}

// upload puts centers on the backend, up to a tile.
func (l *lloyd) upload(which []int) (centerTile, error) {
	data, squares := make([]float32, l.tile*l.x.Cols), make([]float32, l.tile)
	for at := range squares {
		squares[at] = float32(math.Inf(1))
		if at >= len(which) {
			continue
		}
		sum := 0.0
		for _, v := range l.centers.Row(which[at]) {
			sum += float64(v) * float64(v)
		}
		squares[at] = float32(sum)
		copy(data[at*l.x.Cols:], l.centers.Row(which[at]))
	}
	points, err := toDevice(l.backend, data, l.tile, l.x.Cols)
	if err != nil {
		return centerTile{}, err
	}
	square, err := toDevice(l.backend, squares, l.tile)
	if err != nil {
		return centerTile{}, errors.Join(err, points.FinalizeAll())
	}
	return centerTile{which, points, square}, nil
}

func (t centerTile) finalize() error {
	return errors.Join(t.points.FinalizeAll(), t.square.FinalizeAll())
}

// compareTile is compare for a tile of rows and one of centers.
func (l *lloyd) compareTile(rows []int, points *tensors.Tensor, t centerTile) error {
	out, err := l.exec.Call(points, t.points, t.square)
	if err != nil {
		return err
	}
	err = tensors.ConstFlatData(out[0], func(scores []float32) {
		parallel(len(rows), func(low, high int) {
			for r, i := range rows[low:high] {
				own := scores[(low+r)*l.tile:][:len(t.which)]
				at := least(own)
				c, score := t.which[at], own[at]
				if score < l.scores[i] || score == l.scores[i] && c < l.clusters[i] {
					l.clusters[i], l.scores[i] = c, score
				}
			}
		})
	})
	return errors.Join(err, out[0].FinalizeAll())
}

// least returns the index of the least value, the first of equal ones.
func least(values []float32) int {
	at, best := 0, values[0]
	for i, v := range values {
		if v < best {
			at, best = i, v
		}
	}
	return at
}

// fillEmpty counts the rows of the clusters and gives each empty one the farthest row of the others.
func (l *lloyd) fillEmpty() {
	clear(l.counts)
	for _, c := range l.clusters {
		l.counts[c]++
	}
	if !slices.Contains(l.counts, 0) {
		return
	}
	l.distances = slices.Grow(l.distances[:0], l.x.Rows)[:l.x.Rows]
	for i := range l.distances {
		sum := 0.0
		center := l.centers.Row(l.clusters[i])
		for d, v := range l.x.Row(i) {
			diff := float64(v) - float64(center[d])
			sum += diff * diff
		}
		l.distances[i] = sum
	}
	for c := range l.counts {
		if l.counts[c] > 0 {
			continue
		}
		farthest := -1
		for i, d := range l.distances {
			if l.counts[l.clusters[i]] > 1 && (farthest < 0 || d > l.distances[farthest]) {
				farthest = i
			}
		}
		l.counts[l.clusters[farthest]]--
		l.clusters[farthest], l.counts[c], l.distances[farthest], l.known[farthest] = c, 1, 0, false
	}
}

// computeMeans sums the rows of each cluster in the order of rows.
func (l *lloyd) computeMeans() {
	clear(l.means)
	for i, c := range l.clusters {
		mean := l.means[c*l.x.Cols : (c+1)*l.x.Cols]
		for d, v := range l.x.Row(i) {
			mean[d] += float64(v)
		}
	}
	for i := range l.means {
		l.means[i] /= float64(l.counts[i/l.x.Cols])
	}
}

// move moves the centers to the means.
func (l *lloyd) move() {
	l.computeMeans()
	clear(l.moved)
	for i, v := range l.means {
		if center := &l.centers.Data[i]; *center != float32(v) {
			*center, l.moved[i/l.x.Cols] = float32(v), true
		}
	}
}

// objective returns the sum of the squared distances of the rows to the mean of their cluster.
func (l *lloyd) objective() float64 {
	l.computeMeans()
	sum := 0.0
	for i, c := range l.clusters {
		mean := l.means[c*l.x.Cols : (c+1)*l.x.Cols]
		for d, v := range l.x.Row(i) {
			diff := float64(v) - mean[d]
			sum += diff * diff
		}
	}
	return sum
}
