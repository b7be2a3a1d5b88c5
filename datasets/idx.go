// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// IDX is an array of bytes as the IDX files of MNIST and its successors hold it: Data has the product of Dims bytes, the last
// dimension running fastest.
type IDX struct {
	Dims []int
	Data []uint8
}

// idxUint8 is the type code of unsigned bytes, the only one that the image sets use.
const idxUint8 = 0x08

// MaxIDX bounds the bytes of an IDX file's data: a small compressed file can hold gigabytes of zeros. Ours: 1 GiB, where
// the largest set of the kind, EMNIST, has 547 MB.
const MaxIDX = 1 << 30

// ReadIDX reads an IDX file of unsigned bytes, gzip-compressed or not, to its end: two zero bytes, the type code, the number
// of dimensions, each dimension in four big-endian bytes, and the data. Memory grows with what is there, not with what the
// header claims, and not beyond [MaxIDX]. Every fault is an error: another type, no dimensions, missing data, data left over.
func ReadIDX(r io.Reader) (*IDX, error) {
	buffered := bufio.NewReader(r)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return readIDX(z)
	}
	return readIDX(buffered)
}

// readIDX is ReadIDX of plain data.
func readIDX(r io.Reader) (*IDX, error) {
	dims, size, err := readIDXHeader(r)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	n, err := io.Copy(&data, io.LimitReader(r, size))
	if err != nil {
		return nil, err
	}
	if n < size {
		return nil, fmt.Errorf("IDX data ends after %d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	}
	if n, err := io.CopyN(io.Discard, r, 1); n > 0 {
		return nil, fmt.Errorf("IDX data goes on after %d bytes", size)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &IDX{Dims: dims, Data: data.Bytes()}, nil
}

// readIDXHeader returns the dimensions and their product.
func readIDXHeader(r io.Reader) (dims []int, size int64, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, fmt.Errorf("reading the IDX header: %w", noEOF(err))
	}
	if head[0] != 0 || head[1] != 0 {
		return nil, 0, fmt.Errorf("not an IDX file: it begins with % x, want 00 00", head[:2])
	}
	if head[2] != idxUint8 {
		return nil, 0, fmt.Errorf("IDX type %#02x: only unsigned bytes (%#02x) are read", head[2], idxUint8)
	}
	if head[3] == 0 {
		return nil, 0, errors.New("IDX file without dimensions")
	}
	size = 1
	for range head[3] {
		var dim [4]byte
		if _, err := io.ReadFull(r, dim[:]); err != nil {
			return nil, 0, fmt.Errorf("reading the IDX dimensions: %w", noEOF(err))
		}
		d := int64(binary.BigEndian.Uint32(dim[:]))
		if d == 0 {
			return nil, 0, fmt.Errorf("IDX dimension %d is 0", len(dims))
		}
		if size > MaxIDX/d {
			return nil, 0, fmt.Errorf("IDX dimension %d is %d: too large, more than %d bytes of data", len(dims), d, MaxIDX)
		}
		dims, size = append(dims, int(d)), size*d
	}
	return dims, size, nil
}

// noEOF makes of an end of file, where more was due, an unexpected one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteIDX writes x as an uncompressed IDX file. It panics if the data's length is not the product of the dimensions.
func WriteIDX(w io.Writer, x *IDX) error {
	size := 1
	head := []byte{0, 0, idxUint8, byte(len(x.Dims))}
	for _, d := range x.Dims {
		size *= d
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	if len(x.Dims) == 0 || len(x.Dims) > 255 || size != len(x.Data) {
		panic(fmt.Sprintf("datasets: WriteIDX: %d bytes for dimensions %v", len(x.Data), x.Dims))
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(x.Data)
	return err
}
