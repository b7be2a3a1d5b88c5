// SPDX-License-Identifier: Apache-2.0

package sampletree

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
)

// An annotation is a row of cars_annos.mat.
type annotation struct {
	path        string
	class, test int
}

// The numbers of MAT files of version 5 that are needed here: types of elements, classes of arrays.
const (
	miInt8, miUint8, miUint16, miInt32, miUint32 = 1, 2, 4, 5, 6
	miMatrix, miCompressed, miUTF8               = 14, 15, 16

	mxCell, mxStruct, mxChar, mxUint8, mxUint16 = 1, 2, 4, 9, 11
)

// carsAnnotations returns the file with the annotations of Cars196: a MAT file of version 5, little-endian, whose two variables are
// compressed: annotations, a struct array [1, images], and class_names, a cell array [1, 196].
func carsAnnotations(rows []annotation) []byte {
	fields := []string{"relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test"}
	var elements []byte
	for i, row := range rows {
		elements = append(elements, text(row.path)...)
		for _, v := range []uint16{uint16(2 + i%5), uint16(3 + i%7), 60, 50} {
			elements = append(elements, matrix(mxUint16, "", []int{1, 1}, element(miUint16, binary.LittleEndian.AppendUint16(nil, v)))...)
		}
		for _, v := range []int{row.class, row.test} {
			elements = append(elements, matrix(mxUint8, "", []int{1, 1}, element(miUint8, []byte{uint8(v)}))...)
		}
	}
	const nameLength = 32
	var names []byte
	for _, field := range fields {
		names = append(names, field...)
		names = append(names, make([]byte, nameLength-len(field))...)
	}
	head := append(element(miInt32, binary.LittleEndian.AppendUint32(nil, nameLength)), element(miInt8, names)...)
	annotations := matrix(mxStruct, "annotations", []int{1, len(rows)}, append(head, elements...))

	var classes []byte
	for k := range 196 {
		classes = append(classes, text(fmt.Sprintf("Drawn Car %d", k+1))...)
	}
	classNames := matrix(mxCell, "class_names", []int{1, 196}, classes)

	file := make([]byte, 124)
	for i := range 116 {
		file[i] = ' '
	}
	copy(file, "MATLAB 5.0 MAT-file, drawn sample of Cars196")
	file = append(file, 0x00, 0x01, 'I', 'M')
	return append(append(file, compress(annotations)...), compress(classNames)...)
}

// element returns a data element: a tag, the bytes, and zeros up to a multiple of 8; up to 4 bytes go into the tag.
func element(kind int, data []byte) []byte {
	if len(data) > 0 && len(data) <= 4 {
		out := binary.LittleEndian.AppendUint32(nil, uint32(len(data)<<16|kind))
		return append(append(out, data...), make([]byte, 4-len(data))...)
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(kind))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, data...), make([]byte, -len(data)&7)...)
}

// matrix returns an array with its content.
func matrix(class int, name string, dims []int, content []byte) []byte {
	body := element(miUint32, binary.LittleEndian.AppendUint64(nil, uint64(class)))
	var sizes []byte
	for _, d := range dims {
		sizes = binary.LittleEndian.AppendUint32(sizes, uint32(d))
	}
	body = append(body, element(miInt32, sizes)...)
	body = append(body, element(miInt8, []byte(name))...)
	return element(miMatrix, append(body, content...))
}

// text returns a char array of one row, of ASCII.
func text(s string) []byte {
	return matrix(mxChar, "", []int{1, len(s)}, element(miUTF8, []byte(s)))
}

// compress returns an element as a compressed one, which isn't filled up.
func compress(data []byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err := w.Write(data)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes all
	}
	out := binary.LittleEndian.AppendUint32(nil, miCompressed)
	out = binary.LittleEndian.AppendUint32(out, uint32(packed.Len()))
	return append(out, packed.Bytes()...)
}
