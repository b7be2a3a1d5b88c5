// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/retrieval"
	"introspection/internal/backendtest"
)

// With each row as the query, what is nearest beside the row itself is what Neighbors finds, also among rows that are equal but for their
// length.
func TestNearestAgreesWithNeighbors(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const rows, cols, k = 80, 7, 12
	x := retrieval.Matrix{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	for i := 10; i < 14; i++ { // powers of two: equal directions to the last bit
		for c, v := range x.Row(9) {
			x.Row(i)[c] = v * float32(math.Pow(2, float64(i-9)))
		}
	}
	neighbors, err := retrieval.Neighbors(t.Context(), backendtest.Open(t), x, k)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range neighbors {
		got, err := retrieval.Nearest(x, x.Row(i), k+1)
		if err != nil {
			t.Fatal(err)
		}
		if at := slices.Index(got, i); at < 0 || (at > 0 && (i < 9 || i > 13)) {
			t.Fatalf("row %d is not its own nearest: %v", i, got)
		} else if diff := cmp.Diff(want, slices.Delete(got, at, at+1)); diff != "" {
			t.Errorf("row %d (-Neighbors +Nearest):\n%s", i, diff)
		}
	}
}

func TestNearestErrors(t *testing.T) {
	x := retrieval.Matrix{Rows: 2, Cols: 2, Data: []float32{1, 0, 0, 1}}
	nan := float32(math.NaN())
	for _, test := range []struct {
		x     retrieval.Matrix
		query []float32
		k     int
		text  string
	}{
		{x, []float32{1, 1}, 0, "want 1 to 2"},
		{x, []float32{1, 1}, 3, "want 1 to 2"},
		{x, []float32{1}, 1, "query of 1"},
		{x, []float32{0, 0}, 1, "query: row 0 is all zeros"},
		{x, []float32{nan, 0}, 1, "query: row 0: value 0 is NaN"},
		{retrieval.Matrix{Rows: 1, Cols: 2, Data: []float32{0, 0}}, []float32{1, 1}, 1, "row 0 is all zeros"},
		{retrieval.Matrix{Rows: 1, Cols: 2, Data: []float32{0, nan}}, []float32{1, 1}, 1, "row 0: value 1 is NaN"},
		{retrieval.Matrix{Rows: 2, Cols: 2, Data: []float32{0, 1}}, []float32{1, 1}, 1, "does not fit"},
	} {
		if _, err := retrieval.Nearest(test.x, test.query, test.k); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("k %d, query %v: %v, want an error that says %q", test.k, test.query, err, test.text)
		}
	}
}
