// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"introspection/internal/pickle"
)

// ReadTorch reads the tensors of a file that PyTorch's torch.save wrote, in the zip format (since PyTorch 1.6) or the one before.
// The file holds a state dict: names and tensors. One that is the value of "state_dict" or "model" in an outer dict, as training
// programs save it beside an epoch and an optimizer, is found there. The tensors come in the order of the dict.
//
// Such a file is a Python pickle, which could run any program. Here nothing is executed: the pickle may ask for tensors,
// parameters, dicts, tuples, lists and plain values, and anything else is refused, by its name. The error is a [FormatError] for
// that and for everything else that is wrong with the file. Errors of r itself are wrapped.
//
// Tensors of one storage share its bytes, so Data must not be written to. Those that aren't contiguous are copied: if the copies
// take more than the file and a megabyte, the file is refused. So the memory needed is in proportion to the file's size.
func ReadTorch(r io.ReaderAt, size int64) (*File, error) {
	kind, _, err := detect(r, size)
	if err != nil {
		return nil, err
	}
	var (
		root any
		from storages
	)
	switch kind {
	case zipFormat:
		root, from, err = openZip(r, size)
	case pickleFormat:
		root, from, err = openLegacy(r, size)
	default:
		err = errors.New("it is no file of torch.save")
	}
	if err != nil {
		return nil, torchFault("", err)
	}
	dict, err := findStateDict(root)
	if err != nil {
		return nil, torchFault("", err)
	}
	return assemble(dict, from, size)
}

// storages gives the bytes of the storages that tensors lie in.
type storages interface {
	// read returns a storage's bytes: as many as its type and length say.
	read(s *storage) ([]byte, error)
}

// A readFault is an error of the reader, not of the file.
type readFault struct{ error }

func (e readFault) Unwrap() error { return e.error }

// torchFault makes an error a FormatError, unless the file couldn't be read.
func torchFault(tensor string, err error) error {
	if broken := (readFault{}); errors.As(err, &broken) {
		return fault(tensor, "reading", broken.error)
	}
	return &FormatError{Tensor: tensor, Err: err}
}

// findStateDict returns the dict of tensors: the root, or what it holds as "state_dict" or "model".
func findStateDict(root any) (*pickle.Dict, error) {
	dict, ok := root.(*pickle.Dict)
	if !ok {
		return nil, fmt.Errorf("want a dict of tensors, the file holds %s", pickle.Describe(root))
	}
	for _, wrapper := range []string{"state_dict", "model"} {
		if value, ok := dict.Get(wrapper); ok {
			if inner, ok := value.(*pickle.Dict); ok {
				return inner, nil
			}
		}
	}
	return dict, nil
}

// assemble makes the tensors of a state dict. size is the file's.
func assemble(dict *pickle.Dict, from storages, size int64) (*File, error) {
	f := &File{Tensors: make([]Tensor, 0, len(dict.Keys))}
	loaded := map[*storage][]byte{}
	left := size + 1<<20 // bytes that copies may take
	for i, key := range dict.Keys {
		name, ok := key.(string)
		if !ok {
			return nil, torchFault("", fmt.Errorf("a state dict's keys are names, one here is %s", pickle.Describe(key)))
		}
		t, err := dictTensor(name, dict.Values[i])
		if err != nil {
			return nil, torchFault(name, err)
		}
		root := t.storage.root
		if _, ok := loaded[root]; !ok && !t.empty() {
			if loaded[root], err = from.read(root); err != nil {
				return nil, torchFault(name, fmt.Errorf("storage %s: %w", quoteName(root.key), err))
			}
		}
		data, err := t.bytes(loaded[root], &left)
		if err != nil {
			return nil, torchFault(name, err)
		}
		f.Tensors = append(f.Tensors, Tensor{Name: name, DType: root.dtype, Shape: t.shape, Data: data})
	}
	return f, nil
}

// dictTensor returns an entry of a state dict as a tensor.
func dictTensor(name string, value any) (*view, error) {
	if !utf8.ValidString(name) {
		return nil, errors.New("the name is not UTF-8")
	}
	t, ok := value.(*view)
	if !ok {
		return nil, fmt.Errorf("want a tensor, got %s", pickle.Describe(value))
	}
	return t, nil
}
