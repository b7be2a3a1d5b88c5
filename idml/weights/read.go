// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// maxHeader is the longest header that safetensors allows, in bytes.
const maxHeader = 100_000_000

// ReadSafetensors reads a whole safetensors file. The tensors come in the order of their data, those without elements in
// the order of the header where the offsets are equal.
//
// The error is a [FormatError] where the file breaks the format: a header that is too long, cut off or not the JSON that
// is wanted, a tensor or a key that occurs twice, a dtype that is unknown, a size that is not that of dtype and shape,
// data that overlaps, leaves a gap, is cut off or goes on after the last tensor. Errors of r itself are wrapped.
func ReadSafetensors(r io.Reader) (*File, error) {
	header, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	entries, metadata, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(entries); err != nil {
		return nil, err
	}
	f := &File{Tensors: make([]Tensor, 0, len(entries)), Metadata: metadata}
	for _, e := range entries {
		data, err := readBytes(r, e.end-e.begin)
		if err != nil {
			return nil, fault(e.name, "reading the data", err)
		}
		f.Tensors = append(f.Tensors, Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Data: data})
	}
	var extra [1]byte
	switch _, err := io.ReadFull(r, extra[:]); {
	case err == nil:
		return nil, &FormatError{Err: errors.New("the file goes on after the data of the last tensor")}
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("weights: reading the end: %w", err)
	}
	return f, nil
}

// readHeader reads the length of the header and its JSON.
func readHeader(r io.Reader) ([]byte, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, fault("", "reading the header's length", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, &FormatError{Err: fmt.Errorf("a header of %d bytes is longer than the allowed %d", length, maxHeader)}
	}
	header, err := readBytes(r, int(length))
	if err != nil {
		return nil, fault("", "reading the header", err)
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, &FormatError{Err: errors.New("the header does not begin with {")}
	}
	if !utf8.Valid(header) {
		return nil, &FormatError{Err: errors.New("the header is not UTF-8")}
	}
	return header, nil
}

// fault tells a file that is cut off, which is a FormatError, from one that can't be read.
func fault(tensor, doing string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{Tensor: tensor, Err: fmt.Errorf("%s: the file is cut off: %w", doing, io.ErrUnexpectedEOF)}
	}
	if tensor != "" {
		return fmt.Errorf("weights: tensor %s: %s: %w", quoteName(tensor), doing, err)
	}
	return fmt.Errorf("weights: %s: %w", doing, err)
}

// readBytes reads n bytes. It allocates no more than a multiple of what r really holds, whatever n claims.
func readBytes(r io.Reader, n int) ([]byte, error) {
	const first = 1 << 20
	data := make([]byte, 0, min(n, first))
	for {
		got, err := io.ReadFull(r, data[len(data):cap(data)])
		data = data[:len(data)+got]
		if len(data) == n {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		grown := make([]byte, len(data), min(n, 2*len(data)))
		copy(grown, data)
		data = grown
	}
}

// checkLayout sorts the entries by their place and reports the first whose data is not where and as long as it must be.
func checkLayout(entries []entry) error {
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return cmp.Compare(a.end, b.end)
	})
	end := 0
	for _, e := range entries {
		if e.end < e.begin {
			return &FormatError{Tensor: e.name, Err: fmt.Errorf("data_offsets [%d, %d] end before they begin", e.begin, e.end)}
		}
		size, err := byteSize(e.dtype, e.shape)
		if err != nil {
			return &FormatError{Tensor: e.name, Err: err}
		}
		switch {
		case e.begin < end:
			err = fmt.Errorf("its data begins at %d, inside that of the tensor before, which ends at %d", e.begin, end)
		case e.begin > end:
			err = fmt.Errorf("its data begins at %d, leaving a gap after %d", e.begin, end)
		case size != e.end-e.begin:
			err = fmt.Errorf("%s of shape %s takes %d bytes, data_offsets [%d, %d] hold %d",
				e.dtype, shapeText(e.shape), size, e.begin, e.end, e.end-e.begin)
		}
		if err != nil {
			return &FormatError{Tensor: e.name, Err: err}
		}
		end = e.end
	}
	return nil
}
