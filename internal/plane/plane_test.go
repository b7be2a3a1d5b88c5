// SPDX-License-Identifier: Apache-2.0

package plane

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clusters returns normal points about centers that are far from each other in ten dimensions, and which center each is of.
func clusters(centers, each int) (rows [][]float32, of []int) {
	rng := rand.New(rand.NewPCG(7, 7))
	for c := range centers {
		var center [10]float32
		for k := range center {
			center[k] = 6 * float32(rng.NormFloat64())
		}
		for range each {
			row := make([]float32, len(center))
			for k := range row {
				row[k] = center[k] + float32(rng.NormFloat64())
			}
			rows, of = append(rows, row), append(of, c)
		}
	}
	return rows, of
}

// Points on a line with a little breadth: the first component is the line, with most of the variance.
func TestPCA(t *testing.T) {
	rows := [][]float32{{-3, -3, 1}, {-1, -1, 1}, {1, 1, 1}, {3, 3, 1}, {0.1, -0.1, 1}, {-0.1, 0.1, 1}}
	points, explained, err := PCA(rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-3 * math.Sqrt2, -math.Sqrt2, math.Sqrt2, 3 * math.Sqrt2, 0, 0} {
		if math.Abs(points[i][0]-want) > 1e-6 {
			t.Errorf("point %d lies at %v, want %v along the line", i, points[i][0], want)
		}
	}
	if got, want := explained[0], 40/40.04; math.Abs(got-want) > 1e-6 || math.Abs(explained[0]+explained[1]-1) > 1e-6 {
		t.Errorf("explained %v", explained)
	}
	if distance := math.Abs(points[4][1] - points[5][1]); math.Abs(distance-0.2*math.Sqrt2) > 1e-6 {
		t.Errorf("the last two are %v apart along the second", distance)
	}
	equal, explained, err := PCA([][]float32{{1, 2}, {1, 2}, {1, 2}})
	if err != nil || explained != [2]float64{} || equal[2] != [2]float64{} {
		t.Errorf("equal points: %v, %v, %v", equal, explained, err)
	}
}

// Of fewer points than dimensions and of more, the components are what a plain power iteration on the covariance finds, and their signs are as promised.
func TestPCAOfBothShapes(t *testing.T) {
	for _, shape := range [][2]int{{40, 6}, {6, 40}, {9, 9}, {2, 5}, {5, 1}} {
		n, dims := shape[0], shape[1]
		rng, rows := rand.New(rand.NewPCG(7, 11)), make([][]float32, n)
		for i := range rows {
			for k := range dims {
				rows[i] = append(rows[i], 5+float32(rng.NormFloat64()/float64(1+k))) // away from the origin
			}
		}
		points, explained, err := PCA(rows)
		if err != nil {
			t.Fatal(err)
		}
		centered, left := centeredRows(rows), 0.0
		for _, row := range centered {
			left += dot(row, row)
		}
		for k, total := 0, left; k < 2; k++ {
			direction := make([]float64, dims)
			for j := range direction {
				direction[j] = rng.NormFloat64()
			}
			for range 3000 {
				next := make([]float64, dims)
				for _, row := range centered {
					along := dot(row, direction)
					for j, v := range row {
						next[j] += along * v
					}
				}
				length := math.Sqrt(dot(next, next))
				if length < 1e-9 { // nothing is left, as of two points after the first
					clear(direction)
					break
				}
				for j := range next {
					direction[j] = next[j] / length
				}
			}
			largest := 0.0
			for _, v := range direction {
				if math.Abs(v) > math.Abs(largest) {
					largest = v
				}
			}
			variance := 0.0
			for i, row := range centered {
				along := dot(row, direction)
				variance += along * along
				if want := math.Copysign(1, largest) * along; math.Abs(points[i][k]-want) > 1e-5 {
					t.Errorf("%d × %d: point %d lies at %v along component %d, want %v", n, dims, i, points[i][k], k, want)
				}
				for j := range row {
					row[j] -= along * direction[j]
				}
			}
			if math.Abs(explained[k]-variance/total) > 1e-6 {
				t.Errorf("%d × %d: component %d explains %v, want %v", n, dims, k, explained[k], variance/total)
			}
		}
	}
}

