// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/weights"
)

func TestWriteBytes(t *testing.T) {
	f := &weights.File{
		Tensors: []weights.Tensor{
			weights.FromFloat32("z<&>", []int{1, 2}, []float32{1, -2}),
			{Name: "a", DType: "U8", Data: []byte{9}},
		},
		Metadata: map[string]string{"z": "1", "b": "ä"},
	}
	var got bytes.Buffer
	if err := weights.WriteSafetensors(&got, f); err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"b":"ä","z":"1"},"z<&>":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},` +
		`"a":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := container(header, 0, 0, 128, 63, 0, 0, 0, 192, 9)
	if diff := cmp.Diff(want, got.Bytes()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRoundTrip(t *testing.T) {
	tests := map[string]*weights.File{
		"nothing":        {Tensors: []weights.Tensor{}},
		"empty metadata": {Tensors: []weights.Tensor{}, Metadata: map[string]string{}},
		"order kept": {Tensors: []weights.Tensor{
			weights.FromInt32("z", []int{2}, []int32{-1, 5}),
			{Name: "empty", DType: "F32", Shape: []int{0}, Data: []byte{}},
			{Name: "", DType: "I64", Shape: []int{}, Data: make([]byte, 8)},
			{Name: "four bits", DType: "F4", Shape: []int{2, 3}, Data: []byte{1, 2, 3}},
			weights.FromFloat32(`a "quoted" name`, []int{1, 1, 3}, []float32{1, 2, 3}),
		}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			if err := weights.WriteSafetensors(&file, want); err != nil {
				t.Fatal(err)
			}
			if length := binary.LittleEndian.Uint64(file.Bytes()); (8+length)%8 != 0 {
				t.Errorf("the data begins at %d, which is not aligned to 8", 8+length)
			}
			got, err := weights.ReadSafetensors(&file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteFaults(t *testing.T) {
	good := weights.FromFloat32("a", []int{1}, []float32{1})
	tests := map[string]struct {
		tensor weights.Tensor
		want   string
	}{
		"twice":          {good, "occurs twice"},
		"reserved":       {weights.FromFloat32("__metadata__", nil, []float32{1}), "reserved"},
		"not UTF-8":      {weights.FromFloat32("\xff", nil, []float32{1}), "not UTF-8"},
		"unknown dtype":  {weights.Tensor{Name: "b", DType: "f32", Data: make([]byte, 4)}, `unknown dtype "f32"`},
		"short data":     {weights.Tensor{Name: "b", DType: "F32", Shape: []int{2}, Data: make([]byte, 4)}, "takes 8 bytes, got 4"},
		"negative shape": {weights.Tensor{Name: "b", DType: "F32", Shape: []int{-1}}, "negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := weights.WriteSafetensors(&out, &weights.File{Tensors: []weights.Tensor{good, test.tensor}})
			var format *weights.FormatError
			if !errors.As(err, &format) || format.Tensor != test.tensor.Name || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q of tensor %q", err, test.want, test.tensor.Name)
			}
			if out.Len() != 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
	err := weights.WriteSafetensors(&bytes.Buffer{}, &weights.File{Metadata: map[string]string{"k": "\xff"}})
	if err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("metadata that is not UTF-8: got error %v", err)
	}
}

// limitedWriter fails after n bytes.
type limitedWriter struct {
	n   int
	err error
}

func (w *limitedWriter) Write(b []byte) (int, error) {
	if len(b) > w.n {
		return 0, w.err
	}
	w.n -= len(b)
	return len(b), nil
}

func TestWriteWriterError(t *testing.T) {
	full := errors.New("disk full")
	f := &weights.File{Tensors: []weights.Tensor{weights.FromFloat32("a", []int{1}, []float32{1})}}
	if err := weights.WriteSafetensors(&limitedWriter{0, full}, f); !errors.Is(err, full) {
		t.Errorf("header: got error %v", err)
	}
	err := weights.WriteSafetensors(&limitedWriter{100, full}, f)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, f); err != nil {
		t.Fatal(err)
	}
	err = weights.WriteSafetensors(&limitedWriter{file.Len() - 1, full}, f)
	if !errors.Is(err, full) || !strings.Contains(err.Error(), `tensor "a"`) {
		t.Errorf("data: got error %v", err)
	}
}

// BenchmarkSafetensors writes and reads 100 MB, about the weights of a ResNet-50.
func BenchmarkSafetensors(b *testing.B) {
	f := &weights.File{}
	for _, name := range []string{"a", "b", "c", "d"} {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: name, DType: "F32", Shape: []int{25 << 18}, Data: make([]byte, 25<<20)})
	}
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, f); err != nil {
		b.Fatal(err)
	}
	data := file.Bytes()
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			file.Reset()
			if err := weights.WriteSafetensors(&file, f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		data := bytes.Clone(data)
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := weights.ReadSafetensors(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
