// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"context"
	"errors"
	"fmt"
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
	k, tile   int
	exec      *graph.Exec
	points    []*tensors.Tensor // tiles of x, [tile, cols]; the rows beyond the last are zeros
	centers   Matrix            // what rows are assigned to
	means     []float64         // the means of the clusters, [k, cols]
	counts    []int
	clusters  []int
	distances []float64 // of each row to its center, squared; made when a cluster is empty
}

// newLloyd puts the rows on the backend. All tiles have one shape, so that the computation is compiled once.
func newLloyd(backend compute.Backend, x Matrix, k int) (*lloyd, error) {
	exec, err := graph.NewExec(backend, func(points, centers, squares *graph.Node) *graph.Node {
		product := graph.Dot(points, centers).Einsum("nd,kd->nk")
		return graph.Sub(graph.ExpandAxes(squares, 0), graph.MulScalar(product, 2))
	})
	if err != nil {
		return nil, err
	}
	l := &lloyd{
		backend: backend, x: x, k: k, tile: smallestTile, exec: exec,
		centers:  Matrix{Rows: k, Cols: x.Cols, Data: make([]float32, k*x.Cols)},
		means:    make([]float64, k*x.Cols),
		counts:   make([]int, k),
		clusters: make([]int, x.Rows),
	}
	for l.tile < largestTile && l.tile < x.Rows {
		l.tile *= 2
	}
	for from := 0; from < x.Rows; from += l.tile {
		data := make([]float32, l.tile*x.Cols)
		copy(data, x.Data[from*x.Cols:min(from+l.tile, x.Rows)*x.Cols])
		points, err := toDevice(backend, data, l.tile, x.Cols)
		if err != nil {
			l.finalize()
			return nil, err
		}
		l.points = append(l.points, points)
	}
	return l, nil
}

// finalize frees what lies on the backend.
func (l *lloyd) finalize() {
	for _, t := range l.points {
		t.MustFinalizeAll()
	}
	l.exec.Finalize()
}

// assign gives every row to its nearest center: the least |c|² − 2xc.
func (l *lloyd) assign(ctx context.Context) (err error) {
	squares := make([]float32, l.k)
	for c := range squares {
		sum := 0.0
		for _, v := range l.centers.Row(c) {
			sum += float64(v) * float64(v)
		}
		squares[c] = float32(sum)
	}
	centers, err := toDevice(l.backend, l.centers.Data, l.k, l.x.Cols)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centers.FinalizeAll()) }()
	norms, err := toDevice(l.backend, squares, l.k)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, norms.FinalizeAll()) }()
	for t, points := range l.points {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.assignTile(t, points, centers, norms); err != nil {
			return err
		}
	}
	return nil
}

// assignTile gives the rows of a tile to their nearest centers.
func (l *lloyd) assignTile(tile int, points, centers, norms *tensors.Tensor) error {
	out, err := l.exec.Call(points, centers, norms)
	if err != nil {
		return err
	}
	from := tile * l.tile
	err = tensors.ConstFlatData(out[0], func(scores []float32) {
		parallel(min(l.tile, l.x.Rows-from), func(low, high int) {
			for r := low; r < high; r++ {
				l.clusters[from+r] = least(scores[r*l.k : (r+1)*l.k])
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
		l.clusters[farthest], l.counts[c], l.distances[farthest] = c, 1, 0
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
	for i, v := range l.means {
		l.centers.Data[i] = float32(v)
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
