// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"introspection/internal/backendtest"
)

// naiveLloyd is k-means in float64 from the given centers, for data without empty clusters.
func naiveLloyd(x Matrix, centers [][]float64, iterations int) []int {
	clusters := make([]int, x.Rows)
	for range iterations {
		for i := range clusters {
			best := math.Inf(1)
			for c, center := range centers {
				d := 0.0
				for at, v := range x.Row(i) {
					d += (float64(v) - center[at]) * (float64(v) - center[at])
				}
				if d < best {
					clusters[i], best = c, d
				}
			}
		}
		for c := range centers {
			mean, count := make([]float64, x.Cols), 0.0
			for i := range clusters {
				if clusters[i] == c {
					count++
					for at, v := range x.Row(i) {
						mean[at] += float64(v)
					}
				}
			}
			for at := range mean {
				mean[at] /= count
			}
			centers[c] = mean
		}
	}
	return clusters
}

// within returns the sum of squared distances to the means of the clusters, by the definition.
func within(x Matrix, clusters []int, k int) float64 {
	sum := 0.0
	for c := range k {
		for at := range x.Cols {
			values, mean := []float64{}, 0.0
			for i, own := range clusters {
				if own == c {
					values = append(values, float64(x.Row(i)[at]))
					mean += float64(x.Row(i)[at])
				}
			}
			mean /= float64(len(values))
			for _, v := range values {
				sum += (v - mean) * (v - mean)
			}
		}
	}
	return sum
}

// TestLloyd compares single steps with the naive version from the same first centers.
func TestLloyd(t *testing.T) {
	x := nearTies(1300, 6, 9, 0.4)
	const k = 9
	for _, iterations := range []int{1, 2, 5} {
		l, err := newLloyd(backendtest.Open(t), x, k)
		if err != nil {
			t.Fatal(err)
		}
		centers := make([][]float64, k)
		for c := range centers {
			copy(l.centers.Row(c), x.Row(3*c))
			for _, v := range x.Row(3 * c) {
				centers[c] = append(centers[c], float64(v))
			}
		}
		for range iterations {
			if err := l.assign(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.fillEmpty()
			l.move()
		}
		if want := naiveLloyd(x, centers, iterations); !slices.Equal(want, l.clusters) {
			t.Errorf("%d iterations: the clusters differ from the naive ones", iterations)
		}
		l.finalize()
	}
}

// TestOnlyMovedCenters checks that leaving out centers that have stayed changes no cluster in any iteration, and that some are left out.
func TestOnlyMovedCenters(t *testing.T) {
	x := nearTies(2300, 16, 150, 0.6)
	const k = 150
	saves, anew := startedLloyd(t, x, k), startedLloyd(t, x, k)
	defer saves.finalize()
	defer anew.finalize()
	stayed := 0
	for iteration := range 12 {
		clear(anew.known)
		for _, l := range []*lloyd{saves, anew} {
			if err := l.assign(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.fillEmpty()
			l.move()
		}
		if !slices.Equal(saves.clusters, anew.clusters) {
			t.Fatalf("iteration %d: other clusters than by comparison with all centers", iteration)
		}
		for _, moved := range saves.moved {
			if !moved {
				stayed++
			}
		}
	}
	if stayed == 0 || stayed == 12*k {
		t.Errorf("of the centers of 12 iterations %d have stayed: nothing is tested", stayed)
	}
}

// startedLloyd returns the state before the first iteration, with rows of x as centers.
func startedLloyd(t *testing.T, x Matrix, k int) *lloyd {
	t.Helper()
	l, err := newLloyd(backendtest.Open(t), x, k)
	if err != nil {
		t.Fatal(err)
	}
	for c := range k {
		copy(l.centers.Row(c), x.Row(c*x.Rows/k))
	}
	return l
}

func TestKMeans(t *testing.T) {
	tests := []struct {
		name string
		x    Matrix
		k    int
	}{
		{"one cluster", randomMatrix(50, 4, 1), 1},
		{"as many as rows", randomMatrix(50, 4, 1), 50},
		{"groups", nearTies(200, 8, 10, 0.1), 10},
		{"several tiles", randomMatrix(2200, 8, 2), 30},
		{"equal rows", duplicated(60, 4, 60), 7},
		{"fewer values than clusters", duplicated(60, 4, 20), 10},
		{"one row", randomMatrix(1, 4, 1), 1},
	}
	backend := backendtest.Open(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clusters, objective, err := KMeans(t.Context(), backend, test.x, test.k, 25, 1)
			if err != nil {
				t.Fatal(err)
			}
			counts := make([]int, test.k)
			for _, c := range clusters {
				counts[c]++
			}
			if slices.Contains(counts, 0) || len(clusters) != test.x.Rows {
				t.Errorf("%d rows in clusters of %v rows", len(clusters), counts)
			}
			if want := within(test.x, clusters, test.k); !(math.Abs(objective-want) <= 1e-9*(1+want)) {
				t.Errorf("the objective is %v, want %v", objective, want)
			}
		})
	}
}

