// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"errors"
	"fmt"
)

// machine is the stack machine that a pickle is a program for.
type machine struct {
	input
	meaning Meaning
	stack   []any
	marks   []int // lengths of the stack at which MARK was met
	memo    map[uint32]any
}

// step runs one opcode and tells whether it was STOP.
func (m *machine) step() (done bool, err error) {
	code, err := m.byte()
	if err != nil {
		return false, err
	}
	if code == stop {
		return true, nil
	}
	op, ok := opcodes[code]
	if !ok {
		return false, fmt.Errorf("opcode %q (%#02x) is not read", code, code)
	}
	if err := op.run(m); err != nil {
		return false, fmt.Errorf("%s: %w", op.name, err)
	}
	return false, nil
}

// result returns the value that STOP leaves.
func (m *machine) result() (any, error) {
	if len(m.stack) != 1 || len(m.marks) != 0 {
		return nil, &FormatError{Offset: m.offset - 1, Err: fmt.Errorf("STOP: the stack holds %d values and %d marks, want one value", len(m.stack), len(m.marks))}
	}
	return m.stack[0], nil
}

func (m *machine) push(value any) { m.stack = append(m.stack, value) }

var (
	errEmpty  = errors.New("the stack is empty")
	errNoMark = errors.New("there is no mark")
)

// pop takes the topmost value, but none below the last mark.
func (m *machine) pop() (any, error) {
	value, err := m.top()
	if err != nil {
		return nil, err
	}
	last := len(m.stack) - 1
	m.stack[last] = nil
	m.stack = m.stack[:last]
	return value, nil
}

// top returns the topmost value, but none below the last mark.
func (m *machine) top() (any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= floor {
		return nil, errEmpty
	}
	return m.stack[len(m.stack)-1], nil
}

// popTuple takes the n topmost values.
func (m *machine) popTuple(n int) (Tuple, error) {
	values := make(Tuple, n)
	for i := n - 1; i >= 0; i-- {
		value, err := m.pop()
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// popMark takes the last mark and the values above it.
func (m *machine) popMark() (Tuple, error) {
	if len(m.marks) == 0 {
		return nil, errNoMark
	}
	last := len(m.marks) - 1
	from := m.marks[last]
	m.marks = m.marks[:last]
	values := append(Tuple{}, m.stack[from:]...)
	clear(m.stack[from:])
	m.stack = m.stack[:from]
	return values, nil
}

// appendItems appends values to the list at the top.
func (m *machine) appendItems(values ...any) error {
	top, err := m.top()
	if err != nil {
		return err
	}
	list, ok := top.(*List)
	if !ok {
		return fmt.Errorf("want a list, got %s", Describe(top))
	}
	list.Items = append(list.Items, values...)
	return nil
}

// setItems gives the dict at the top keys and values, which alternate.
func (m *machine) setItems(pairs Tuple) error {
	top, err := m.top()
	if err != nil {
		return err
	}
	dict, ok := top.(*Dict)
	switch {
	case !ok:
		return fmt.Errorf("want a dict, got %s", Describe(top))
	case len(pairs)%2 != 0:
		return errors.New("the last key has no value")
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := dict.Set(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// build gives the object at the top its state. The attributes of a dict (Python keeps some of OrderedDict's subclasses) are left out.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	top, err := m.top()
	if err != nil {
		return err
	}
	switch top := top.(type) {
	case Builder:
		return top.Build(state)
	case *Dict:
		return nil
	}
	return fmt.Errorf("%s takes no attributes", Describe(top))
}

// reduce calls the function under the topmost value with that as its arguments.
func (m *machine) reduce() error {
	both, err := m.popTuple(2)
	if err != nil {
		return err
	}
	function, ok := both[0].(Function)
	if !ok {
		return fmt.Errorf("%s can't be called", Describe(both[0]))
	}
	args, ok := both[1].(Tuple)
	if !ok {
		return fmt.Errorf("the arguments are %s", Describe(both[1]))
	}
	value, err := function(args)
	if err != nil {
		return err
	}
	m.push(value)
	return nil
}

// global pushes what the Meaning says of a global.
func (m *machine) global(module, name string) error {
	value, err := m.meaning.Global(module, name)
	if err != nil {
		return err
	}
	m.push(value)
	return nil
}

// store notes the topmost value under an index of the memo.
func (m *machine) store(index uint32) error {
	value, err := m.top()
	if err != nil {
		return err
	}
	m.memo[index] = value
	return nil
}

// recall pushes a value of the memo.
func (m *machine) recall(index uint32) error {
	value, ok := m.memo[index]
	if !ok {
		return fmt.Errorf("the memo has no entry %d", index)
	}
	m.push(value)
	return nil
}
