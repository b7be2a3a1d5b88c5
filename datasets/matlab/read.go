// SPDX-License-Identifier: Apache-2.0

package matlab

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits on files. Cars196's annotations, for which the reader was made, take about 10 MiB when decompressed.
const (
	// MaxSize bounds the bytes of a file, and those of all its variables after decompression.
	MaxSize = 64 << 20
	// maxDepth bounds how deep arrays hold arrays.
	maxDepth = 32
	// maxDims bounds the number of dimensions.
	maxDims = 32
)

// The header: text, an offset that is of no use here, version and byte order.
const (
	headerSize    = 128
	versionOffset = 124
	orderOffset   = 126
)

// ErrVersion says that a file is not a MAT file of version 5.
var ErrVersion = errors.New("not a MAT file of version 5 (in MATLAB: save with -v7)")

// Read reads a MAT file to its end and returns its variables by name. Errors say in which variable the fault is.
func Read(r io.Reader) (map[string]*Array, error) { return read(r, MaxSize) }

// read is Read with another MaxSize.
func read(r io.Reader, limit int) (map[string]*Array, error) {
	data, err := readAll(r, limit)
	if err != nil {
		return nil, err
	}
	p, err := newParser(data)
	if err != nil {
		return nil, err
	}
	variables := map[string]*Array{}
	budget := limit // of bytes that may yet be decompressed
	for len(p.rest) > 0 {
		k, body, err := p.element()
		if err != nil {
			return nil, fmt.Errorf("after %d variables: %w", len(variables), err)
		}
		if k == miCompressed {
			if k, body, err = p.inflate(body, budget); err != nil {
				return nil, fmt.Errorf("decompressing variable %d: %w", len(variables)+1, err)
			}
			budget -= len(body)
		}
		if k != miMatrix {
			continue // a variable is an array; other elements belong to objects
		}
		name, a, err := p.array(body, 0)
		if err != nil {
			return nil, fmt.Errorf("variable %q: %w", name, err)
		}
		if _, ok := variables[name]; ok {
			return nil, fmt.Errorf("two variables are called %q", name)
		}
		variables[name] = a
	}
	return variables, nil
}

// readAll reads r to its end, which must come before the limit.
func readAll(r io.Reader, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return data, nil
}

// A parser cuts bytes into elements.
type parser struct {
	rest  []byte
	order binary.ByteOrder
}

// newParser returns a parser of what follows the header.
func newParser(data []byte) (*parser, error) {
	if len(data) < headerSize {
		return nil, fmt.Errorf("%w: %d bytes, less than its header", ErrVersion, len(data))
	}
	var order binary.ByteOrder
	switch string(data[orderOffset:headerSize]) {
	case "IM":
		order = binary.LittleEndian
	case "MI":
		order = binary.BigEndian
	default:
		return nil, fmt.Errorf("%w: its byte order is %q", ErrVersion, data[orderOffset:headerSize])
	}
	if v := order.Uint16(data[versionOffset:]); v != 0x0100 {
		return nil, fmt.Errorf("%w: its version is %#04x", ErrVersion, v)
	}
	return &parser{rest: data[headerSize:], order: order}, nil
}

// element returns the kind and the bytes of the next element, without tag and padding.
func (p *parser) element() (kind, []byte, error) {
	if len(p.rest) < 8 {
		return 0, nil, fmt.Errorf("an element's tag: %w", io.ErrUnexpectedEOF)
	}
	first := p.order.Uint32(p.rest)
	if size := first >> 16; size != 0 { // a small element: its size and its bytes lie in the tag
		if size > 4 {
			return 0, nil, fmt.Errorf("a small element of %d bytes: want at most 4", size)
		}
		body := p.rest[4 : 4+size]
		p.rest = p.rest[8:]
		return kind(first & 0xffff), body, nil
	}
	k, size := kind(first), p.order.Uint32(p.rest[4:])
	if uint64(size) > uint64(len(p.rest)-8) {
		return 0, nil, fmt.Errorf("an element of %d bytes, of which %d are there: %w", size, len(p.rest)-8, io.ErrUnexpectedEOF)
	}
	body := p.rest[8 : 8+size]
	end := 8 + int(size)
	if k != miCompressed {
		end += -int(size) & 7
	}
	p.rest = p.rest[min(end, len(p.rest)):]
	return k, body, nil
}

// inflate returns the element that compressed bytes hold. It has at most budget bytes.
func (p *parser) inflate(body []byte, budget int) (kind, []byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer z.Close()
	data, err := readAll(z, max(budget, 0))
	if err != nil {
		return 0, nil, err
	}
	inner := &parser{rest: data, order: p.order}
	k, content, err := inner.element()
	if err == nil && len(inner.rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(inner.rest))
	}
	return k, content, err
}

// next returns the bytes of the next element, which must be of one of the kinds.
func (p *parser) next(what string, kinds ...kind) ([]byte, error) {
	k, body, err := p.element()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, want := range kinds {
		if k == want {
			return body, nil
		}
	}
	return nil, fmt.Errorf("%s: an element of type %d, want %d", what, k, kinds[0])
}

