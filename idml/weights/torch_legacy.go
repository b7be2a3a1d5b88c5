// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	"introspection/internal/pickle"
)

// The format of torch.save before PyTorch 1.6 is five pickles, one after the other: a magic number, the version of the format, a dict
// about the machine, the object, and the list of its storages' keys; then for each of these the number of its elements as an
// int64, and the elements.
const (
	legacyMagic   = "119547037146038801333356" // 0x1950a86a20f9469cfc6c
	legacyVersion = 1001
)

// legacyStorages are the places of the storages in a file.
type legacyStorages struct {
	file   *watchedReaderAt
	places map[*storage]int64 // of the first element
}

// openLegacy reads the pickles of a file in the legacy format, and finds its storages.
func openLegacy(r io.ReaderAt, size int64) (any, storages, error) {
	file := &watchedReaderAt{r: r}
	section := io.NewSectionReader(file, 0, size)
	in := bufio.NewReader(section)
	meaning := newGlobals()
	root, keys, err := readPickles(in, meaning)
	if err != nil {
		return nil, nil, file.blame(err)
	}
	l := &legacyStorages{file: file, places: map[*storage]int64{}}
	at, err := section.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil, readFault{err}
	}
	at -= int64(in.Buffered())
	for _, item := range keys.Items {
		key, ok := item.(string)
		s := meaning.roots[key]
		switch {
		case !ok || s == nil:
			return nil, nil, fmt.Errorf("the list of storages holds %s, which no tensor has", pickle.Describe(item))
		case l.places[s] != 0:
			return nil, nil, fmt.Errorf("the list of storages holds %s twice", quoteName(key))
		}
		if at, err = l.place(s, at, size); err != nil {
			return nil, nil, fmt.Errorf("storage %s: %w", quoteName(key), err)
		}
	}
	if at != size {
		return nil, nil, fmt.Errorf("the file goes on for %d bytes after its last storage", size-at)
	}
	return root, l, nil
}

// place notes that a storage begins at a byte of the file of so many bytes, and returns where it ends.
func (l *legacyStorages) place(s *storage, at, size int64) (end int64, err error) {
	var elements [8]byte
	if n, err := l.file.ReadAt(elements[:], at); n < len(elements) {
		return 0, l.file.blame(fmt.Errorf("the file is cut off: %w", err))
	}
	if n := binary.LittleEndian.Uint64(elements[:]); n != uint64(s.elements) {
		return 0, fmt.Errorf("it has %d elements, its tensors say %d", n, s.elements)
	}
	start := at + int64(len(elements))
	n, err := s.byteSize()
	switch {
	case err != nil:
		return 0, err
	case n > size-start:
		return 0, fmt.Errorf("the file is cut off: %d bytes from byte %d on don't lie in its %d", n, start, size)
	}
	l.places[s] = start
	return start + n, nil
}

// readPickles reads the pickles and returns the object and the list of storages.
func readPickles(in *bufio.Reader, meaning *globals) (root any, keys *pickle.List, err error) {
	magic, err := pickle.Load(in, meaning)
	if err != nil {
		return nil, nil, fmt.Errorf("the magic number: %w", err)
	}
	if n, ok := magic.(*big.Int); !ok || n.String() != legacyMagic {
		return nil, nil, fmt.Errorf("a pickle, but not one of torch.save: it begins with %s", pickle.Describe(magic))
	}
	version, err := pickle.Load(in, meaning)
	if err != nil {
		return nil, nil, fmt.Errorf("the format's version: %w", err)
	}
	if version != any(int64(legacyVersion)) {
		return nil, nil, fmt.Errorf("the format's version is %s, want %d", pickle.Describe(version), legacyVersion)
	}
	machine, err := pickle.Load(in, meaning)
	if err != nil {
		return nil, nil, fmt.Errorf("the dict about the machine: %w", err)
	}
	info, ok := machine.(*pickle.Dict)
	if !ok {
		return nil, nil, fmt.Errorf("the dict about the machine is %s", pickle.Describe(machine))
	}
	if little, ok := info.Get("little_endian"); ok && little != any(true) {
		return nil, nil, errors.New("it comes from a big-endian machine: only little-endian files are read")
	}
	if root, err = pickle.Load(in, meaning); err != nil {
		return nil, nil, fmt.Errorf("the object: %w", err)
	}
	list, err := pickle.Load(in, meaning)
	if err != nil {
		return nil, nil, fmt.Errorf("the list of storages: %w", err)
	}
	if keys, ok = list.(*pickle.List); !ok {
		return nil, nil, fmt.Errorf("the list of storages is %s", pickle.Describe(list))
	}
	return root, keys, nil
}

// read implements [storages].
func (l *legacyStorages) read(s *storage) ([]byte, error) {
	start, ok := l.places[s]
	if !ok {
		return nil, errors.New("it is not in the file's list of storages")
	}
	n, err := s.byteSize()
	if err != nil {
		return nil, err
	}
	data := make([]byte, n) // skip has found that the file is as long
	_, err = io.ReadFull(io.NewSectionReader(l.file, start, n), data)
	return data, l.file.blame(err)
}
