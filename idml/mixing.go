// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"
)

// Mix is one draw of the mixing: image i is mixed with image Permutation[i], the first with weight Lambda.
type Mix struct {
	Lambda      float64
	Permutation []int32
	// Box is what CutMix takes from the other image: the pixels from row Box[0] up to Box[1] and column Box[2] up to Box[3].
	Box [4]int32
}

// Mixes tells whether images are mixed at all.
func (c MixingConfig) Mixes() bool { return c.Method != NoMixing }

// draw returns the mix of a batch of square images, a pure function of the seed, the epoch and the batch's number in it. A batch that Probability leaves
// as it is has λ = 1.
func (c MixingConfig) draw(seed uint64, epoch, batch, size, side int) Mix {
	source := rand.NewPCG(seed^hashName("mixing"), uint64(epoch)<<32|uint64(batch))
	rng := rand.New(source)
	mix := Mix{Lambda: distuv.Beta{Alpha: c.Beta, Beta: c.Beta, Src: source}.Rand(), Permutation: make([]int32, size)}
	for i, j := range rng.Perm(size) {
		mix.Permutation[i] = int32(j)
	}
	if c.Probability < 1 && rng.Float64() >= c.Probability {
		mix.Lambda = 1
		return mix
	}
	if c.Method == CutMix {
		mix.Box, mix.Lambda = cutMixBox(side, mix.Lambda, rng.IntN(side), rng.IntN(side))
	}
	return mix
}

// cutMixBox returns the box that CutMix cuts around a center, as wide and high as √(1−λ) of the image and clipped to it, and the exact share λ of the
// image that it leaves (Yun et al., arXiv:1905.04899, algorithm 1).
func cutMixBox(side int, lambda float64, row, column int) (box [4]int32, exact float64) {
	half := int(float64(side)*math.Sqrt(1-lambda)) / 2
	clip := func(v int) int32 { return int32(min(max(v, 0), side)) }
	box = [4]int32{clip(row - half), clip(row + half), clip(column - half), clip(column + half)}
	area := (box[1] - box[0]) * (box[3] - box[2])
	return box, 1 - float64(area)/float64(side*side)
}

// MixPixels mixes images uint8 [batch, side, side, 3], which stay the caller's, outside of training by the graph that a training step has, and rounds to whole
// levels: image i is mixed with image permutation[i], the first with weight lambda, in [0, 1]. CutMix cuts its box around the pixel in the row center[0] and the column center[1];
// Mixup doesn't look at it. The Mix is what was done: CutMix's Lambda is the exact share of its box.
func MixPixels(backend compute.Backend, method string, images *tensors.Tensor, permutation []int32, lambda float64, center [2]int) (*tensors.Tensor, Mix, error) {
	c, mix := MixingConfig{Method: method}, Mix{Lambda: lambda, Permutation: permutation}
	if err := checkMixing(method, images, permutation, lambda, center); err != nil {
		return nil, mix, err
	}
	if method == CutMix {
		mix.Box, mix.Lambda = cutMixBox(images.Shape().Dimensions[1], lambda, center[0], center[1])
	}
	exec, err := NewExec(backend, func(in []*Node) *Node {
		return ConvertDType(Round(c.mix(ConvertDType(in[0], dtypes.Float32), c.mixNodes(in[1:]))), dtypes.Uint8)
	})
	if err != nil {
		return nil, mix, fmt.Errorf("idml: mixing images: %w", err)
	}
	defer exec.Finalize()
	out, err := exec.Call(append([]any{images}, c.mixArguments(mix)...)...)
	if err != nil {
		return nil, mix, fmt.Errorf("idml: mixing images: %w", err)
	}
	return out[0], mix, nil
}

// checkMixing returns what is wrong with the arguments of MixPixels.
func checkMixing(method string, images *tensors.Tensor, permutation []int32, lambda float64, center [2]int) error {
	dims := images.Shape().Dimensions
	if images.DType() != dtypes.Uint8 || len(dims) != 4 || dims[1] != dims[2] || dims[3] != 3 {
		return fmt.Errorf("idml: images to mix are %s, want uint8 [batch, side, side, 3]", images.Shape())
	}
	if method != Mixup && method != CutMix {
		return fmt.Errorf("idml: images can't be mixed by %q: choose %s or %s", method, Mixup, CutMix)
	}
	if !(lambda >= 0 && lambda <= 1) {
		return fmt.Errorf("idml: images are to be mixed with λ = %v, want 0 to 1", lambda)
	}
	sorted := slices.Sorted(slices.Values(permutation))
	for i := range max(dims[0], len(sorted)) {
		if i >= dims[0] || i >= len(sorted) || sorted[i] != int32(i) {
			return fmt.Errorf("idml: %d images are to be mixed with others in an order that is no permutation of them", dims[0])
		}
	}
	if method == CutMix && (min(center[0], center[1]) < 0 || max(center[0], center[1]) >= dims[1]) {
		return fmt.Errorf("idml: a box to cut around row %d and column %d, outside of %d × %[3]d pixels", center[0], center[1], dims[1])
	}
	return nil
}

// mixInput is a Mix as a step's program gets it: permutation int32 [batch], λ a scalar and, for CutMix, box int32 [4].
type mixInput struct{ permutation, lambda, box *Node }

// mixArguments returns what a program gets of a mix, and mixNodes what it makes of these, from the first of the nodes on.
func (c MixingConfig) mixArguments(m Mix) []any {
	args := []any{m.Permutation, float32(m.Lambda)}
	if c.Method == CutMix {
		args = append(args, m.Box[:])
	}
	return args
}

func (c MixingConfig) mixNodes(nodes []*Node) mixInput {
	in := mixInput{permutation: nodes[0], lambda: nodes[1]}
	if c.Method == CutMix {
		in.box = nodes[2]
	}
	return in
}

// mix returns the mixes of images x [batch, height, width, 3].
func (c MixingConfig) mix(x *Node, in mixInput) *Node {
	if c.Method == CutMix {
		return cutImages(x, in.permutation, in.box)
	}
	return mixImages(x, in.permutation, in.lambda)
}

// mixImages returns λ·x + (1−λ)·x[permutation] for images x [batch, …], a permutation int32 [batch] and a scalar λ (Mixup, arXiv:1710.09412).
func mixImages(x, permutation, lambda *Node) *Node {
	return Add(Mul(x, lambda), Mul(permuteRows(x, permutation), OneMinus(lambda)))
}

// cutImages returns x [batch, height, width, 3] with the pixels of a box, int32 [4] as in Mix, from x[permutation] (CutMix, arXiv:1905.04899).
func cutImages(x, permutation, box *Node) *Node {
	g, dims := x.Graph(), x.Shape().Dimensions
	bound := func(i int) *Node { return Reshape(Slice(box, AxisRange(i, i+1)), 1, 1, 1, 1) }
	row := Iota(g, shapes.Make(dtypes.Int32, 1, dims[1], dims[2], 1), 1)
	column := Iota(g, shapes.Make(dtypes.Int32, 1, dims[1], dims[2], 1), 2)
	inside := LogicalAnd(
		LogicalAnd(GreaterOrEqual(row, bound(0)), LessThan(row, bound(1))),
		LogicalAnd(GreaterOrEqual(column, bound(2)), LessThan(column, bound(3))))
	return Where(BroadcastToShape(inside, shapes.Make(dtypes.Bool, dims...)), permuteRows(x, permutation), x)
}

// permuteRows returns the entries of axis 0 of x in the order of the permutation int32 [batch].
func permuteRows(x, permutation *Node) *Node { return Gather(x, InsertAxes(permutation, -1)) }
