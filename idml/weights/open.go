// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Open reads a whole file of weights: safetensors ([ReadSafetensors]), or what PyTorch's torch.save writes ([ReadTorch]). It goes
// by the file's content, not by its name. Errors begin with the path.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	var file *File
	if err == nil {
		file, err = read(f, info.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// formats are the kinds of files that Open knows.
type format int

const (
	unknownFormat format = iota
	safetensorsFormat
	zipFormat
	pickleFormat
)

// read reads a file of any of the formats.
func read(r io.ReaderAt, size int64) (*File, error) {
	switch kind, start, err := detect(r, size); {
	case err != nil:
		return nil, err
	case kind == safetensorsFormat:
		return ReadSafetensors(io.NewSectionReader(r, 0, size))
	case kind == unknownFormat:
		return nil, &FormatError{Err: fmt.Errorf("neither a safetensors file nor one of torch.save: it begins with %q", start)}
	}
	return ReadTorch(r, size)
}

// detect tells a file's format by its first bytes, which it returns. Safetensors goes first: a header of 640 bytes makes its file
// begin as a pickle does.
func detect(r io.ReaderAt, size int64) (format, []byte, error) {
	start := make([]byte, min(size, 16))
	if n, err := r.ReadAt(start, 0); n < len(start) {
		return unknownFormat, nil, fault("", "reading the first bytes", err)
	}
	switch {
	case len(start) > 8 && start[8] == '{' && bytes.Equal(start[4:8], make([]byte, 4)):
		return safetensorsFormat, start, nil
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return zipFormat, start, nil
	case bytes.HasPrefix(start, []byte{0x80}):
		return pickleFormat, start, nil
	}
	return unknownFormat, start, nil
}
