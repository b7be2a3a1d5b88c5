// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKey(t *testing.T) {
	distances := []float32{-1, 0, math.SmallestNonzeroFloat32, 1e-7, 1, math.Nextafter32(1, 2), 4, math.MaxFloat32}
	before := uint64(0)
	for at, d := range distances {
		for _, row := range []int{0, 7, math.MaxInt32} {
			k := key(d, row)
			if keyRow(k) != row || keyDistance(k) != max(float64(d), 0) {
				t.Errorf("key of %v, %d holds %v, %d", d, row, keyDistance(k), keyRow(k))
			}
			if at > 1 && k <= before {
				t.Errorf("the key of %v, %d does not exceed the one before", d, row)
			}
			before = k
		}
	}
}

func TestSelectKey(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 200; n++ {
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = rng.Uint64N(uint64(1 + n/2)) // with equal ones
		}
		switch n % 4 {
		case 0:
			slices.Sort(keys)
		case 1:
			slices.SortFunc(keys, func(a, b uint64) int { return int(b) - int(a) })
		}
		sorted := slices.Sorted(slices.Values(keys))
		at := rng.IntN(n)
		if got := aboutKey(keys, at); !slices.Contains(keys, got) || got < sorted[at] {
			t.Errorf("%d keys: about the key of index %d is %d, want at least %d", n, at, got, sorted[at])
		}
		if got := selectKey(keys, at); got != sorted[at] {
			t.Errorf("%d keys: the key of index %d is %d, want %d", n, at, got, sorted[at])
		}
		if slices.Sort(keys); !slices.Equal(keys, sorted) {
			t.Errorf("%d keys: the keys changed", n)
		}
	}
}

// TestCandidates checks that what is kept is all within the k-th distance and the slack.
func TestCandidates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{2, 30, 300, 3000} {
		for _, k := range []int{1, 10, n - 1} {
			for _, slack := range []float64{0, 0.01, 10} {
				if k >= n {
					continue
				}
				c := newCandidates()
				distances := make([]float32, n-1)
				for j := range distances {
					distances[j] = rng.Float32()
					if distances[j] <= c.limit {
						c.add(distances[j], j, k, n, slack)
					}
				}
				c.shrink(k, slack)
				sorted := slices.Sorted(slices.Values(distances))
				limit := float64(sorted[k-1]) + slack
				var want []uint64
				for j, d := range distances {
					if float64(d) <= limit {
						want = append(want, key(d, j))
					}
				}
				slices.Sort(c.keys)
				if slices.Sort(want); c.full || !slices.Equal(c.keys, want) {
					t.Errorf("n = %d, k = %d, slack %v: %d candidates, want %d", n, k, slack, len(c.keys), len(want))
				}
			}
		}
	}
}

// TestErrorBound checks how the bound grows, and that it gives up where it would mean nothing.
func TestErrorBound(t *testing.T) {
	at := errorBound(1, 1, 512, 0)
	if at < 512*0x1p-23 || at > 1e-4 {
		t.Errorf("the bound for 512 dimensions is %g", at)
	}
	if errorBound(1, 2, 512, 0) <= at || errorBound(1, 1, 513, 0) <= at || errorBound(1, 1, 512, 0x1p-10) < at+2*0x1p-10 {
		t.Error("the bound does not grow with the radius, the dimension and the error of input")
	}
	if got := errorBound(1, 1, 1<<24, 0); !math.IsInf(got, 1) {
		t.Errorf("the bound for 2^24 dimensions is %g", got)
	}
	if got := errorBound(0, 0, 8, 0); got <= 0 {
		t.Errorf("the bound for equal rows is %g", got)
	}
}
