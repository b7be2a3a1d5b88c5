// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"introspection/internal/pickle"
)

// unpickleImages reads a file of the Python version and adds its images to a half: a dict of "data", an array of bytes [n, 3072], and
// of the list of labels. As many files of that size are to come as files says, this one among them.
func (c cifar) unpickleImages(r io.Reader, labelsKey string, to *cifarImages, files int) error {
	dict, err := unpickleDict(r)
	if err != nil {
		return err
	}
	labels, err := listOf(dict, labelsKey)
	if err != nil {
		return err
	}
	value, err := valueOf(dict, "data")
	if err != nil {
		return err
	}
	array, ok := value.(*ndarray)
	if !ok {
		return fmt.Errorf(`"data" is %s: want an array of NumPy`, pickle.Describe(value))
	}
	n := len(labels.Items)
	if err := array.check(n); err != nil {
		return fmt.Errorf(`"data" of %d labels: %w`, n, err)
	}
	to.grow(n * files)
	for i, item := range labels.Items {
		label, ok := item.(int64)
		if !ok {
			return fmt.Errorf("%q of record %d is %s: want a number", labelsKey, i, pickle.Describe(item))
		}
		if err := c.checkLabel(label); err != nil {
			return fmt.Errorf("%q of record %d: %w", labelsKey, i, err)
		}
		to.labels = append(to.labels, uint8(label))
	}
	to.pix = array.appendTo(to.pix, n)
	return nil
}

// unpickleCIFARNames returns the classes' names of the Python version.
func unpickleCIFARNames(r io.Reader, key string) ([]string, error) {
	dict, err := unpickleDict(r)
	if err != nil {
		return nil, err
	}
	list, err := listOf(dict, key)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list.Items))
	for i, item := range list.Items {
		switch name := item.(type) {
		case string:
			names[i] = name
		case []byte:
			names[i] = string(name)
		default:
			return nil, fmt.Errorf("%q of class %d is %s: want a text", key, i, pickle.Describe(item))
		}
	}
	return names, nil
}

// unpickleDict reads a pickle, which must be a dict.
func unpickleDict(r io.Reader) (*pickle.Dict, error) {
	value, err := pickle.Load(bufio.NewReader(r), arrays{})
	if err != nil {
		return nil, err
	}
	dict, ok := value.(*pickle.Dict)
	if !ok {
		return nil, fmt.Errorf("it holds %s: want a dict", pickle.Describe(value))
	}
	return dict, nil
}

// valueOf returns the value of a key, which is a text or, where Python 3 wrote again what it had read as bytes, bytes.
func valueOf(dict *pickle.Dict, key string) (any, error) {
	if value, ok := dict.Get(key); ok {
		return value, nil
	}
	if value, ok := dict.Get([]byte(key)); ok {
		return value, nil
	}
	return nil, fmt.Errorf("the dict has no %q", key)
}

// listOf is valueOf of a list.
func listOf(dict *pickle.Dict, key string) (*pickle.List, error) {
	value, err := valueOf(dict, key)
	if err != nil {
		return nil, err
	}
	list, ok := value.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("%q is %s: want a list", key, pickle.Describe(value))
	}
	return list, nil
}

// arrays gives the globals of pickled NumPy arrays their meaning, and knows no others.
type arrays struct{}

// ndarrayType stands for the type numpy.ndarray, which is good for nothing but to be an argument.
type ndarrayType struct{}

// Global implements [pickle.Meaning]. NumPy 2 calls its module numpy._core; in protocol 2, Python 3 writes bytes as a text to encode.
func (arrays) Global(module, name string) (any, error) {
	switch module + "." + name {
	case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
		return pickle.Function(newArray), nil
	case "numpy.ndarray":
		return ndarrayType{}, nil
	case "numpy.dtype":
		return pickle.Function(newElement), nil
	case "_codecs.encode":
		return pickle.Function(encodeLatin1), nil
	}
	return nil, fmt.Errorf("%s.%s is nothing that such a file needs; nothing of it was executed", module, name)
}

