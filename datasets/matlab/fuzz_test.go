// SPDX-License-Identifier: Apache-2.0

package matlab

import (
	"bytes"
	"os"
	"runtime"
	"testing"
)

// fuzzLimit is the MaxSize of fuzzing: small, so that a fault shows soon.
const fuzzLimit = 1 << 20

// Whatever a file holds, reading it and everything in it neither panics nor takes more than a small multiple of the limit.
func FuzzMatlab(f *testing.F) {
	for _, name := range []string{"values.mat", "values_compressed.mat"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, x := range []file{little(), big()} {
		f.Add(x.of(x.people()))
		f.Add(x.of(x.compressed(x.people())))
		f.Add(x.of(x.array(Cell, "x", 1<<15, 1<<15)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		variables, err := read(bytes.NewReader(data), fuzzLimit)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 32*fuzzLimit {
			t.Errorf("%d bytes of a file took %d", len(data), used)
		}
		if err != nil && variables != nil {
			t.Errorf("error %v beside variables", err)
		}
		for _, a := range variables {
			visit(t, a, 0)
		}
	})
}

// visit asks an array for everything.
func visit(t *testing.T, a *Array, depth int) {
	if depth > maxDepth {
		t.Fatal("too deep")
	}
	_, _ = a.Text()
	_, _ = a.Int()
	n := min(a.Len(), 50)
	for i := range n {
		_, err := a.Number(i)
		if numeric := a.Class.numeric(); numeric != (err == nil) {
			t.Fatalf("number %d of %s: error %v", i, a.class(), err)
		}
		if a.Class == Cell {
			visit(t, a.Cell(i), depth+1)
		}
		for _, name := range a.Fields()[:min(len(a.Fields()), 20)] {
			visit(t, a.Field(i, name), depth+1)
		}
	}
}
