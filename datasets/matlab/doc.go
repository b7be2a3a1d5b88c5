// SPDX-License-Identifier: Apache-2.0

// Package matlab reads MAT files of version 5, in which MATLAB (since 1996, with -v6 or -v7), GNU Octave and SciPy save variables.
//
// [Read] returns the variables of a file as [Array] values: numbers, text, cell arrays and struct arrays, whose elements are
// arrays again. Compressed variables and both byte orders are read. What can hold neither (objects, function handles, sparse
// arrays) is an Array whose Class tells what it is, and nothing more. The format is that of MathWorks' "MAT-File Format", Level 5.
// Version 7.3, which is HDF5, is not read.
//
//	annotations := variables["annotations"]
//	for i := range annotations.Len() {
//		text, err := annotations.Field(i, "relative_im_path").Text()
//
// A file may come from anywhere: whatever it holds, reading neither panics nor takes more memory than a small multiple of [MaxSize].
// An array keeps the bytes of the file and converts a value when asked for it.
package matlab
