// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"fmt"
	"math"

	"introspection/internal/pickle"
)

// storageTypes lists the types of storages in module torch, and the dtypes of safetensors that they hold.
var storageTypes = map[string]string{
	"FloatStorage": "F32", "DoubleStorage": "F64", "HalfStorage": "F16", "BFloat16Storage": "BF16",
	"LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8", "BoolStorage": "BOOL",
}

// storageType is the global that names a type of storage; its value is the dtype.
type storageType string

// storage is a run of elements in the file.
type storage struct {
	key      string
	dtype    string
	elements int
}

// byteSize is the number of bytes that the storage takes.
func (s *storage) byteSize() (int64, error) {
	n, err := byteSize(s.dtype, []int{s.elements})
	return int64(n), err
}

// part is a part of a storage: all of it, but in files of old versions.
type part struct {
	root            *storage
	first, elements int
}

// globals gives the globals of PyTorch's pickles their meaning: those that tensors are rebuilt by, and no others.
type globals struct {
	roots map[string]*storage // by key
	pairs int                 // of all lists given to OrderedDict
}

func newGlobals() *globals { return &globals{roots: map[string]*storage{}} }

// Global implements [pickle.Meaning].
func (g *globals) Global(module, name string) (any, error) {
	switch module + "." + name {
	case "torch._utils._rebuild_tensor_v2":
		return pickle.Function(rebuildTensor), nil
	case "torch._utils._rebuild_parameter":
		return pickle.Function(rebuildParameter), nil
	case "torch.Size":
		return pickle.Function(rebuildSize), nil
	case "collections.OrderedDict":
		return pickle.Function(g.orderedDict), nil
	}
	if dtype, ok := storageTypes[name]; ok && module == "torch" {
		return storageType(dtype), nil
	}
	return nil, fmt.Errorf("the file asks for %s, which is refused: only tensors in dicts are read", quoteName(module+"."+name))
}

// Persistent implements [pickle.Meaning]. The ids are ("storage", type, key, device, number of elements), in the legacy format followed by
// None or, in files of old versions, (key of the part, first element, number of elements).
func (g *globals) Persistent(id any) (any, error) {
	tuple, ok := id.(pickle.Tuple)
	if !ok || len(tuple) != 5 && len(tuple) != 6 || tuple[0] != any("storage") {
		return nil, fmt.Errorf("want the tuple of a storage, got %s", pickle.Describe(id))
	}
	kind, isType := tuple[1].(storageType)
	key, isKey := tuple[2].(string)
	elements, isCount := count(tuple[4])
	if !isType || !isKey || !isCount {
		return nil, fmt.Errorf("a storage of type %s, key %s, %s elements", pickle.Describe(tuple[1]), pickle.Describe(tuple[2]), pickle.Describe(tuple[4]))
	}
	root, ok := g.roots[key]
	if !ok {
		root = &storage{key: key, dtype: string(kind), elements: elements}
		g.roots[key] = root
	}
	if *root != (storage{key, string(kind), elements}) {
		return nil, fmt.Errorf("storage %s is first of %d elements of %s, then of %d of %s", quoteName(key), root.elements, root.dtype, elements, kind)
	}
	if len(tuple) == 5 || tuple[5] == nil {
		return part{root, 0, elements}, nil
	}
	return partOf(root, tuple[5])
}

// partOf returns the part of a storage that files of old versions name.
func partOf(root *storage, metadata any) (part, error) {
	tuple, ok := metadata.(pickle.Tuple)
	if !ok || len(tuple) != 3 {
		return part{}, fmt.Errorf("want the place of a part in a storage, got %s", pickle.Describe(metadata))
	}
	first, isFirst := count(tuple[1])
	elements, isCount := count(tuple[2])
	if !isFirst || !isCount || first > root.elements || elements > root.elements-first {
		return part{}, fmt.Errorf("%s elements from %s on, of a storage of %d", pickle.Describe(tuple[2]), pickle.Describe(tuple[1]), root.elements)
	}
	return part{root, first, elements}, nil
}