// array parses the body of an array and returns its name too, "" inside of others.
func (p *parser) array(body []byte, depth int) (string, *Array, error) {
	if len(body) == 0 {
		return "", nil, nil // an empty place in a cell array or a struct
	}
	if depth > maxDepth {
		return "", nil, fmt.Errorf("arrays in arrays more than %d deep", maxDepth)
	}
	q := &parser{rest: body, order: p.order}
	flags, err := q.next("array flags", miUint32)
	if err != nil {
		return "", nil, err
	}
	if len(flags) != 8 {
		return "", nil, fmt.Errorf("array flags: %d bytes, want 8", len(flags))
	}
	word := q.order.Uint32(flags)
	a := &Array{Class: Class(word), Complex: word&0x0800 != 0, Logical: word&0x0200 != 0, order: q.order}
	if a.Class == Opaque {
		return q.opaque(a)
	}
	if a.Dims, err = q.dims(); err != nil {
		return "", nil, err
	}
	name, err := q.next("array name", miInt8, miUint8, miUTF8)
	if err != nil {
		return "", nil, err
	}
	if err := q.content(a, depth); err != nil {
		return string(name), nil, err
	}
	return string(name), a, nil
}

// opaque returns an array of class Opaque, which has a name and no dimensions, and isn't read beyond that.
func (p *parser) opaque(a *Array) (string, *Array, error) {
	name, err := p.next("array name", miInt8, miUint8, miUTF8)
	return string(name), a, err
}

// dims parses the dimensions. Their product fits an int.
func (p *parser) dims() ([]int, error) {
	body, err := p.next("dimensions", miInt32)
	if err != nil {
		return nil, err
	}
	if len(body)%4 != 0 || len(body) < 8 || len(body) > 4*maxDims {
		return nil, fmt.Errorf("dimensions: %d bytes, want 4 for each of 2 to %d", len(body), maxDims)
	}
	dims := make([]int, len(body)/4)
	size := int64(1) // of what is not empty
	for i := range dims {
		d := int32(p.order.Uint32(body[4*i:]))
		if d < 0 || size > math.MaxInt32/int64(max(d, 1)) {
			return nil, fmt.Errorf("dimensions: too large or negative: %v and then %d", dims[:i], d)
		}
		dims[i] = int(d)
		size *= int64(max(d, 1))
	}
	return dims, nil
}

// content parses what follows the name.
func (p *parser) content(a *Array, depth int) (err error) {
	switch {
	case a.Class.numeric():
		return p.values(a, kind.size)
	case a.Class == Char:
		return p.values(a, kind.unit)
	case a.Class == Cell:
		a.cells, err = p.arrays(a.Len(), depth)
		return err
	case a.Class == Struct:
		if a.data, a.width, err = p.fieldNames(); err != nil {
			return err
		}
		if n := int64(a.Len()) * int64(a.numFields()); n <= math.MaxInt32 {
			a.cells, err = p.arrays(int(n), depth)
			return err
		}
		return fmt.Errorf("%d elements of %d fields: too many", a.Len(), a.numFields())
	}
	return nil // of a class that isn't read
}

// values takes the numbers or characters of an array: as many as its dimensions say, but of UTF-8, where a character may have several
// bytes.
func (p *parser) values(a *Array, size func(kind) int) error {
	k, body, err := p.element()
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	a.kind, a.data = k, body
	each := size(k)
	switch {
	case a.Len() == 0 && len(body) == 0:
		return nil
	case each == 0:
		return fmt.Errorf("values of type %d in an array of %v", k, a.Class)
	case k == miUTF8 && len(body) >= a.Len():
		return nil
	case len(body) != each*a.Len():
		return fmt.Errorf("values: %d bytes, want %d for dimensions %v", len(body), each*a.Len(), a.Dims)
	}
	return nil
}

// arrays parses n arrays. An array takes 8 bytes at least, so that n can't claim memory that the file doesn't pay for.
func (p *parser) arrays(n, depth int) ([]*Array, error) {
	if n > len(p.rest)/8 {
		return nil, fmt.Errorf("%d arrays in %d bytes: %w", n, len(p.rest), io.ErrUnexpectedEOF)
	}
	cells := make([]*Array, n)
	for i := range cells {
		body, err := p.next("element", miMatrix)
		if err == nil {
			_, cells[i], err = p.array(body, depth+1)
		}
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return cells, nil
}

// fieldNames parses the names of a struct's fields: the number of bytes that each takes, and the names, filled up with zeros. They
// stay together, as the file has them: strings of their own could take many times the memory.
func (p *parser) fieldNames() (names []byte, width int, err error) {
	body, err := p.next("length of field names", miInt32)
	if err != nil {
		return nil, 0, err
	}
	if len(body) != 4 {
		return nil, 0, fmt.Errorf("length of field names: %d bytes, want 4", len(body))
	}
	width = int(int32(p.order.Uint32(body)))
	if names, err = p.next("field names", miInt8, miUint8, miUTF8); err != nil {
		return nil, 0, err
	}
	if len(names) == 0 {
		return nil, 0, nil
	}
	if width < 1 || len(names)%width != 0 {
		return nil, 0, fmt.Errorf("field names: %d bytes for names of %d each", len(names), width)
	}
	return names, width, nil
}
