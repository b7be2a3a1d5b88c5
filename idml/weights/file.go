// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// File is what a file of named arrays holds.
type File struct {
	// Tensors lists the arrays in the order of their data.
	Tensors []Tensor
	// Metadata holds free texts; nil if the file has none.
	Metadata map[string]string
}

// Tensor returns the tensor of the name, and whether the file has it. Its data is the file's own.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// FormatError reports that a file is not what its format says. Find it with errors.As.
type FormatError struct {
	// Tensor names the tensor at fault; it is empty where the fault is the file's as a whole.
	Tensor string
	// Err says what is wrong.
	Err error
}

// Error describes the fault and names the tensor.
func (e *FormatError) Error() string {
	if e.Tensor == "" {
		return fmt.Sprintf("weights: %v", e.Err)
	}
	return fmt.Sprintf("weights: tensor %s: %v", quoteName(e.Tensor), e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// quoteName quotes a tensor's name for an error message; long ones are cut.
func quoteName(name string) string {
	const most = 200
	if len(name) > most {
		return fmt.Sprintf("%q…", name[:most])
	}
	return fmt.Sprintf("%q", name)
}
