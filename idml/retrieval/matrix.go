// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Matrix holds embeddings, one a row: [Rows, Cols], row-major.
type Matrix struct {
	Rows, Cols int
	Data       []float32
}

// Row returns row i, a part of the matrix and no copy.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols] }

// check reports sizes that contradict each other and the first value that is not finite, by its row.
func (m Matrix) check() error {
	if m.Rows < 1 || m.Cols < 1 || len(m.Data)/m.Cols != m.Rows || len(m.Data)%m.Cols != 0 {
		return fmt.Errorf("a matrix of %d × %d does not fit %d values", m.Rows, m.Cols, len(m.Data))
	}
	for at, v := range m.Data {
		if v-v != 0 { // Only NaN and infinities.
			return fmt.Errorf("row %d: value %d is %v", at/m.Cols, at%m.Cols, v)
		}
	}
	return nil
}

// inverseNorms returns 1/‖x‖₂ of each row, in float64. Float32 values neither overflow nor vanish there. A row of zeros
// has no direction and is an error.
func (m Matrix) inverseNorms() ([]float64, error) {
	inverse := make([]float64, m.Rows)
	parallel(m.Rows, func(from, to int) {
		for i := from; i < to; i++ {
			sum := 0.0
			for _, v := range m.Row(i) {
				sum += float64(v) * float64(v)
			}
			inverse[i] = 1 / math.Sqrt(sum)
		}
	})
	if i := slices.IndexFunc(inverse, func(v float64) bool { return math.IsInf(v, 0) }); i >= 0 {
		return nil, fmt.Errorf("row %d is all zeros: it has no direction", i)
	}
	return inverse, nil
}

// normalized returns the rows divided by their norms.
func (m Matrix) normalized() (Matrix, error) {
	inverse, err := m.inverseNorms()
	if err != nil {
		return Matrix{}, err
	}
	out := Matrix{Rows: m.Rows, Cols: m.Cols, Data: make([]float32, len(m.Data))}
	parallel(m.Rows, func(from, to int) {
		for i := from; i < to; i++ {
			row := out.Row(i)
			for c, v := range m.Row(i) {
				row[c] = float32(float64(v) * inverse[i])
			}
		}
	})
	return out, nil
}

// firstEqual returns for each row the index of the first row with the same values, its own if there is none before. A
// collision of hashes may leave a row without its equal: that costs time, never a result.
func (m Matrix) firstEqual() []int32 {
	hashes := make([]uint64, m.Rows)
	parallel(m.Rows, func(from, to int) {
		for i := from; i < to; i++ {
			hash := uint64(14695981039346656037) // FNV-1a over words.
			for _, v := range m.Row(i) {
				hash = (hash ^ uint64(math.Float32bits(v))) * 1099511628211
			}
			hashes[i] = hash
		}
	})
	first := make([]int32, m.Rows)
	seen := make(map[uint64]int32, m.Rows)
	for i, hash := range hashes {
		first[i] = int32(i)
		if before, ok := seen[hash]; !ok {
			seen[hash] = int32(i)
		} else if slices.Equal(m.Row(i), m.Row(int(before))) {
			first[i] = before
		}
	}
	return first
}

// parallel calls run for parts of [0, n), several for each processor so that all end at about the same time, and waits.
func parallel(n int, run func(from, to int)) {
	parts := min(n, 4*runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for p := range parts {
		wait.Go(func() { run(p*n/parts, (p+1)*n/parts) })
	}
	wait.Wait()
}