// Persistent implements [pickle.Meaning].
func (arrays) Persistent(any) (any, error) {
	return nil, errors.New("it refers to something outside of the file")
}

// ndarray is an array of NumPy as it is pickled.
type ndarray struct {
	shape   pickle.Tuple
	element *element
	columns bool // in Fortran's order: the first index runs fastest
	data    any  // string or []byte, or whatever the pickle has
}

// element is the type of an array's elements.
type element struct{ name any }

// newArray is numpy's _reconstruct: an array that gets all that makes it one as its state.
func newArray(args pickle.Tuple) (any, error) {
	if len(args) == 3 {
		if _, ok := args[0].(ndarrayType); ok {
			return &ndarray{}, nil
		}
	}
	return nil, errors.New("an array of another type than numpy.ndarray")
}

// newElement is numpy.dtype.
func newElement(args pickle.Tuple) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("numpy.dtype of nothing")
	}
	return &element{name: args[0]}, nil
}

// Build takes the byte order and what else says more of the type, which bytes have no use for.
func (*element) Build(any) error { return nil }

// Build takes the version, the shape, the type, whether the array is in Fortran's order, and the data.
func (a *ndarray) Build(state any) error {
	s, ok := state.(pickle.Tuple)
	if !ok || len(s) != 5 {
		return fmt.Errorf("an array's state is %s: want a tuple of 5", pickle.Describe(state))
	}
	shape, isTuple := s[1].(pickle.Tuple)
	element, isElement := s[2].(*element)
	columns, isBool := s[3].(bool)
	if !isTuple || !isElement || !isBool {
		return fmt.Errorf("an array has the shape %s, the type %s and the order %s", pickle.Describe(s[1]), pickle.Describe(s[2]), pickle.Describe(s[3]))
	}
	*a = ndarray{shape: shape, element: element, columns: columns, data: s[4]}
	return nil
}

// check returns an error unless the array is of bytes, [n, 3072].
func (a *ndarray) check(n int) error {
	if a.element == nil {
		return errors.New("the array is empty")
	}
	if a.element.name != any("u1") {
		return fmt.Errorf("the array's type is %s: want bytes, \"u1\"", pickle.Describe(a.element.name))
	}
	if n == 0 || len(a.shape) != 2 || a.shape[0] != any(int64(n)) || a.shape[1] != any(int64(cifarPixels)) {
		var sides []string
		for _, side := range a.shape {
			sides = append(sides, pickle.Describe(side))
		}
		return fmt.Errorf("the array's shape is (%s): want (%d, %d), and at least one image", strings.Join(sides, ", "), n, cifarPixels)
	}
	size := -1
	switch data := a.data.(type) {
	case string:
		size = len(data)
	case []byte:
		size = len(data)
	}
	if size != n*cifarPixels {
		return fmt.Errorf("the array's data is %s: want %d bytes", pickle.Describe(a.data), n*cifarPixels)
	}
	return nil
}

// appendTo appends the pixels of n images, as they lie in the binary version.
func (a *ndarray) appendTo(pix []uint8, n int) []uint8 {
	from := len(pix)
	switch data := a.data.(type) {
	case string:
		pix = append(pix, data...)
	case []byte:
		pix = append(pix, data...)
	}
	if !a.columns {
		return pix
	}
	data := append([]uint8(nil), pix[from:]...)
	for i := range n {
		for k := range cifarPixels {
			pix[from+i*cifarPixels+k] = data[k*n+i]
		}
	}
	return pix
}

// encodeLatin1 makes bytes of a text: character 255 becomes byte 255.
func encodeLatin1(args pickle.Tuple) (any, error) {
	if len(args) != 2 || args[1] != any("latin1") {
		return nil, errors.New("a text is encoded otherwise than as latin1")
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("want a text to encode, got %s", pickle.Describe(args[0]))
	}
	data := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("character %q has no byte in latin1", r)
		}
		data = append(data, byte(r))
	}
	return data, nil
}
