// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"math"
	"slices"
)

// candidates collects the rows that may be among the k nearest of one query, from distances that are wrong by at most
// slack/2. With a the k-th smallest of the distances seen, every row of the true list has a distance of at most a + slack:
// the k rows up to a truly lie within a + slack/2, and so does each of the true list.
type candidates struct {
	keys  []uint64 // distance<<32 | row: ordered as (distance, index)
	limit float32  // distances beyond can't belong to the list
	full  bool     // there were too many: the keys are gone
}

// spare is the room for candidates beside k; a query with more than overflow(k) of them is given up.
const spare = 64

func overflow(k int) int { return 4*k + 4096 }

// newCandidates returns a collection that takes everything at first.
func newCandidates() candidates { return candidates{limit: float32(math.Inf(1))} }

// key packs a distance, which is taken as 0 where rounding made it negative, and a row. The bits of floats that are not
// negative are ordered as their values.
func key(distance float32, row int) uint64 {
	return uint64(math.Float32bits(max(distance, 0)))<<32 | uint64(uint32(row))
}

// keyDistance and keyRow unpack a key.
func keyDistance(key uint64) float64 { return float64(math.Float32frombits(uint32(key >> 32))) }
func keyRow(key uint64) int          { return int(uint32(key)) }

// take takes a row whose distance is within the limit, if there is room.
func (c *candidates) take(distance float32, row int) bool {
	at := len(c.keys)
	if at == cap(c.keys) {
		return false
	}
	c.keys = c.keys[:at+1]
	c.keys[at] = key(distance, row)
	return true
}

// add takes a row whose distance is within the limit. The query has at most n candidates.
func (c *candidates) add(distance float32, row, k, n int, slack float64) {
	if c.full {
		return
	}
	if c.keys == nil {
		c.keys = make([]uint64, 0, min(2*k+spare, n))
	}
	if len(c.keys) == cap(c.keys) {
		c.limitBy(aboutKey(c.keys, k-1), slack)
		switch {
		case len(c.keys) > overflow(k):
			*c = candidates{limit: -1, full: true}
			return
		case len(c.keys) > k+(cap(c.keys)-k)/2: // Little was gained: make room, so that the next time is far.
			grown := make([]uint64, len(c.keys), min(2*cap(c.keys), n))
			copy(grown, c.keys)
			c.keys = grown
		}
		if distance > c.limit {
			return
		}
	}
	c.keys = append(c.keys, key(distance, row))
}

// shrink lowers the limit to what the candidates allow and drops those beyond.
func (c *candidates) shrink(k int, slack float64) {
	if len(c.keys) > k {
		c.limitBy(selectKey(c.keys, k-1), slack)
	}
}

// limitBy drops what is farther than the distance of a candidate and the slack. At least k candidates are no farther than that one.
func (c *candidates) limitBy(one uint64, slack float64) {
	limit := keyDistance(one) + slack
	lower := float32(limit)
	if float64(lower) < limit {
		lower = math.Nextafter32(lower, float32(math.Inf(1)))
	}
	c.limit = min(c.limit, lower)
	most := key(c.limit, -1) // -1 is the largest row as uint32.
	kept := c.keys[:0]
	for _, one := range c.keys {
		if one <= most {
			kept = append(kept, one)
		}
	}
	c.keys = kept
}

// aboutKey returns one of the keys that is not before index at in their order, and mostly not far behind. It takes less than half the time of selectKey.
func aboutKey(keys []uint64, at int) uint64 {
	var sample [32]uint64
	for i := range sample {
		sample[i] = keys[i*len(keys)/len(sample)]
	}
	slices.Sort(sample[:])
	for _, one := range sample[at*len(sample)/len(keys):] {
		before := 0
		for _, other := range keys {
			if other < one {
				before++
			}
		}
		if before >= at {
			return one
		}
	}
	return selectKey(keys, at)
}

// selectKey returns the key that has index at in the order of keys, and reorders them: quickselect.
func selectKey(keys []uint64, at int) uint64 {
	low, high := 0, len(keys)-1
	for low < high {
		pivot := medianOf3(keys[low], keys[low+(high-low)/2], keys[high])
		i, j := low, high
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i++
				j--
			}
		}
		switch {
		case at <= j:
			high = j
		case at >= i:
			low = i
		default:
			return keys[at]
		}
	}
	return keys[at]
}

// medianOf3 returns the middle one.
func medianOf3(a, b, c uint64) uint64 { return max(min(a, b), min(max(a, b), c)) }
