// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/weights"
)

// readSample returns the bytes of a file in testdata; see make_torch.py for what it holds.
func readSample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readTorch(data []byte) (*weights.File, error) {
	return weights.ReadTorch(bytes.NewReader(data), int64(len(data)))
}

// byName returns the tensors of a file in a map.
func byName(f *weights.File) map[string]weights.Tensor {
	m := map[string]weights.Tensor{}
	for _, t := range f.Tensors {
		m[t.Name] = t
	}
	return m
}

// TestReadTorch reads what PyTorch wrote in each format, and finds what the safetensors library wrote of the same tensors.
func TestReadTorch(t *testing.T) {
	for name, tensors := range map[string]string{
		"views.pth": "views.safetensors", "views_legacy.pth": "views.safetensors", "views_protocol4.pth": "views.safetensors",
		"checkpoint.pth": "checkpoint.safetensors", "checkpoint_legacy.pth": "checkpoint.safetensors",
	} {
		t.Run(name, func(t *testing.T) {
			want, err := weights.Open(filepath.Join("testdata", tensors))
			if err != nil {
				t.Fatal(err)
			}
			got, err := weights.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byName(want), byName(got)); diff != "" {
				t.Errorf("(-safetensors +torch):\n%s", diff)
			}
		})
	}
}

// TestReadTorchValues compares some values with those of make_torch.py, where base[i, j] = (6i + j)/7.
func TestReadTorchValues(t *testing.T) {
	f, err := weights.Open("testdata/views.pth")
	if err != nil {
		t.Fatal(err)
	}
	if first := f.Tensors[0].Name; first != "base" {
		t.Errorf("the first tensor is %s: not the order of the dict", first)
	}
	for name, want := range map[string]struct {
		shape  []int
		values []float32 // times 7
	}{
		"transposed":   {[]int{6, 4}, []float32{0, 6, 12, 18, 1, 7, 13, 19, 2, 8, 14, 20, 3, 9, 15, 21, 4, 10, 16, 22, 5, 11, 17, 23}},
		"columns":      {[]int{3, 3}, []float32{8, 9, 10, 14, 15, 16, 20, 21, 22}},
		"every_second": {[]int{12}, []float32{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}},
		"corner":       {[]int{1, 1}, []float32{23}},
		"tail":         {[]int{2, 6}, []float32{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
		"expanded":     {[]int{3, 2}, []float32{10.5, -14, 10.5, -14, 10.5, -14}},
		"scalar":       {[]int{}, []float32{3.5}},
		"empty":        {[]int{0, 4}, []float32{}},
	} {
		tensor, _ := f.Tensor(name)
		got, err := tensor.Float32()
		if err != nil || len(got) != len(want.values) || !cmp.Equal(want.shape, tensor.Shape) {
			t.Errorf("%s: shape %v, %d values, %v; want %v, %d", name, tensor.Shape, len(got), err, want.shape, len(want.values))
			continue
		}
		for i, v := range got {
			if v != want.values[i]/7 {
				t.Errorf("%s[%d] = %v, want %v", name, i, v, want.values[i]/7)
			}
		}
	}
}

// TestReadTorchShares checks that tensors of one storage take its bytes, not copies.
func TestReadTorchShares(t *testing.T) {
	f, err := readTorch(readSample(t, "views.pth"))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := f.Tensor("base")
	tail, _ := f.Tensor("tail")
	if &base.Data[48] != &tail.Data[0] {
		t.Error("tail is a copy of the second half of base")
	}
	if cap(base.Data) != len(base.Data) || cap(tail.Data) != len(tail.Data) {
		t.Error("an append would write to the bytes of another tensor")
	}
}

func TestOpenFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "none.pth"), "no such file"},
		{dir, "not a file"},
		{write("empty.pth", nil), "neither a safetensors file nor one of torch.save"},
		{write("text.safetensors", []byte("<!DOCTYPE html><p>404")), `"<!DOCTYPE html><`},
		{write("cut.pth", readSample(t, "views.pth")[:3000]), "cut off or damaged"},
		{write("zip.pth", zipOf(t, entry{"a/b", "x"})), "without a data.pkl"},
		{"testdata/module.pth", "torch.nn.modules.linear.Linear"},
		{"testdata/script.pth", "TorchScript"},
	} {
		_, err := weights.Open(test.path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("%s: error %v, want %q and the path", test.path, err, test.want)
		}
	}
}

