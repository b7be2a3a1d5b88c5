// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"
)

// Mix is one draw of the mixing: image i is mixed with image Permutation[i], the first with weight Lambda.
type Mix struct {
	Lambda      float64
	Permutation []int32
}

// draw returns the mix of a batch, a pure function of the seed, the epoch and the batch's number in it.
func (c MixingConfig) draw(seed uint64, epoch, batch, size int) Mix {
	rng := rand.NewPCG(seed^hashName("mixing"), uint64(epoch)<<32|uint64(batch))
	mix := Mix{Lambda: distuv.Beta{Alpha: c.Beta, Beta: c.Beta, Src: rng}.Rand(), Permutation: make([]int32, size)}
	for i, j := range rand.New(rng).Perm(size) {
		mix.Permutation[i] = int32(j)
	}
	return mix
}

// mixImages returns λ·x + (1−λ)·x[permutation] for images x [batch, …], a permutation int32 [batch] and a scalar λ (Mixup, arXiv:1710.09412).
func mixImages(x, permutation, lambda *Node) *Node {
	return Add(Mul(x, lambda), Mul(permuteRows(x, permutation), OneMinus(lambda)))
}

// permuteRows returns the entries of axis 0 of x in the order of the permutation int32 [batch].
func permuteRows(x, permutation *Node) *Node { return Gather(x, InsertAxes(permutation, -1)) }