// Points on a line, fewer or more than dimensions, have no place beside it.
func TestPCAOfALine(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, shape := range [][2]int{{3, 5}, {5, 40}, {40, 6}} {
		direction, rows := make([]float32, shape[1]), make([][]float32, shape[0])
		for k := range direction {
			direction[k] = float32(rng.NormFloat64())
		}
		for i := range rows {
			for _, d := range direction {
				rows[i] = append(rows[i], 2*float32(i)*d)
			}
		}
		points, _, err := PCA(rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range points {
			if math.Abs(p[1]) > 1e-5 {
				t.Errorf("%v: point %d lies %v beside the line", shape, i, p[1])
			}
		}
	}
}

// centeredRows returns rows less their mean.
func centeredRows(rows [][]float32) [][]float64 {
	out := make([][]float64, len(rows))
	for k := range rows[0] {
		mean := 0.0
		for _, row := range rows {
			mean += float64(row[k]) / float64(len(rows))
		}
		for i, row := range rows {
			out[i] = append(out[i], float64(row[k])-mean)
		}
	}
	return out
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for k, v := range a {
		sum += v * b[k]
	}
	return sum
}

// Near points stay near: of the ten nearest of each point most are so in the plane, clusters lie apart, and the divergence falls with the steps.
func TestTSNE(t *testing.T) {
	rows, of := clusters(6, 40)
	start, _, err := PCA(rows)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultTSNE(len(rows))
	if o.Perplexity != 30 {
		t.Errorf("perplexity %v", o.Perplexity)
	}
	last := math.Inf(1)
	var points [][2]float64
	for _, iterations := range []int{4, 100, 500} {
		o.Iterations = iterations
		var divergence float64
		if points, divergence, err = TSNE(rows, start, o); err != nil {
			t.Fatal(err)
		}
		if !(divergence < last) || divergence <= 0 {
			t.Errorf("after %d steps the divergence is %v, before that %v", iterations, divergence, last)
		}
		last = divergence
	}
	kept, pure := 0, 0
	for i := range rows {
		high := nearest(len(rows), i, 10, func(j int) float64 { return apart(rows[i], rows[j]) })
		low := nearest(len(rows), i, 10, func(j int) float64 { return math.Hypot(points[i][0]-points[j][0], points[i][1]-points[j][1]) })
		for _, j := range low {
			if slices.Contains(high, j) {
				kept++
			}
			if of[j] == of[i] {
				pure++
			}
		}
	}
	if share := float64(pure) / float64(10*len(rows)); share < 0.99 {
		t.Errorf("%.3f of the neighbors in the plane are of the point's cluster", share)
	}
	chance := 10.0 / 39 // in a cluster of 40 that is kept together and shuffled
	if share := float64(kept) / float64(10*len(rows)); share < 1.5*chance {
		t.Errorf("%.3f of the ten nearest are kept, by chance in the cluster %.3f", share, chance)
	}
}

// nearest returns the k of n that are nearest to i.
func nearest(n, i, k int, distance func(j int) float64) []int {
	var list []int
	for j := range n {
		if j != i {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b int) int { return int(math.Copysign(1, distance(a)-distance(b))) })
	return list[:k]
}

func apart(a, b []float32) float64 {
	sum := 0.0
	for k := range a {
		sum += float64(a[k]-b[k]) * float64(a[k]-b[k])
	}
	return math.Sqrt(sum)
}

// The same points and seed give the same coordinates on any number of cores, and another seed others.
func TestTSNERepeats(t *testing.T) {
	rows, _ := clusters(3, 20)
	rows[1] = rows[0] // equal points
	start, _, err := PCA(rows)
	if err != nil {
		t.Fatal(err)
	}
	run := func(seed uint64) [][2]float64 {
		points, _, err := TSNE(rows, start, TSNEOptions{Perplexity: 10, Iterations: 60, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return points
	}
	first := run(1)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("on one core: %s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed changes nothing")
	}
	if first[0] == first[1] {
		t.Error("equal points never part")
	}
}

// The gradient is that of the divergence, by differences.
func TestGradient(t *testing.T) {
	rows, _ := clusters(2, 6)
	d := &descent{n: len(rows), p: joint(rows, 3), y: make([][2]float64, len(rows)), gradient: make([][2]float64, len(rows))}
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range d.y {
		d.y[i] = [2]float64{rng.NormFloat64(), rng.NormFloat64()}
	}
	d.differentiate(1)
	const h = 1e-5
	for i := range d.y {
		for k := range 2 {
			at := d.y[i][k]
			d.y[i][k] = at + h
			above := d.divergence()
			d.y[i][k] = at - h
			below := d.divergence()
			d.y[i][k] = at
			if want := (above - below) / (2 * h); math.Abs(d.gradient[i][k]-want) > 1e-6 {
				t.Errorf("gradient %v, by differences %v", d.gradient[i][k], want)
			}
		}
	}
}

// The probabilities about a point have the perplexity: exp of their entropy.
func TestPerplexity(t *testing.T) {
	out := make([]float32, 200)
	squared := make([]float64, len(out))
	rng := rand.New(rand.NewPCG(7, 9))
	for j := range squared {
		squared[j] = 1e4 * rng.Float64()
	}
	near(squared, 3, 30, out)
	entropy, sum := 0.0, 0.0
	for _, p := range out {
		if sum += float64(p); p > 0 {
			entropy -= float64(p) * math.Log(float64(p))
		}
	}
	if math.Abs(math.Exp(entropy)-30) > 1e-3 || math.Abs(sum-1) > 1e-5 || out[3] != 0 {
		t.Errorf("perplexity %v, sum %v, itself %v", math.Exp(entropy), sum, out[3])
	}
}

func TestErrors(t *testing.T) {
	nan := float32(math.NaN())
	four := [][]float32{{1}, {2}, {3}, {5}}
	start := make([][2]float64, 4)
	for want, f := range map[string]func() error{
		"1 points":       func() error { _, _, err := PCA(four[:1]); return err },
		"point 1 is NaN": func() error { _, _, err := PCA([][]float32{{1}, {nan}}); return err },
		"from 3 starts":  func() error { _, _, err := TSNE(four, start[:3], TSNEOptions{1, 10, 0}); return err },
		"perplexity":     func() error { _, _, err := TSNE(four, start, TSNEOptions{3, 10, 0}); return err },
		"0 iterations":   func() error { _, _, err := TSNE(four, start, TSNEOptions{1, 0, 0}); return err },
		"point 0 is NaN": func() error {
			_, _, err := TSNE([][]float32{{nan}, {2}, {3}, {5}}, start, TSNEOptions{1, 10, 0})
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	points, _, err := TSNE(four, start, DefaultTSNE(4))
	if err != nil || math.IsNaN(points[0][0]) {
		t.Errorf("four points: %v, %v", points, err)
	}
}

// BenchmarkTSNE is 2,000 points of 64 numbers, 100 steps.
func BenchmarkTSNE(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 10))
	rows := make([][]float32, 2000)
	for i := range rows {
		for range 64 {
			rows[i] = append(rows[i], float32(rng.NormFloat64()))
		}
	}
	start, _, err := PCA(rows)
	if err != nil {
		b.Fatal(err)
	}
	o := DefaultTSNE(len(rows))
	o.Iterations = 100
	for b.Loop() {
		if _, _, err := TSNE(rows, start, o); err != nil {
			b.Fatal(err)
		}
	}
}
