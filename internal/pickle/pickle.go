// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// mostSteps is the number of opcodes that Load runs at most. Ours: a ResNet-101's state dict takes about 20,000; each opcode may
// take a hundred bytes of memory.
const mostSteps = 4 << 20

// A Meaning says what a pickle's references to the outside stand for.
type Meaning interface {
	// Global returns the value of a global of a Python module. If the pickle is to call it, that is a Function.
	Global(module, name string) (any, error)
	// Persistent returns the object outside of the pickle that has the id.
	Persistent(id any) (any, error)
}

// A Function is a global that a pickle may call, with the arguments that the pickle gives.
type Function func(args Tuple) (any, error)

// A Builder is an object, made by a Function, that takes the state which a pickle gives it after it was made, as Python's __setstate__ does.
type Builder interface {
	Build(state any) error
}

// A Tuple is Python's tuple.
type Tuple []any

// A List is Python's list.
type List struct{ Items []any }

// A Dict is Python's dict: keys and their values in the order in which the keys came first.
type Dict struct {
	Keys   []any
	Values []any
	places map[any]int
}

// Get returns the value of a key, and whether there is one.
func (d *Dict) Get(key any) (any, bool) {
	hash, ok := hashable(key)
	if !ok {
		return nil, false
	}
	i, ok := d.places[hash]
	if !ok {
		return nil, false
	}
	return d.Values[i], true
}

// Set gives a key its value. Keys are None, booleans, int64, float64, strings and bytes, which equal no string; others are an error.
func (d *Dict) Set(key, value any) error {
	hash, ok := hashable(key)
	if !ok {
		return fmt.Errorf("a dict's key is %s", Describe(key))
	}
	if i, ok := d.places[hash]; ok {
		d.Values[i] = value
		return nil
	}
	if d.places == nil {
		d.places = map[any]int{}
	}
	d.places[hash] = len(d.Keys)
	d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
	return nil
}

// bytesKey is a key of bytes as a map takes it.
type bytesKey string

// hashable returns the key as a map takes it, and whether a dict's key may be such.
func hashable(key any) (any, bool) {
	switch key := key.(type) {
	case nil, bool, int64, float64, string:
		return key, true
	case []byte:
		return bytesKey(key), true
	}
	return nil, false
}

// Describe names a value in a few words, for error messages.
func Describe(value any) string {
	const most = 60
	switch v := value.(type) {
	case nil:
		return "None"
	case bool, int64, float64:
		return fmt.Sprint(v)
	case string:
		if len(v) > most {
			return fmt.Sprintf("%q…", v[:most])
		}
		return fmt.Sprintf("%q", v)
	case Tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *List:
		return fmt.Sprintf("a list of %d", len(v.Items))
	case *Dict:
		return fmt.Sprintf("a dict of %d", len(v.Keys))
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case Function:
		return "a function"
	}
	return fmt.Sprintf("a %T", value)
}

// FormatError reports a pickle that is cut off, is not well-formed, or holds what is not read. Find it with errors.As.
type FormatError struct {
	// Offset is the place of the opcode at fault, in bytes from the start of the pickle.
	Offset int64
	// Err says what is wrong.
	Err error
}

// Error describes the fault and its place.
func (e *FormatError) Error() string { return fmt.Sprintf("pickle, byte %d: %v", e.Offset, e.Err) }

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// Load reads one pickle and returns its value. It takes nothing from r after the pickle's end. The error is a [FormatError]
// unless r fails.
func Load(r *bufio.Reader, m Meaning) (any, error) {
	vm := &machine{input: input{r: r}, meaning: m, memo: map[uint32]any{}}
	for range mostSteps {
		start := vm.offset
		done, err := vm.step()
		if broken := (readError{}); errors.As(err, &broken) {
			return nil, fmt.Errorf("pickle, byte %d: %w", vm.offset, broken.error)
		}
		if err != nil {
			return nil, &FormatError{Offset: start, Err: err}
		}
		if done {
			return vm.result()
		}
	}
	return nil, &FormatError{Offset: vm.offset, Err: fmt.Errorf("it has more than %d opcodes", mostSteps)}
}

// input is the bytes of the pickle.
type input struct {
	r      *bufio.Reader
	offset int64 // of the next byte
}

// A readError is a fault of the reader, not of the pickle.
type readError struct{ error }

// failed returns the error for a read that ended early.
func failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it is cut off: %w", io.ErrUnexpectedEOF)
	}
	return readError{err}
}

// byte reads a byte.
func (in *input) byte() (byte, error) {
	b, err := in.r.ReadByte()
	if err != nil {
		return 0, failed(err)
	}
	in.offset++
	return b, nil
}

// bytes reads n bytes. It allocates no more than a multiple of what there is, whatever n claims.
func (in *input) bytes(n uint64) ([]byte, error) {
	const first = 4096
	data := make([]byte, 0, min(n, first))
	for {
		got, err := io.ReadFull(in.r, data[len(data):cap(data)])
		data = data[:len(data)+got]
		in.offset += int64(got)
		if err != nil {
			return nil, failed(err)
		}
		if uint64(len(data)) == n {
			return data, nil
		}
		grown := make([]byte, len(data), min(n, 2*uint64(len(data))))
		copy(grown, data)
		data = grown
	}
}

// uint reads a little-endian number of so many bytes, at most 8.
func (in *input) uint(size int) (uint64, error) {
	data, err := in.bytes(uint64(size))
	if err != nil {
		return 0, err
	}
	var n uint64
	for i, b := range data {
		n |= uint64(b) << (8 * i)
	}
	return n, nil
}

// line reads a text that ends in a line break, which is left out.
func (in *input) line() (string, error) {
	const most = 1000
	var text []byte
	for {
		b, err := in.byte()
		switch {
		case err != nil:
			return "", err
		case b == '\n':
			return string(text), nil
		case len(text) == most:
			return "", fmt.Errorf("a line is longer than %d bytes", most)
		}
		text = append(text, b)
	}
}
