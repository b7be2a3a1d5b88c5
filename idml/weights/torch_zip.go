// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"introspection/internal/pickle"
)

// zipStorages are the storages of a file in the zip format, whose entries are
//
//	NAME/data.pkl     the pickle
//	NAME/data/KEY     one storage, not compressed
//	NAME/byteorder    "little" or "big"; absent in files of old versions, which are little-endian
//
// and some others that don't matter. NAME is any name.
type zipStorages struct {
	file    *watchedReaderAt
	size    int64
	entries map[string]*zip.File // by their names after NAME/
	left    int64                // bytes that storages may take
}

// openZip reads the pickle of a file in the zip format.
func openZip(r io.ReaderAt, size int64) (any, storages, error) {
	file := &watchedReaderAt{r: r}
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return nil, nil, file.blame(fmt.Errorf("the file is cut off or damaged: %w", err))
	}
	z := &zipStorages{file: file, size: size, entries: map[string]*zip.File{}, left: size}
	if err := z.index(archive.File); err != nil {
		return nil, nil, err
	}
	if err := z.checkOrder(); err != nil {
		return nil, nil, err
	}
	program, err := z.entry("data.pkl")
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(bytes.NewReader(program))
	root, err := pickle.Load(in, newGlobals())
	if err != nil {
		return nil, nil, fmt.Errorf("data.pkl: %w", err)
	}
	if in.Buffered() > 0 {
		return nil, nil, errors.New("data.pkl: it goes on after the pickle")
	}
	return root, z, nil
}

// index finds the entries of the archive's folder.
func (z *zipStorages) index(files []*zip.File) error {
	folder, found := "", false
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name, "/data.pkl"); ok && !strings.Contains(name, "/") {
			if found {
				return fmt.Errorf("it holds two pickles, %s and %s", quoteName(folder+"/data.pkl"), quoteName(f.Name))
			}
			folder, found = name, true
		}
	}
	if !found {
		return errors.New("a zip archive without a data.pkl, so not one of torch.save")
	}
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name, folder+"/")
		if !ok {
			continue
		}
		if name == "constants.pkl" {
			return errors.New("it is a TorchScript archive, which holds a program: save the state dict of the model instead")
		}
		if z.entries[name] != nil {
			return fmt.Errorf("the entry %s occurs twice", quoteName(f.Name))
		}
		z.entries[name] = f
	}
	return nil
}

// checkOrder reports a file of a big-endian machine.
func (z *zipStorages) checkOrder() error {
	if z.entries["byteorder"] == nil {
		return nil
	}
	order, err := z.entry("byteorder")
	if err == nil && string(order) != "little" {
		err = fmt.Errorf("its byte order is %s, only little-endian files are read", quoteName(string(order)))
	}
	return err
}

// entry returns an entry's bytes.
func (z *zipStorages) entry(name string) ([]byte, error) {
	f := z.entries[name]
	if f == nil {
		return nil, fmt.Errorf("the file has no entry %s", quoteName(name))
	}
	data, err := z.content(f)
	if err != nil {
		return nil, fmt.Errorf("the entry %s: %w", quoteName(f.Name), z.file.blame(err))
	}
	return data, nil
}

// content reads an entry after it has checked that the file is as long as the entry says. zip compares the checksum.
func (z *zipStorages) content(f *zip.File) ([]byte, error) {
	if f.Method != zip.Store {
		return nil, errors.New("it is compressed")
	}
	start, err := f.DataOffset()
	if err != nil {
		return nil, err
	}
	n := f.UncompressedSize64
	if start > z.size || n > uint64(z.size-start) || n != f.CompressedSize64 {
		return nil, fmt.Errorf("%d bytes from byte %d on don't lie in the file of %d", n, start, z.size)
	}
	if z.left -= int64(n); z.left < 0 {
		return nil, errors.New("the entries take more bytes than the file has: they overlap")
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // compares the checksum
		return nil, err
	}
	return data, nil
}

// read implements [storages].
func (z *zipStorages) read(s *storage) ([]byte, error) {
	want, err := s.byteSize()
	if err != nil {
		return nil, err
	}
	f := z.entries["data/"+s.key]
	if f != nil && f.UncompressedSize64 != uint64(want) {
		return nil, fmt.Errorf("%d elements of %s take %d bytes, its entry has %d", s.elements, s.dtype, want, f.UncompressedSize64)
	}
	return z.entry("data/" + s.key)
}

// watchedReaderAt keeps the error of a reader, to tell it from a fault of the file. It belongs to one goroutine.
type watchedReaderAt struct {
	r   io.ReaderAt
	err error
}

func (w *watchedReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 { // zip asks for it where an archive's numbers overflow
		return 0, errors.New("a place before the file's first byte")
	}
	n, err := w.r.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// blame returns the reader's own error if it had one, else err.
func (w *watchedReaderAt) blame(err error) error {
	if err != nil && w.err != nil {
		return readFault{w.err}
	}
	return err
}