// TestKMeansProperties checks that more iterations never raise the objective, and what a seed determines.
func TestKMeansProperties(t *testing.T) {
	backend := backendtest.Open(t)
	x := randomMatrix(500, 8, 3)
	run := func(iterations int, seed uint64) ([]int, float64) {
		clusters, objective, err := KMeans(t.Context(), backend, x, 12, iterations, seed)
		if err != nil {
			t.Fatal(err)
		}
		return clusters, objective
	}
	before := math.Inf(1)
	for iterations := 1; iterations <= 12; iterations++ {
		_, objective := run(iterations, 5)
		if objective > before*(1+1e-6) {
			t.Errorf("%d iterations raise the objective from %v to %v", iterations, before, objective)
		}
		before = objective
	}
	settled, objective := run(1000, 5)
	if after, same := run(1001, 5); !slices.Equal(settled, after) || objective != same {
		t.Error("the clusters still change after 1000 iterations")
	}
	other, _ := run(1000, 6)
	if slices.Equal(settled, other) {
		t.Error("two seeds give equal clusters")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if again, _ := run(1000, 5); !slices.Equal(settled, again) {
		t.Error("one processor gives other clusters")
	}
}

func TestLeast(t *testing.T) {
	for want, values := range [][]float32{{1, 1, 2}, {3, -1, -1}, {3, 2, 1, 1}} {
		if got := least(values); got != want {
			t.Errorf("the least of %v: got index %d, want %d", values, got, want)
		}
	}
}

// TestFillEmpty gives two empty clusters the farthest rows, from clusters that keep one.
func TestFillEmpty(t *testing.T) {
	l := &lloyd{
		x:        Matrix{Rows: 5, Cols: 1, Data: []float32{0, 1, 9, -9, 50}},
		centers:  Matrix{Rows: 4, Cols: 1, Data: []float32{0, 0, 1, 0}},
		counts:   make([]int, 4),
		clusters: []int{0, 0, 0, 0, 2},
		known:    []bool{true, true, true, true, true},
	}
	l.fillEmpty()
	if want := []bool{true, true, false, false, true}; !slices.Equal(l.known, want) {
		t.Errorf("got rows with known scores %v, want %v", l.known, want)
	}
	if want := []int{0, 0, 1, 3, 2}; !slices.Equal(l.clusters, want) {
		t.Errorf("got clusters %v, want %v", l.clusters, want)
	}
	if want := []int{2, 1, 1, 1}; !slices.Equal(l.counts, want) {
		t.Errorf("got counts %v, want %v", l.counts, want)
	}
}

func TestKMeansFaults(t *testing.T) {
	nan := randomMatrix(6, 2, 1)
	nan.Row(4)[1] = float32(math.NaN())
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name          string
		ctx           context.Context
		x             Matrix
		k, iterations int
		want          string
	}{
		{"k of 0", t.Context(), randomMatrix(6, 2, 1), 0, 5, "k = 0: want 1 to 6"},
		{"k beyond the rows", t.Context(), randomMatrix(6, 2, 1), 7, 5, "k = 7: want 1 to 6"},
		{"no iterations", t.Context(), randomMatrix(6, 2, 1), 2, 0, "0 iterations"},
		{"NaN", t.Context(), nan, 2, 5, "row 4: value 1 is NaN"},
		{"canceled", canceled, randomMatrix(6, 2, 1), 2, 5, "canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := KMeans(test.ctx, backendtest.Open(t), test.x, test.k, test.iterations, 1)
			if err == nil || !strings.HasPrefix(err.Error(), "retrieval: k-means: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if test.ctx.Err() != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v hides the context's", err)
			}
		})
	}
}

// BenchmarkKMeans clusters rows like the test half of CUB-200-2011.
func BenchmarkKMeans(b *testing.B) {
	x := nearTies(5_924, 512, 100, 1)
	backend := backendtest.Open(b)
	for b.Loop() {
		if _, _, err := KMeans(b.Context(), backend, x, 100, 25, 1); err != nil {
			b.Fatal(err)
		}
	}
}
