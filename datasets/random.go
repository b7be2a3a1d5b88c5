// SPDX-License-Identifier: Apache-2.0

package datasets

import "math/rand/v2"

// newRand returns a generator that depends on the seed and the keys alone: the same arguments give the same numbers in any
// order of calls, on any goroutine. Keys name what is drawn (an epoch, a place in it, a class, an image), so that each has
// numbers of its own.
func newRand(seed uint64, keys ...uint64) *rand.Rand {
	h := splitMix(seed)
	for _, k := range keys {
		h = splitMix(h ^ k)
	}
	return rand.New(rand.NewPCG(h, splitMix(h)))
}

// splitMix is one step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a bijection
// of 64 bits that spreads near seeds far apart.
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// The first key of each use of newRand: two uses never share numbers, even under one seed.
const (
	keyOrder         = iota + 1 // the order of an epoch
	keyTransform                // the random transform of an image at a place of an epoch
	keyAmbiguity                // whether and how a glyph is made ambiguous
	keyGlyph                    // how a glyph is drawn
	keyHoldOut                  // which classes are held out
	keyHoldOutImages            // which images of a class are held out
)

// uniform returns a number in [low, high).
func uniform(rng *rand.Rand, low, high float64) float64 {
	return low + (high-low)*rng.Float64()
}