// rebuildTensor is _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks, metadata). Only the first four
// matter to a value.
func rebuildTensor(args pickle.Tuple) (any, error) {
	if len(args) < 6 || len(args) > 7 {
		return nil, fmt.Errorf("a tensor of %d arguments, want 6 or 7", len(args))
	}
	store, ok := args[0].(part)
	if !ok {
		return nil, fmt.Errorf("a tensor's storage is %s", pickle.Describe(args[0]))
	}
	offset, ok := count(args[1])
	if !ok {
		return nil, fmt.Errorf("a tensor's offset is %s", pickle.Describe(args[1]))
	}
	shape, err := dims(args[2])
	if err != nil {
		return nil, fmt.Errorf("a tensor's shape: %w", err)
	}
	strides, err := dims(args[3])
	if err != nil {
		return nil, fmt.Errorf("a tensor's strides: %w", err)
	}
	t := &view{storage: store, offset: offset, shape: shape, strides: strides}
	return t, t.check()
}

// rebuildParameter is _rebuild_parameter(tensor, requires_grad, backward_hooks).
func rebuildParameter(args pickle.Tuple) (any, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("a parameter of %d arguments, want 3", len(args))
	}
	t, ok := args[0].(*view)
	if !ok {
		return nil, fmt.Errorf("a parameter made of %s, want a tensor", pickle.Describe(args[0]))
	}
	return t, nil
}

// rebuildSize is torch.Size(dims).
func rebuildSize(args pickle.Tuple) (any, error) {
	if len(args) == 1 {
		if sizes, ok := args[0].(pickle.Tuple); ok {
			return sizes, nil
		}
	}
	return nil, errors.New("torch.Size of something else than one tuple")
}

// orderedDict is OrderedDict(), or in pickles of Python 2, OrderedDict(list of pairs).
func (g *globals) orderedDict(args pickle.Tuple) (any, error) {
	const mostPairs = 1 << 20 // in all calls, as one list may be given to many
	dict := &pickle.Dict{}
	if len(args) == 0 {
		return dict, nil
	}
	list, ok := args[0].(*pickle.List)
	if !ok || len(args) != 1 {
		return nil, fmt.Errorf("OrderedDict of %d arguments, the first %s", len(args), pickle.Describe(args[0]))
	}
	if g.pairs += len(list.Items); g.pairs > mostPairs {
		return nil, fmt.Errorf("more than %d pairs given to OrderedDict", mostPairs)
	}
	for _, item := range list.Items {
		key, value, ok := pair(item)
		if !ok {
			return nil, fmt.Errorf("OrderedDict of %s, want pairs", pickle.Describe(item))
		}
		if err := dict.Set(key, value); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// pair returns the two items of a list or tuple.
func pair(item any) (key, value any, ok bool) {
	items, ok := item.(pickle.Tuple)
	if list, isList := item.(*pickle.List); isList {
		items, ok = list.Items, true
	}
	if !ok || len(items) != 2 {
		return nil, nil, false
	}
	return items[0], items[1], true
}

// count returns a value as a number of elements.
func count(value any) (int, bool) {
	n, ok := value.(int64)
	return int(n), ok && n >= 0 && n <= math.MaxInt
}

// dims returns a tuple of numbers of elements.
func dims(value any) ([]int, error) {
	const most = 8 // of ours; PyTorch has 64, and weights at most 5
	tuple, ok := value.(pickle.Tuple)
	if !ok || len(tuple) > most {
		return nil, fmt.Errorf("want a tuple of at most %d, got %s", most, pickle.Describe(value))
	}
	list := make([]int, len(tuple))
	for i, item := range tuple {
		if list[i], ok = count(item); !ok {
			return nil, fmt.Errorf("want numbers from 0 on, got %s", pickle.Describe(item))
		}
	}
	return list, nil
}
