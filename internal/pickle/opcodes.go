// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// newestProtocol is the newest protocol of which opcodes are read.
const newestProtocol = 4

// stop is the opcode that ends a pickle.
const stop = '.'

// An opcode is an instruction of the machine, named as in Python's pickletools.
type opcode struct {
	name string
	run  func(*machine) error
}

// opcodes lists the instructions that are read.
var opcodes = map[byte]opcode{
	0x80: {"PROTO", (*machine).protocol},
	0x95: {"FRAME", func(m *machine) error { _, err := m.uint(8); return err }},
	'(':  {"MARK", func(m *machine) error { m.marks = append(m.marks, len(m.stack)); return nil }},

	'N':  {"NONE", constant(nil)},
	0x88: {"NEWTRUE", constant(true)},
	0x89: {"NEWFALSE", constant(false)},
	'J':  {"BININT", number(4, func(n uint64) any { return int64(int32(n)) })},
	'K':  {"BININT1", number(1, func(n uint64) any { return int64(n) })},
	'M':  {"BININT2", number(2, func(n uint64) any { return int64(n) })},
	0x8a: {"LONG1", (*machine).long},
	'G':  {"BINFLOAT", (*machine).float},

	'U':  {"SHORT_BINSTRING", text(1, false)},
	'T':  {"BINSTRING", text(4, false)},
	0x8c: {"SHORT_BINUNICODE", text(1, true)},
	'X':  {"BINUNICODE", text(4, true)},
	'C':  {"SHORT_BINBYTES", data(1)},
	'B':  {"BINBYTES", data(4)},

	')':  {"EMPTY_TUPLE", func(m *machine) error { m.push(Tuple{}); return nil }},
	't':  {"TUPLE", func(m *machine) error { values, err := m.popMark(); m.push(values); return err }},
	0x85: {"TUPLE1", tuple(1)},
	0x86: {"TUPLE2", tuple(2)},
	0x87: {"TUPLE3", tuple(3)},
	']':  {"EMPTY_LIST", func(m *machine) error { m.push(&List{}); return nil }},
	'a':  {"APPEND", (*machine).appendOne},
	'e':  {"APPENDS", (*machine).appendMany},
	'}':  {"EMPTY_DICT", func(m *machine) error { m.push(&Dict{}); return nil }},
	's':  {"SETITEM", (*machine).setOne},
	'u':  {"SETITEMS", (*machine).setMany},

	'c':  {"GLOBAL", (*machine).globalLines},
	0x93: {"STACK_GLOBAL", (*machine).globalStack},
	'R':  {"REDUCE", (*machine).reduce},
	'b':  {"BUILD", (*machine).build},
	'Q':  {"BINPERSID", (*machine).persistent},

	'q':  {"BINPUT", memo(1, (*machine).store)},
	'r':  {"LONG_BINPUT", memo(4, (*machine).store)},
	0x94: {"MEMOIZE", func(m *machine) error { return m.store(uint32(len(m.memo))) }},
	'h':  {"BINGET", memo(1, (*machine).recall)},
	'j':  {"LONG_BINGET", memo(4, (*machine).recall)},
}

// constant pushes a value.
func constant(value any) func(*machine) error {
	return func(m *machine) error { m.push(value); return nil }
}

// number pushes an integer of so many bytes.
func number(size int, value func(uint64) any) func(*machine) error {
	return func(m *machine) error {
		n, err := m.uint(size)
		m.push(value(n))
		return err
	}
}

// text pushes a string whose length is a number of so many bytes.
func text(size int, unicode bool) func(*machine) error {
	return func(m *machine) error {
		data, err := m.counted(size)
		if err == nil && unicode && !utf8.Valid(data) {
			err = errors.New("the text is not UTF-8")
		}
		m.push(string(data))
		return err
	}
}

// data pushes bytes whose length is a number of so many bytes.
func data(size int) func(*machine) error {
	return func(m *machine) error {
		data, err := m.counted(size)
		m.push(data)
		return err
	}
}

// tuple makes the n topmost values one.
func tuple(n int) func(*machine) error {
	return func(m *machine) error {
		values, err := m.popTuple(n)
		m.push(values)
		return err
	}
}

// memo calls do with an index of so many bytes.
func memo(size int, do func(*machine, uint32) error) func(*machine) error {
	return func(m *machine) error {
		index, err := m.uint(size)
		if err != nil {
			return err
		}
		return do(m, uint32(index))
	}
}

// counted reads a length of so many bytes and as many bytes.
func (m *machine) counted(size int) ([]byte, error) {
	n, err := m.uint(size)
	if err != nil {
		return nil, err
	}
	return m.bytes(n)
}

func (m *machine) protocol() error {
	version, err := m.byte()
	if err == nil && version > newestProtocol {
		err = fmt.Errorf("protocol %d, want at most %d", version, newestProtocol)
	}
	return err
}

// long pushes an integer of up to 255 bytes in two's complement, little-endian.
func (m *machine) long() error {
	data, err := m.counted(1)
	if err != nil {
		return err
	}
	negative := len(data) > 0 && data[len(data)-1] >= 0x80
	slices.Reverse(data)
	n := new(big.Int).SetBytes(data)
	if negative {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(data))))
	}
	if n.IsInt64() {
		m.push(n.Int64())
	} else {
		m.push(n)
	}
	return nil
}

// float pushes a number of 8 bytes, which alone are big-endian.
func (m *machine) float() error {
	data, err := m.bytes(8)
	if err != nil {
		return err
	}
	var bits uint64
	for _, b := range data {
		bits = bits<<8 | uint64(b)
	}
	m.push(math.Float64frombits(bits))
	return nil
}

func (m *machine) appendOne() error {
	value, err := m.pop()
	if err != nil {
		return err
	}
	return m.appendItems(value)
}

func (m *machine) appendMany() error {
	values, err := m.popMark()
	if err != nil {
		return err
	}
	return m.appendItems(values...)
}

func (m *machine) setOne() error {
	pair, err := m.popTuple(2)
	if err != nil {
		return err
	}
	return m.setItems(pair)
}

func (m *machine) setMany() error {
	pairs, err := m.popMark()
	if err != nil {
		return err
	}
	return m.setItems(pairs)
}

func (m *machine) globalLines() error {
	module, err := m.line()
	if err != nil {
		return err
	}
	name, err := m.line()
	if err != nil {
		return err
	}
	return m.global(module, name)
}

func (m *machine) globalStack() error {
	names, err := m.popTuple(2)
	if err != nil {
		return err
	}
	module, isText := names[0].(string)
	name, isName := names[1].(string)
	if !isText || !isName {
		return fmt.Errorf("want two texts, got %s and %s", Describe(names[0]), Describe(names[1]))
	}
	return m.global(module, name)
}

func (m *machine) persistent() error {
	id, err := m.pop()
	if err != nil {
		return err
	}
	value, err := m.meaning.Persistent(id)
	if err != nil {
		return err
	}
	m.push(value)
	return nil
}
