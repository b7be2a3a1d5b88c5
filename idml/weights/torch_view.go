// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// view is a tensor as PyTorch has it: element (i₀, i₁, …) is element offset + Σ iₖ·stridesₖ of the storage.
type view struct {
	storage        part
	offset         int
	shape, strides []int
}

// elements is the number of elements. It is known to fit when check has passed.
func (t *view) elements() int {
	n, err := countElements(t.shape)
	if err != nil {
		panic(fmt.Sprintf("weights: %v", err))
	}
	return n
}

// empty tells whether there is no element.
func (t *view) empty() bool { return t.elements() == 0 }

// check reports a view that reaches out of its storage.
func (t *view) check() error {
	if len(t.shape) != len(t.strides) {
		return fmt.Errorf("a tensor of shape %s has %d strides", shapeText(t.shape), len(t.strides))
	}
	if _, err := byteSize(t.storage.root.dtype, t.shape); err != nil {
		return err
	}
	if t.empty() {
		return nil
	}
	last := uint64(t.offset)
	for i, dim := range t.shape {
		high, step := bits.Mul64(uint64(dim-1), uint64(t.strides[i]))
		sum, carry := bits.Add64(last, step, 0)
		if high != 0 || carry != 0 || sum > math.MaxInt {
			return fmt.Errorf("a tensor of shape %s has strides %s, which are too large", shapeText(t.shape), shapeText(t.strides))
		}
		last = sum
	}
	if last >= uint64(t.storage.elements) {
		return fmt.Errorf("a tensor of shape %s, strides %s and offset %d reaches out of its storage of %d elements",
			shapeText(t.shape), shapeText(t.strides), t.offset, t.storage.elements)
	}
	return nil
}

// contiguous tells whether the elements lie one after the other in row-major order.
func (t *view) contiguous() bool {
	step := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.strides[i] != step {
			return false
		}
		step *= t.shape[i]
	}
	return true
}

// bytes returns the elements in row-major order: a part of the storage's bytes, root, or a copy, whose size is taken from left.
func (t *view) bytes(root []byte, left *int64) ([]byte, error) {
	if t.empty() {
		return []byte{}, nil
	}
	width := bitsOf[t.storage.root.dtype] / 8
	size := t.elements() * width
	start := (t.storage.first + t.offset) * width
	if t.contiguous() {
		return root[start : start+size : start+size], nil
	}
	if *left -= int64(size); *left < 0 {
		return nil, errors.New("the copies of tensors that are not contiguous take more than the file")
	}
	out := make([]byte, 0, size)
	index := make([]int, len(t.shape))
	for at := start; len(out) < size; {
		out = append(out, root[at:at+width]...)
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			at += t.strides[k] * width
			if index[k] < t.shape[k] {
				break
			}
			at -= index[k] * t.strides[k] * width
			index[k] = 0
		}
	}
	return out, nil
}