// TestOpenGoesByContent opens files under names of other formats.
func TestOpenGoesByContent(t *testing.T) {
	for _, name := range []string{"views.pth", "views_legacy.pth", "views.safetensors"} {
		for _, ending := range []string{".pth", ".safetensors", ""} {
			path := filepath.Join(t.TempDir(), "x"+ending)
			if err := os.WriteFile(path, readSample(t, name), 0o644); err != nil {
				t.Fatal(err)
			}
			if f, err := weights.Open(path); err != nil || len(f.Tensors) != 20 {
				t.Errorf("%s as %q: %v", name, ending, err)
			}
		}
	}
	// A header of 640 bytes makes a safetensors file begin with a pickle's first two bytes.
	header := `{"__metadata__":{}}`
	path := filepath.Join(t.TempDir(), "x.pth")
	if err := os.WriteFile(path, container(header+strings.Repeat(" ", 640-len(header))), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.Open(path); err != nil {
		t.Error(err)
	}
}

// TestReadTorchCutOff cuts the files at every byte, and flips every seventh.
func TestReadTorchCutOff(t *testing.T) {
	for _, name := range []string{"views.pth", "views_legacy.pth", "checkpoint.pth", "checkpoint_legacy.pth", "views_protocol4.pth"} {
		whole := readSample(t, name)
		for n := range whole {
			var format *weights.FormatError
			if _, err := readTorch(whole[:n]); !errors.As(err, &format) {
				t.Errorf("%s cut at %d: error %v, want a FormatError", name, n, err)
			}
			if n%7 != 0 {
				continue
			}
			flipped := bytes.Clone(whole)
			flipped[n] ^= 0xff
			if _, err := readTorch(flipped); err != nil && !errors.As(err, &format) {
				t.Errorf("%s flipped at %d: error %v, want a FormatError", name, n, err)
			}
		}
	}
}

// TestReadTorchChecksum flips a byte of a tensor, which the zip format's checksum tells.
func TestReadTorchChecksum(t *testing.T) {
	data := readSample(t, "views.pth")
	base, err := weights.Open("testdata/views.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	tensor, _ := base.Tensor("base")
	at := bytes.Index(data, tensor.Data)
	if at < 0 {
		t.Fatal("the tensor is not in the file")
	}
	data[at+5] ^= 1
	if _, err := readTorch(data); err == nil || !strings.Contains(err.Error(), "checksum") || !strings.Contains(err.Error(), `"base"`) {
		t.Errorf("got error %v", err)
	}
}

// brokenReader fails to read from a byte on.
type brokenReader struct {
	r    io.ReaderAt
	from int64
	err  error
}

func (b brokenReader) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > b.from {
		return 0, b.err
	}
	return b.r.ReadAt(p, offset)
}

// TestReadTorchReaderError checks that a broken disk is not taken for a broken file.
func TestReadTorchReaderError(t *testing.T) {
	broken := errors.New("broken disk")
	for _, name := range []string{"views.pth", "views_legacy.pth"} {
		data := readSample(t, name)
		for _, from := range []int64{0, 10, 100, int64(len(data)) - 1} {
			_, err := weights.ReadTorch(brokenReader{bytes.NewReader(data), from, broken}, int64(len(data)))
			var format *weights.FormatError
			if !errors.Is(err, broken) || errors.As(err, &format) {
				t.Errorf("%s from %d on: error %v", name, from, err)
			}
		}
	}
}
