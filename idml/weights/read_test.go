// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/weights"
)

// container returns a safetensors file of the header and data.
func container(header string, data ...byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

// TestReadPython reads a file that the safetensors library wrote: see testdata/make_sample.py, where the values come from.
func TestReadPython(t *testing.T) {
	data, err := os.ReadFile("testdata/sample.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	wantMetadata := map[string]string{"made by": "safetensors", "text": `ä <&> "quoted"`}
	if diff := cmp.Diff(wantMetadata, f.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	inf := float32(math.Inf(1))
	floats := map[string][]float32{
		"matrix": {1, -2.5, 3e-5, 0, inf, 65504},
		"half":   {1, -2.5, 5.9604645e-08, 65504, -inf, 0.099975586},
		"double": {0.1, -inf, 7},
		"scalar": {0.5},
		"empty":  {},
	}
	for name, want := range floats {
		tensor, ok := f.Tensor(name)
		if !ok {
			t.Errorf("no tensor %s", name)
			continue
		}
		got, err := tensor.Float32()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	ints := map[string][]int{"labels": {0, -1, 2147483647}, "long": {3, -(1 << 40)}, "bytes": {0, 7, 255}}
	for name, want := range ints {
		tensor, _ := f.Tensor(name)
		got, err := tensor.Int()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	shapes := map[string][]int{"matrix": {2, 3}, "scalar": {}, "empty": {0, 4}, "long": {1, 2}}
	for name, want := range shapes {
		tensor, _ := f.Tensor(name)
		if diff := cmp.Diff(want, tensor.Shape); diff != "" {
			t.Errorf("shape of %s (-want +got):\n%s", name, diff)
		}
	}
	if len(f.Tensors) != len(floats)+len(ints) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), len(floats)+len(ints))
	}
	if _, ok := f.Tensor("absent"); ok {
		t.Error("the file has a tensor that it doesn't hold")
	}
}

func TestReadFaults(t *testing.T) {
	const a = `"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}`
	withB := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{%s,"b":{"dtype":"%s","shape":%s,"data_offsets":%s}}`, a, dtype, shape, offsets)
	}
	four := []byte{1, 2, 3, 4}
	tests := []struct {
		name   string
		file   []byte
		tensor string
		want   string
	}{
		{"empty file", nil, "", "cut off"},
		{"length cut off", []byte{1, 0, 0}, "", "cut off"},
		{"header too long", binary.LittleEndian.AppendUint64(nil, 100_000_001), "", "longer than the allowed"},
		{"length beyond int", binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "", "longer than the allowed"},
		{"header cut off", container("{}")[:9], "", "cut off"},
		{"header empty", container(""), "", "begin with {"},
		{"header after space", container(" {}"), "", "begin with {"},
		{"not JSON", container("{hello}"), "", "not valid"},
		{"array", container("[]"), "", "begin with {"},
		{"open object", container("{"), "", "ends too early"},
		{"two objects", container("{} {}"), "", "goes on"},
		{"not UTF-8", container("{\"\xff\":1}"), "", "not UTF-8"},
		{"tensor not an object", container(`{"a":[]}`), "a", "want {"},
		{"key missing", container(`{"a":{"dtype":"U8","shape":[0]}}`), "a", "want the keys"},
		{"key unknown", container(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}}`), "a", `unknown key "more"`},
		{"key twice", container(`{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), "a", "occurs twice"},
		{"key in capitals", container(`{"a":{"DType":"U8","shape":[0],"data_offsets":[0,0]}}`), "a", "unknown key"},
		{"dtype not text", container(`{"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}}`), "a", "want a string"},
		{"dtype unknown", container(withB("F12", "[2]", "[2,4]"), four...), "b", `unknown dtype "F12"`},
		{"shape negative", container(withB("U8", "[-2]", "[2,4]"), four...), "b", "integer from 0 on"},
		{"shape a fraction", container(withB("U8", "[2.0]", "[2,4]"), four...), "b", "integer from 0 on"},
		{"shape of text", container(withB("U8", `["2"]`, "[2,4]"), four...), "b", "want an integer"},
		{"shape null", container(withB("U8", "null", "[2,4]"), four...), "b", "want ["},
		{"shape too large", container(withB("U8", "[4294967296,4294967296]", "[2,4]"), four...), "b", "too large"},
		{"bytes too many", container(withB("F64", "[2305843009213693952]", "[2,4]"), four...), "b", "too large"},
		{"half a byte", container(withB("F4", "[3]", "[2,4]"), four...), "b", "whole bytes"},
		{"size of dtype", container(withB("F32", "[2]", "[2,4]"), four...), "b", "takes 8 bytes, data_offsets [2, 4] hold 2"},
		{"one offset", container(withB("U8", "[2]", "[2]"), four...), "b", "want two numbers"},
		{"three offsets", container(withB("U8", "[2]", "[2,4,6]"), four...), "b", "want two numbers"},
		{"offsets reversed", container(withB("U8", "[2]", "[4,2]"), four...), "b", "end before they begin"},
		{"overlap", container(withB("U8", "[2]", "[1,3]"), four...), "b", "inside that of the tensor before"},
		{"same place", container(withB("U8", "[2]", "[0,2]"), four...), "b", "inside that of the tensor before"},
		{"gap", container(withB("U8", "[1]", "[3,4]"), four...), "b", "leaving a gap after 2"},
		{"gap at the start", container(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, four...), "a", "leaving a gap after 0"},
		{"data cut off", container(withB("U8", "[3]", "[2,5]"), four...), "b", "cut off"},
		{"out of range", container(withB("U8", "[9999999999]", "[2,10000000001]"), four...), "b", "cut off"},
		{"data goes on", container("{"+a+"}", four...), "", "goes on after"},
		{"tensor twice", container("{"+a+","+a+"}", four...), "a", "occurs twice"},
		{"metadata twice", container(`{"__metadata__":{},"__metadata__":{}}`), "__metadata__", "occurs twice"},
		{"metadata's key twice", container(`{"__metadata__":{"k":"","k":""}}`), "", "occurs twice"},
		{"metadata not text", container(`{"__metadata__":{"k":1}}`), "", "want a string"},
		{"metadata null", container(`{"__metadata__":null}`), "", "want {"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := weights.ReadSafetensors(bytes.NewReader(test.file))
			var format *weights.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("got error %v, want a FormatError", err)
			}
			if format.Tensor != test.tensor || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got tensor %q, error %q; want tensor %q and %q", format.Tensor, err, test.tensor, test.want)
			}
			if test.tensor != "" && !strings.Contains(err.Error(), fmt.Sprintf("%q", test.tensor)) {
				t.Errorf("error %q doesn't name the tensor", err)
			}
		})
	}
}

