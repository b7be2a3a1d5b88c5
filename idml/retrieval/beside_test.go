// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"introspection/internal/backendtest"
)

// TestBesideFAISS is our side of bench/retrieval.sh, in the folder that IDML_BENCH names: rows.float32 [n, 512] and labels.int32 [n]. For each line "neighbors K 0",
// "kmeans CLUSTERS ITERATIONS" or "evaluate 0 ITERATIONS" that it reads it does that, prints how many seconds it took, and writes neighbors.int32 [n, K] or clusters.int32 [n].
func TestBesideFAISS(t *testing.T) {
	dir := os.Getenv("IDML_BENCH")
	if dir == "" {
		t.Skip("IDML_BENCH names no folder: see bench/retrieval.sh")
	}
	backend := backendtest.Open(t)
	var labels []int
	for _, v := range readWords(t, filepath.Join(dir, "labels.int32")) {
		labels = append(labels, int(v))
	}
	x := Matrix{Rows: len(labels), Cols: 512}
	for _, v := range readWords(t, filepath.Join(dir, "rows.float32")) {
		x.Data = append(x.Data, math.Float32frombits(v))
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var what string
		var a, b int
		if _, err := fmt.Sscan(lines.Text(), &what, &a, &b); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		var err error
		var lists [][]int
		start := time.Now()
		switch what {
		case "neighbors":
			lists, err = Neighbors(t.Context(), backend, x, a)
		case "kmeans":
			lists = make([][]int, 1)
			lists[0], _, err = KMeans(t.Context(), backend, x, a, b, 1)
		case "evaluate":
			o := DefaultOptions()
			o.Ks, o.Iterations = []int{1, 10, 100}, b
			_, err = Evaluate(t.Context(), backend, x, labels, o)
		default:
			t.Fatalf("%q: want neighbors, kmeans or evaluate", what)
		}
		seconds := time.Since(start).Seconds()
		if err != nil {
			t.Fatal(err)
		}
		writeWords(t, filepath.Join(dir, map[string]string{"neighbors": "neighbors", "kmeans": "clusters", "evaluate": "none"}[what]+".int32"), lists)
		fmt.Printf("seconds %g\n", seconds)
	}
}

func readWords(t *testing.T, path string) []uint32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words
}

func writeWords(t *testing.T, path string, lists [][]int) {
	t.Helper()
	var data []byte
	for _, list := range lists {
		for _, v := range list {
			data = binary.LittleEndian.AppendUint32(data, uint32(v))
		}
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
