// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Tensor is a named array of a file, in row-major order.
type Tensor struct {
	// Name identifies the tensor in its file.
	Name string
	// DType is the type of the elements as safetensors spells it: "F32", "F64", "F16", "BF16", "I32", "I64", "U8", ….
	DType string
	// Shape lists the dimensions, outermost first; it is empty for a scalar.
	Shape []int
	// Data holds the elements, little-endian.
	Data []byte
}

// bitsOf lists the dtypes of safetensors and the bits that an element takes.
var bitsOf = map[string]int{
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"U16": 16, "I16": 16, "F16": 16, "BF16": 16,
	"U32": 32, "I32": 32, "F32": 32,
	"U64": 64, "I64": 64, "F64": 64, "C64": 64,
}

// byteSize returns the bytes that a tensor of the dtype and shape takes.
func byteSize(dtype string, shape []int) (int, error) {
	perElement, ok := bitsOf[dtype]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	elements, err := countElements(shape)
	if err != nil {
		return 0, err
	}
	high, low := bits.Mul64(uint64(elements), uint64(perElement))
	switch {
	case high != 0 || low/8 > math.MaxInt:
		return 0, fmt.Errorf("shape %s is too large", shapeText(shape))
	case low%8 != 0:
		return 0, fmt.Errorf("shape %s of %s does not fill whole bytes", shapeText(shape), dtype)
	}
	return int(low / 8), nil
}

// countElements returns the product of the dimensions; 1 for a scalar.
func countElements(shape []int) (int, error) {
	elements := uint64(1)
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %s has a negative dimension", shapeText(shape))
		}
		high, low := bits.Mul64(elements, uint64(dim))
		if high != 0 || low > math.MaxInt {
			return 0, fmt.Errorf("shape %s is too large", shapeText(shape))
		}
		elements = low
	}
	return int(elements), nil
}

// shapeText writes a shape for an error message; long ones are cut.
func shapeText(shape []int) string {
	const most = 8
	if len(shape) > most {
		return fmt.Sprintf("%v… (%d dimensions)", shape[:most], len(shape))
	}
	return fmt.Sprint(shape)
}

// check reports a tensor whose data is not what its dtype and shape say.
func (t Tensor) check() error {
	size, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return &FormatError{Tensor: t.Name, Err: err}
	}
	if size != len(t.Data) {
		return &FormatError{
			Tensor: t.Name,
			Err:    fmt.Errorf("%s of shape %s takes %d bytes, got %d", t.DType, shapeText(t.Shape), size, len(t.Data)),
		}
	}
	return nil
}

// Float32 returns the elements of an F32, F64, F16 or BF16 tensor as float32. Values of F64 are rounded to the nearest
// float32 and become infinite where they exceed it; all other conversions are exact. The slice is a copy.
func (t Tensor) Float32() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	order := binary.LittleEndian
	switch t.DType {
	case "F32":
		return convert(t.Data, 4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }), nil
	case "F64":
		return convert(t.Data, 8, func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }), nil
	case "F16":
		return convert(t.Data, 2, func(b []byte) float32 { return float16(order.Uint16(b)) }), nil
	case "BF16":
		return convert(t.Data, 2, func(b []byte) float32 { return math.Float32frombits(uint32(order.Uint16(b)) << 16) }), nil
	}
	return nil, fmt.Errorf("weights: tensor %q: want one of F32, F64, F16, BF16, got %s", t.Name, t.DType)
}

// Int returns the elements of an I32, I64 or U8 tensor. The slice is a copy.
func (t Tensor) Int() ([]int, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	order := binary.LittleEndian
	switch t.DType {
	case "U8":
		return convert(t.Data, 1, func(b []byte) int { return int(b[0]) }), nil
	case "I32":
		return convert(t.Data, 4, func(b []byte) int { return int(int32(order.Uint32(b))) }), nil
	case "I64":
		for i := 0; i < len(t.Data); i += 8 {
			if v := int64(order.Uint64(t.Data[i:])); int64(int(v)) != v {
				return nil, fmt.Errorf("weights: tensor %q: element %d, %d, exceeds this machine's int", t.Name, i/8, v)
			}
		}
		return convert(t.Data, 8, func(b []byte) int { return int(int64(order.Uint64(b))) }), nil
	}
	return nil, fmt.Errorf("weights: tensor %q: want one of I32, I64, U8, got %s", t.Name, t.DType)
}

// convert decodes each group of size bytes.
func convert[T any](data []byte, size int, decode func(b []byte) T) []T {
	out := make([]T, len(data)/size)
	for i := range out {
		out[i] = decode(data[i*size : (i+1)*size])
	}
	return out
}

// float16 returns the value of an IEEE 754 half-precision number.
func float16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch exponent {
	case 0: // Zero and subnormal numbers: fraction · 2⁻²⁴.
		value := float32(fraction) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(value))
	case 0x1f: // Infinities and NaN.
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// FromFloat32 returns an F32 tensor of a copy of data. It panics if the shape has another number of elements.
func FromFloat32(name string, shape []int, data []float32) Tensor {
	mustFit(name, shape, len(data))
	out := make([]byte, 0, 4*len(data))
	for _, v := range data {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return Tensor{Name: name, DType: "F32", Shape: append([]int{}, shape...), Data: out}
}

// FromInt32 returns an I32 tensor of a copy of data. It panics if the shape has another number of elements.
func FromInt32(name string, shape []int, data []int32) Tensor {
	mustFit(name, shape, len(data))
	out := make([]byte, 0, 4*len(data))
	for _, v := range data {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return Tensor{Name: name, DType: "I32", Shape: append([]int{}, shape...), Data: out}
}

// mustFit panics unless a tensor of the shape has n elements.
func mustFit(name string, shape []int, n int) {
	if elements, err := countElements(shape); err != nil || elements != n {
		panic(fmt.Sprintf("weights: tensor %q: shape %s does not hold %d elements", name, shapeText(shape), n))
	}
}
