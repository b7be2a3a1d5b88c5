// SPDX-License-Identifier: Apache-2.0

package matlab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Class is what the elements of an array are, by the numbers of the format.
type Class uint8

// The classes. Of those up to Sparse but Cell, Struct and Char, and of those above UInt64, the content is not read.
const (
	Cell Class = iota + 1
	Struct
	Object
	Char
	Sparse
	Double
	Single
	Int8
	UInt8
	Int16
	UInt16
	Int32
	UInt32
	Int64
	UInt64
	Function
	Opaque
)

// String returns the class's name in MATLAB.
func (c Class) String() string {
	names := []string{
		"cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32",
		"int64", "uint64", "function_handle", "opaque",
	}
	if c < 1 || int(c) > len(names) {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return names[c-1]
}

// numeric tells whether the elements are numbers.
func (c Class) numeric() bool { return c >= Double && c <= UInt64 }

// Array is an array of two or more dimensions; a scalar is one of 1 × 1. Elements are counted in MATLAB's order: the first
// dimension runs fastest. Methods may be called on a nil Array, which has no elements.
type Array struct {
	Class   Class
	Dims    []int // [rows, columns, …]
	Complex bool  // the numbers have imaginary parts, which are not read
	Logical bool  // the numbers are truth values

	data  []byte // numbers or characters as stored; of a struct array, the names of its fields, filled up with zeros
	width int    // of a struct array, the bytes that each name takes
	kind  kind   // of which type the numbers or characters are stored
	order binary.ByteOrder
	cells []*Array // of a cell array, its elements; of a struct array, element by element, its fields
}

// Len returns the number of elements: the product of the dimensions.
func (a *Array) Len() int {
	if a == nil || len(a.Dims) == 0 {
		return 0
	}
	n := 1
	for _, d := range a.Dims {
		n *= d
	}
	return n
}

// class returns the class, also of nil.
func (a *Array) class() string {
	if a == nil {
		return "no array"
	}
	return fmt.Sprintf("%v of %v", a.Dims, a.Class)
}

// Fields returns the names of a struct array's fields, in order; nil of other arrays.
func (a *Array) Fields() []string {
	if a == nil || a.Class != Struct || a.width == 0 {
		return nil
	}
	var names []string
	for name := range slices.Chunk(a.data, a.width) {
		name, _, _ = bytes.Cut(name, []byte{0})
		names = append(names, string(name))
	}
	return names
}

// numFields returns the number of a struct array's fields.
func (a *Array) numFields() int {
	if a.width == 0 {
		return 0
	}
	return len(a.data) / a.width
}

// Field returns a field of element i of a struct array, or nil if there is no such field or element.
func (a *Array) Field(i int, name string) *Array {
	if a == nil || a.Class != Struct || i < 0 || i >= a.Len() {
		return nil
	}
	for f := range a.numFields() {
		stored, _, _ := bytes.Cut(a.data[f*a.width:(f+1)*a.width], []byte{0})
		if string(stored) == name {
			return a.cells[i*a.numFields()+f]
		}
	}
	return nil
}

// Cell returns element i of a cell array, or nil if it is none or has no such element.
func (a *Array) Cell(i int) *Array {
	if a == nil || a.Class != Cell || i < 0 || i >= len(a.cells) {
		return nil
	}
	return a.cells[i]
}

// Number returns element i of an array of numbers, its real part. Integers beyond ±2⁵³ are rounded to a float64.
func (a *Array) Number(i int) (float64, error) {
	if a == nil || !a.Class.numeric() || i < 0 || i >= a.Len() {
		return 0, fmt.Errorf("no number %d: the array is %s", i, a.class())
	}
	return a.kind.number(a.order, a.data[i*a.kind.size():]), nil
}

// Int returns the value of an array of one whole number, whatever its numeric class.
func (a *Array) Int() (int, error) {
	if n := a.Len(); n != 1 {
		return 0, fmt.Errorf("the array is %s: want one number", a.class())
	}
	v, err := a.Number(0)
	if err != nil {
		return 0, err
	}
	if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return 0, fmt.Errorf("the number is %v: want a whole number", v)
	}
	return int(v), nil
}

// Text returns the characters of a char array of one row, or "" of an empty one.
func (a *Array) Text() (string, error) {
	if a == nil || a.Class != Char {
		return "", fmt.Errorf("the array is %s: want text", a.class())
	}
	if a.Len() == 0 {
		return "", nil
	}
	if a.Dims[0] != 1 || len(a.Dims) != 2 {
		return "", fmt.Errorf("the array is %s: want text of one row", a.class())
	}
	return a.kind.text(a.order, a.data)
}

// A kind is a type as the format stores values.
type kind uint32

const (
	miInt8       kind = 1
	miUint8      kind = 2
	miInt16      kind = 3
	miUint16     kind = 4
	miInt32      kind = 5
	miUint32     kind = 6
	miSingle     kind = 7
	miDouble     kind = 9
	miInt64      kind = 12
	miUint64     kind = 13
	miMatrix     kind = 14
	miCompressed kind = 15
	miUTF8       kind = 16
	miUTF16      kind = 17
	miUTF32      kind = 18
)

// size returns the number of bytes of a value, 0 of kinds that hold no numbers.
func (k kind) size() int {
	switch k {
	case miInt8, miUint8:
		return 1
	case miInt16, miUint16:
		return 2
	case miInt32, miUint32, miSingle:
		return 4
	case miDouble, miInt64, miUint64:
		return 8
	}
	return 0
}

// number returns the value that b begins with.
func (k kind) number(order binary.ByteOrder, b []byte) float64 {
	switch k {
	case miInt8:
		return float64(int8(b[0]))
	case miUint8:
		return float64(b[0])
	case miInt16:
		return float64(int16(order.Uint16(b)))
	case miUint16:
		return float64(order.Uint16(b))
	case miInt32:
		return float64(int32(order.Uint32(b)))
	case miUint32:
		return float64(order.Uint32(b))
	case miSingle:
		return float64(math.Float32frombits(order.Uint32(b)))
	case miDouble:
		return math.Float64frombits(order.Uint64(b))
	case miInt64:
		return float64(int64(order.Uint64(b)))
	case miUint64:
		return float64(order.Uint64(b))
	}
	panic("matlab: no number") // parsing lets only those above through
}

// unit returns the number of bytes of a code unit of text, 0 of kinds that hold no text.
func (k kind) unit() int {
	switch k {
	case miInt8, miUint8, miUTF8:
		return 1
	case miInt16, miUint16, miUTF16:
		return 2
	case miInt32, miUint32, miUTF32:
		return 4
	}
	return 0
}

// text returns the characters in b. Bytes that are not declared as UTF-8 are Latin-1, if they are no UTF-8.
func (k kind) text(order binary.ByteOrder, b []byte) (string, error) {
	switch k.unit() {
	case 1:
		if utf8.Valid(b) {
			return string(b), nil
		}
		if k == miUTF8 {
			return "", fmt.Errorf("text is not UTF-8")
		}
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes), nil
	case 2:
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = order.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
	runes := make([]rune, len(b)/4)
	for i := range runes {
		runes[i] = rune(order.Uint32(b[4*i:]))
	}
	return string(runes), nil
}