// TestReadOrder reads tensors whose data is in another order than the header, with empty ones between.
func TestReadOrder(t *testing.T) {
	file := container(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"none":{"dtype":"F32","shape":[3,0],"data_offsets":[2,2]},`+
		`"a":{"shape":[2],"data_offsets":[0,2],"dtype":"BOOL"}}   `, 5, 6, 7)
	f, err := weights.ReadSafetensors(iotest.OneByteReader(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	want := &weights.File{Tensors: []weights.Tensor{
		{Name: "a", DType: "BOOL", Shape: []int{2}, Data: []byte{5, 6}},
		{Name: "none", DType: "F32", Shape: []int{3, 0}, Data: []byte{}},
		{Name: "b", DType: "U8", Shape: []int{1}, Data: []byte{7}},
	}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadReaderError(t *testing.T) {
	broken := errors.New("broken disk")
	file := container(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 1, 2)
	for _, n := range []int{0, 3, 20, len(file) - 1, len(file)} {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		_, err := weights.ReadSafetensors(r)
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got error %v, want %v", n, err, broken)
		}
		var format *weights.FormatError
		if errors.As(err, &format) {
			t.Errorf("after %d bytes: error %v blames the format", n, err)
		}
	}
}

// TestReadMemory gives files that claim far more than they hold: a header of 100 MB, a tensor of 1 TB.
func TestReadMemory(t *testing.T) {
	files := map[string][]byte{
		"header": append(binary.LittleEndian.AppendUint64(nil, 100_000_000), "{"...),
		"tensor": container(`{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}`, make([]byte, 100)...),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := weights.ReadSafetensors(bytes.NewReader(file)); err == nil {
				t.Error("no error")
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
				t.Errorf("reading %d bytes allocated %d", len(file), used)
			}
		})
	}
}

// TestReadLarge reads a tensor that takes several steps of growth.
func TestReadLarge(t *testing.T) {
	data := make([]byte, 5<<20+3)
	for i := range data {
		data[i] = byte(i % 251)
	}
	in := &weights.File{Tensors: []weights.Tensor{{Name: "a", DType: "U8", Shape: []int{len(data)}, Data: data}}}
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, in); err != nil {
		t.Fatal(err)
	}
	out, err := weights.ReadSafetensors(&file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Tensors[0].Data, data) {
		t.Error("the data changed")
	}
}

// FuzzReadSafetensors checks that the reader never panics, takes memory in proportion to its input, and that what it
// accepts comes back equal from a file written of it.
func FuzzReadSafetensors(f *testing.F) {
	sample, err := os.ReadFile("testdata/sample.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add(container("{}"))
	f.Add(container(`{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  `, 0, 0, 128, 63))
	f.Add(container(`{"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`))
	f.Add(binary.LittleEndian.AppendUint64(nil, 99_999_999))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := weights.ReadSafetensors(bytes.NewReader(file))
		if err != nil {
			var format *weights.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("error %v is no FormatError", err)
			}
			return
		}
		total := 0
		for _, tensor := range got.Tensors {
			total += len(tensor.Data)
			if _, err := tensor.Float32(); err != nil && strings.HasPrefix(tensor.DType, "F32") {
				t.Errorf("%s: %v", tensor.Name, err)
			}
			if _, err := tensor.Int(); err != nil && tensor.DType == "I32" {
				t.Errorf("%s: %v", tensor.Name, err)
			}
		}
		if total > len(file) {
			t.Fatalf("%d bytes of data from a file of %d", total, len(file))
		}
		var written bytes.Buffer
		if err := weights.WriteSafetensors(&written, got); err != nil {
			t.Fatal(err)
		}
		again, err := weights.ReadSafetensors(&written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}
