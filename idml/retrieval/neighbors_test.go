// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

// randomMatrix returns rows of independent normal values.
func randomMatrix(rows, cols int, seed uint64) Matrix {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := Matrix{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// naiveNeighbors follows the definition for every step-th row: float64 throughout, all rows sorted.
func naiveNeighbors(x Matrix, k, step int) map[int][]int {
	unit := make([][]float64, x.Rows)
	for i := range unit {
		norm := 0.0
		for _, v := range x.Row(i) {
			norm += float64(v) * float64(v)
		}
		for _, v := range x.Row(i) {
			unit[i] = append(unit[i], float64(v)*(1/math.Sqrt(norm)))
		}
	}
	lists := make(map[int][]int)
	for i := 0; i < x.Rows; i += step {
		distances := make([]float64, x.Rows)
		var order []int
		for j := range distances {
			for c := range unit[i] {
				diff := unit[i][c] - unit[j][c]
				distances[j] += float64(diff * diff)
			}
			if j != i {
				order = append(order, j)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distances[a], distances[b]) })
		lists[i] = order[:k]
	}
	return lists
}

// duplicated returns rows of which every one occurs several times, some scaled by a power of two, which changes no bit of
// the normalized row.
func duplicated(rows, cols, times int) Matrix {
	x := randomMatrix(rows, cols, 3)
	for i := range rows {
		scale := float32(math.Ldexp(1, i%5-2))
		for c, v := range x.Row(i % (rows / times)) {
			x.Row(i)[c] = v
			if i >= rows/times {
				x.Row(i)[c] *= scale
			}
		}
	}
	return x
}

// nearTies returns rows in groups that differ by about 1e-7, less than float32 products can tell apart.
func nearTies(rows, cols, groups int, spread float64) Matrix {
	base := randomMatrix(groups, cols, 5)
	rng := rand.New(rand.NewPCG(7, 1))
	x := Matrix{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
	for i := range rows {
		for c, v := range base.Row(i % groups) {
			x.Row(i)[c] = v + float32(spread*rng.NormFloat64())
		}
	}
	return x
}

// cone returns rows that all point nearly the same way, as those of an untrained network.
func cone(rows, cols int, width float32) Matrix {
	x := randomMatrix(rows, cols, 9)
	for i := range x.Data {
		x.Data[i] = 1 + width*x.Data[i]
	}
	return x
}

func TestNeighbors(t *testing.T) {
	tests := []struct {
		name string
		x    Matrix
		k    int
	}{
		{"two rows", randomMatrix(2, 3, 1), 1},
		{"one column", randomMatrix(20, 1, 1), 19},
		{"smaller than a tile", randomMatrix(37, 8, 1), 5},
		{"a tile", randomMatrix(64, 8, 1), 5},
		{"a tile and a row", randomMatrix(1025, 16, 1), 7},
		{"several tiles", randomMatrix(2300, 24, 2), 11},
		{"wide rows", randomMatrix(300, 515, 2), 20},
		{"all others", randomMatrix(200, 8, 4), 199},
		{"all others, two tiles", randomMatrix(1100, 4, 4), 1099},
		{"every row twice", duplicated(300, 16, 2), 5},
		{"every row ten times", duplicated(300, 16, 10), 15},
		{"all rows equal", duplicated(100, 16, 100), 20},
		{"near ties", nearTies(400, 32, 8, 1e-7), 60},
		{"near ties across tiles", nearTies(1500, 16, 3, 1e-7), 700},
		{"narrow cone", cone(500, 64, 1e-3), 20},
		{"narrowest cone", cone(500, 64, 1e-6), 20},
		{"tiny values", scaled(randomMatrix(100, 8, 6), 0x1p-140), 9},
		{"huge values", scaled(randomMatrix(100, 8, 6), 0x1p+120), 9},
	}
	backend := backendtest.Open(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Neighbors(t.Context(), backend, test.x, test.k)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != test.x.Rows {
				t.Fatalf("%d lists for %d rows", len(got), test.x.Rows)
			}
			for i, want := range naiveNeighbors(test.x, test.k, 1+test.x.Rows/500) {
				if diff := gocmp.Diff(want, got[i]); diff != "" {
					t.Fatalf("row %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func scaled(x Matrix, by float32) Matrix {
	for i := range x.Data {
		x.Data[i] *= by
	}
	return x
}

// TestNeighborsOverflow has more candidates a row than are kept, so that rows are done wholly on the host.
func TestNeighborsOverflow(t *testing.T) {
	const n, k = 4500, 3
	x := randomMatrix(n, 2, 11)
	for i := range n - 20 {
		copy(x.Row(i), x.Row(0))
	}
	s, err := newSearch(x, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(t.Context(), backendtest.Open(t)); err != nil {
		t.Fatal(err)
	}
	full := 0
	for _, query := range s.queries {
		if query.full {
			full++
		}
	}
	if full == 0 {
		t.Fatal("no row had too many candidates: the test shows nothing")
	}
	for i, want := range naiveNeighbors(x, k, 41) {
		if diff := gocmp.Diff(want, s.lists[i]); diff != "" {
			t.Fatalf("row %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestSlackIsNeeded shows that the float32 distances alone give wrong lists for near ties, and that the bound holds.
func TestSlackIsNeeded(t *testing.T) {
	x := nearTies(400, 32, 8, 1e-7)
	const k = 60
	want := naiveNeighbors(x, k, 1)
	run := func(scale float64) (wrong int) {
		s, err := newSearch(x, k)
		if err != nil {
			t.Fatal(err)
		}
		device, err := newTileDevice(backendtest.Open(t), s.tile, x.Cols)
		if err != nil {
			t.Fatal(err)
		}
		defer device.finalize()
		if err := device.upload(s.centered(0)); err != nil {
			t.Fatal(err)
		}
		s.setSlack(0)
		check := func(d []float32) {
			list := make([]scored, x.Rows)
			for j := range list {
				list[j].row = int32(j)
			}
			for i := range x.Rows {
				measure(x, s.inverse, times(x.Row(i), s.inverse[i], nil), list)
				for j := range x.Rows {
					if off := math.Abs(float64(d[i*s.tile+j]) - list[j].distance); !(off <= s.slack[i]/2) {
						t.Errorf("the distance of %d and %d is wrong by %g, the bound is %g", i, j, off, s.slack[i]/2)
					}
				}
			}
			for i := range s.slack {
				s.slack[i] *= scale
			}
			s.collect(0, 0, d)
		}
		if err := device.distances(0, 0, check); err != nil {
			t.Fatal(err)
		}
		if err := s.finish(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !slices.Equal(want[i], s.lists[i]) {
				wrong++
			}
		}
		return wrong
	}
	if wrong := run(0); wrong == 0 {
		t.Error("without slack all lists are right: the near ties are too far apart to test it")
	}
	if wrong := run(1); wrong != 0 {
		t.Errorf("%d lists are wrong", wrong)
	}
}

// TestCenter checks what centering is for: rows that point nearly the same way have few candidates beside the nearest.
func TestCenter(t *testing.T) {
	const k = 20
	s, err := newSearch(cone(500, 64, 1e-3), k)
	if err != nil {
		t.Fatal(err)
	}
	device, err := newTileDevice(backendtest.Open(t), s.tile, s.x.Cols)
	if err != nil {
		t.Fatal(err)
	}
	defer device.finalize()
	if err := device.upload(s.centered(0)); err != nil {
		t.Fatal(err)
	}
	s.setSlack(0)
	if err := device.distances(0, 0, func(d []float32) { s.collect(0, 0, d) }); err != nil {
		t.Fatal(err)
	}
	for i := range s.queries {
		s.queries[i].shrink(k, s.slack[i])
		if got := len(s.queries[i].keys); got > 2*k {
			t.Errorf("row %d has %d candidates for %d places", i, got, k)
		}
	}
}

// TestCoarseDevice simulates a device that reads float32 as TF32 does and checks that the lists stay exact.
func TestCoarseDevice(t *testing.T) {
	const n, dim, k = 300, 32, 10
	coarse := func(v float32) float64 {
		return float64(math.Float32frombits((math.Float32bits(v) + 1<<12) &^ (1<<13 - 1)))
	}
	x := randomMatrix(n, dim, 12)
	s, err := newSearch(x, k)
	if err != nil {
		t.Fatal(err)
	}
	distances := func(points, squares []float32) []float32 {
		out := make([]float32, s.tile*s.tile)
		for i := range s.tile {
			for j := range s.tile {
				sum := 0.0
				for c := range dim {
					sum += coarse(points[i*dim+c]) * coarse(points[j*dim+c])
				}
				out[i*s.tile+j] = squares[i] - 2*float32(sum) + squares[j]
			}
		}
		return out
	}
	input := inputError(distances(probeTile(s.tile, dim), make([]float32, s.tile)), s.tile)
	if input != 0x1p-10 {
		t.Fatalf("the probe shows an error of %g, want 2^-10", input)
	}
	points, squares := s.centered(0)
	s.setSlack(input)
	s.collect(0, 0, distances(points, squares))
	if err := s.finish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for i, want := range naiveNeighbors(x, k, 1) {
		if diff := gocmp.Diff(want, s.lists[i]); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestNeighborsProbe(t *testing.T) {
	device, err := newTileDevice(backendtest.Open(t), 64, 16)
	if err != nil {
		t.Fatal(err)
	}
	defer device.finalize()
	if input, err := device.inputError(); err != nil || input != 0 && input > 0x1p-7 {
		t.Errorf("the backend reads float32 with an error of %g (error %v)", input, err)
	}
}

func TestNeighborsFaults(t *testing.T) {
	with := func(row int, values ...float32) Matrix {
		x := randomMatrix(6, 2, 1)
		copy(x.Row(row), values)
		return x
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name string
		x    Matrix
		k    int
		want string
	}{
		{"k of 0", with(0), 0, "k = 0: want 1 to 5"},
		{"k of n", with(0), 6, "k = 6: want 1 to 5"},
		{"zeros", with(3, 0, 0), 1, "row 3 is all zeros"},
		{"negative zeros", with(3, 0, float32(math.Copysign(0, -1))), 1, "row 3 is all zeros"},
		{"NaN", with(4, 1, nan), 1, "row 4: value 1 is NaN"},
		{"infinity", with(5, inf, 1), 1, "row 5: value 0 is +Inf"},
		{"negative infinity", with(2, -inf, 1), 1, "row 2: value 0 is -Inf"},
		{"no rows", Matrix{Cols: 2}, 1, "0 × 2"},
		{"no columns", Matrix{Rows: 2}, 1, "2 × 0"},
		{"short data", Matrix{Rows: 2, Cols: 2, Data: make([]float32, 3)}, 1, "does not fit 3 values"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Neighbors(t.Context(), backendtest.Open(t), test.x, test.k)
			if err == nil || !strings.HasPrefix(err.Error(), "retrieval: neighbors: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
}

// countdown is a context that is canceled when it has been asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestNeighborsCanceled(t *testing.T) {
	x := randomMatrix(3000, 4, 1)
	for _, left := range []int{0, 2} {
		ctx := &countdown{t.Context(), left}
		if _, err := Neighbors(ctx, backendtest.Open(t), x, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled after %d tiles: got error %v", left, err)
		}
		if ctx.left < -2 {
			t.Errorf("canceled after %d tiles: the context was asked %d times more", left, -ctx.left)
		}
	}
}

// BenchmarkNeighbors measures 101 nearest of 512-dimensional rows.
func BenchmarkNeighbors(b *testing.B) {
	backend := backendtest.Open(b)
	for _, n := range []int{5_000, 20_000} {
		for _, kind := range []string{"random", "classes", "cone"} {
			b.Run(fmt.Sprintf("n=%d/%s", n, kind), func(b *testing.B) {
				x := randomMatrix(n, 512, 1)
				switch kind {
				case "classes":
					x = nearTies(n, 512, n/50, 0.5)
				case "cone":
					x = cone(n, 512, 0.1)
				}
				for b.Loop() {
					if _, err := Neighbors(b.Context(), backend, x, 101); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
