// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idxFile returns an IDX file of 2 × 3 bytes as its format describes it, byte by byte.
func idxFile() []byte {
	return []byte{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60}
}

// compressed returns the gzip form of data.
func compressed(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadIDX(t *testing.T) {
	want := &IDX{Dims: []int{2, 3}, Data: []uint8{10, 20, 30, 40, 50, 60}}
	for name, data := range map[string][]byte{"plain": idxFile(), "gzip": compressed(t, idxFile())} {
		got, err := ReadIDX(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var out bytes.Buffer
	if err := WriteIDX(&out, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(idxFile(), out.Bytes()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestReadIDXFaults(t *testing.T) {
	change := func(at int, v byte) []byte {
		data := idxFile()
		data[at] = v
		return data
	}
	gz := compressed(t, idxFile())
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "header"},
		{"half a header", idxFile()[:3], "header"},
		{"half the dimensions", idxFile()[:10], "dimensions"},
		{"half the data", idxFile()[:15], "after 3 of 6 bytes"},
		{"too much data", append(idxFile(), 1), "goes on after 6 bytes"},
		{"another beginning", change(0, 7), "not an IDX file"},
		{"floats", change(2, 0x0d), "type 0x0d"},
		{"no dimensions", change(3, 0), "without dimensions"},
		{"a dimension of 0", change(7, 0), "dimension 0 is 0"},
		{"a huge dimension", change(4, 0xff), "too large"},
		{"a claim of terabytes", change(5, 0xff), "after 6 of"},
		{"half a gzip file", gz[:len(gz)-6], "EOF"},
		{"a wrong checksum", append(bytes.Clone(gz[:len(gz)-8]), 1, 2, 3, 4, 6, 0, 0, 0)[:len(gz)], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadIDX(bytes.NewReader(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want %q", err, c.want)
			}
		})
	}
}

func TestWriteIDXPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for 5 bytes of 2 × 3")
		}
	}()
	_ = WriteIDX(io.Discard, &IDX{Dims: []int{2, 3}, Data: make([]uint8, 5)})
}

// Whatever is read is written as the same data again; nothing crashes, and nothing claims more than is there.
func FuzzIDX(f *testing.F) {
	f.Add(idxFile())
	f.Add(idxFile()[:13])
	f.Add(compressed(f, idxFile()))
	f.Add([]byte{0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ReadIDX(bytes.NewReader(data))
		if err != nil {
			if x != nil {
				t.Errorf("error %v beside an array", err)
			}
			return
		}
		size := 1
		for _, d := range x.Dims {
			size *= d
		}
		if size != len(x.Data) || size == 0 {
			t.Fatalf("%d bytes for dimensions %v", len(x.Data), x.Dims)
		}
		var out bytes.Buffer
		if err := WriteIDX(&out, x); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadIDX(&out); err != nil || !cmp.Equal(x, again) {
			t.Errorf("written and read again: %v, error %v: want %v", again, err, x)
		}
	})
}
