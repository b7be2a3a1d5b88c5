// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// alignment is that of the data section within the file, in bytes; the header is padded by spaces to reach it.
const alignment = 8

// WriteSafetensors writes f as a safetensors file: the tensors in their order, the keys of the metadata sorted, so that
// equal input gives equal bytes. Nothing is written if a tensor is faulty: a name that occurs twice, is "__metadata__" or
// is not UTF-8, an unknown dtype, data whose length is not that of dtype and shape.
//
// The format allows no gaps, so a tensor of wide elements after one whose bytes are no multiple of them is not aligned in
// the file. Some readers refuse that: put the wider types first.
func WriteSafetensors(w io.Writer, f *File) error {
	header, err := formatHeader(f)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("weights: writing the header: %w", err)
	}
	for _, t := range f.Tensors {
		if _, err := w.Write(t.Data); err != nil {
			return fmt.Errorf("weights: writing tensor %s: %w", quoteName(t.Name), err)
		}
	}
	return nil
}

// formatHeader checks f and returns the header with its length before it.
func formatHeader(f *File) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, alignment)) // The length is filled in below.
	out.WriteByte('{')
	if f.Metadata != nil {
		for key, value := range f.Metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, fmt.Errorf("weights: metadata %s is not UTF-8", quoteName(key))
			}
		}
		writeMember(out, metadataKey, f.Metadata)
	}
	seen := make(map[string]bool, len(f.Tensors))
	begin := 0
	for _, t := range f.Tensors {
		if err := checkName(t.Name, seen); err != nil {
			return nil, &FormatError{Tensor: t.Name, Err: err}
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return nil, err
		}
		writeMember(out, t.Name, struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int{begin, begin + len(t.Data)}})
		begin += len(t.Data)
	}
	out.WriteByte('}')
	for out.Len()%alignment != 0 {
		out.WriteByte(' ')
	}
	header := out.Bytes()
	if length := len(header) - 8; length > maxHeader {
		return nil, fmt.Errorf("weights: a header of %d bytes is longer than the allowed %d", length, maxHeader)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	return header, nil
}

// checkName reports a name that the header can't hold.
func checkName(name string, seen map[string]bool) error {
	switch {
	case seen[name]:
		return errors.New("the name occurs twice")
	case name == metadataKey:
		return errors.New("the name is reserved")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	}
	return nil
}

// writeMember appends a key and its value to the object that out holds.
func writeMember(out *bytes.Buffer, key string, value any) {
	if out.Len() > alignment+1 {
		out.WriteByte(',')
	}
	out.Write(marshal(key))
	out.WriteByte(':')
	out.Write(marshal(value))
}

// marshal returns v as JSON without HTML escapes. Strings, ints and structs of them always have one.
func marshal(v any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("weights: %v", err))
	}
	return bytes.TrimRight(buffer.Bytes(), "\n")
}
