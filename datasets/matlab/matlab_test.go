// SPDX-License-Identifier: Apache-2.0

package matlab

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file is a MAT file in the making, of one byte order.
type file struct {
	order binary.AppendByteOrder
	mark  string
}

func little() file { return file{binary.LittleEndian, "IM"} }
func big() file    { return file{binary.BigEndian, "MI"} }

// of returns the file that holds the elements.
func (f file) of(elements ...[]byte) []byte {
	out := append(bytes.Repeat([]byte{' '}, 116), make([]byte, 8)...)
	out = append(f.order.AppendUint16(out, 0x0100), f.mark...)
	return append(out, bytes.Join(elements, nil)...)
}

// element returns an element in the long form.
func (f file) element(k kind, data []byte) []byte {
	out := f.order.AppendUint32(nil, uint32(k))
	out = f.order.AppendUint32(out, uint32(len(data)))
	return append(append(out, data...), make([]byte, -len(data)&7)...)
}

// small returns an element of up to 4 bytes in the short form.
func (f file) small(k kind, data []byte) []byte {
	out := f.order.AppendUint32(nil, uint32(len(data)<<16)|uint32(k))
	return append(append(out, data...), make([]byte, 4-len(data))...)
}

func (f file) ints(values ...int32) []byte {
	var out []byte
	for _, v := range values {
		out = f.order.AppendUint32(out, uint32(v))
	}
	return out
}

// array returns an array of rows × columns with its content.
func (f file) array(class Class, name string, rows, columns int32, content ...[]byte) []byte {
	body := f.element(miUint32, f.ints(int32(class), 0))
	body = append(body, f.element(miInt32, f.ints(rows, columns))...)
	body = append(body, f.element(miInt8, []byte(name))...)
	return f.element(miMatrix, append(body, bytes.Join(content, nil)...))
}

// compressed returns a compressed element.
func (f file) compressed(element []byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(element)
	w.Close()
	out := f.order.AppendUint32(nil, uint32(miCompressed))
	return append(f.order.AppendUint32(out, uint32(packed.Len())), packed.Bytes()...)
}

// people returns a struct array of two elements with a name and an age, the ages in short form.
func (f file) people() []byte {
	utf16 := func(s string) (out []byte) {
		for _, r := range s {
			out = f.order.AppendUint16(out, uint16(r))
		}
		return out
	}
	return f.array(
		Struct, "people", 1, 2, f.small(miInt32, f.ints(5)), f.element(miInt8, []byte("name\x00age\x00\x00")),
		f.array(Char, "", 1, 3, f.element(miUint16, utf16("Ada"))),
		f.array(Double, "", 1, 1, f.small(miUint8, []byte{36})),
		f.array(Char, "", 1, 2, f.small(miUint16, utf16("Zoë")[2:])),
		f.element(miMatrix, nil),
	)
}

func mustRead(t *testing.T, data []byte) map[string]*Array {
	t.Helper()
	variables, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return variables
}

// numbers returns all elements.
func numbers(t *testing.T, a *Array) []float64 {
	t.Helper()
	out := []float64{}
	for i := range a.Len() {
		v, err := a.Number(i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// Both byte orders, compressed and not, long and short elements.
func TestRead(t *testing.T) {
	for name, f := range map[string]file{"little": little(), "big": big()} {
		for form, data := range map[string][]byte{"plain": f.of(f.people()), "compressed": f.of(f.compressed(f.people()))} {
			t.Run(name+" "+form, func(t *testing.T) {
				people := mustRead(t, data)["people"]
				if diff := cmp.Diff([]string{"name", "age"}, people.Fields()); diff != "" || people.Len() != 2 {
					t.Fatalf("%d elements, fields (-want +got):\n%s", people.Len(), diff)
				}
				for i, want := range []string{"Ada", "oë"} {
					if got, err := people.Field(i, "name").Text(); got != want || err != nil {
						t.Errorf("name %d is %q, error %v: want %q", i, got, err, want)
					}
				}
				if age, err := people.Field(0, "age").Int(); age != 36 || err != nil {
					t.Errorf("age %d, error %v", age, err)
				}
				if age, err := people.Field(1, "age").Int(); err == nil {
					t.Errorf("an empty age is %d", age)
				}
				if people.Field(0, "size") != nil || people.Field(2, "age") != nil || people.Field(-1, "age") != nil {
					t.Error("fields that there are not")
				}
			})
		}
	}
}

// SciPy's files. Wanted are the values that testdata/make_golden.py gave it.
func TestReadSciPy(t *testing.T) {
	for _, name := range []string{"values.mat", "values_compressed.mat"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			v := mustRead(t, data)
			for variable, want := range map[string][]float64{
				"matrix": {1.5, 3, 5, -2, 4e300, math.Inf(1)}, "single": {0.25, -8},
				"int8": {-128, 127}, "uint8": {0, 255, 7}, "int16": {-32768}, "uint16": {65535}, "int32": {math.MinInt32},
				"uint32": {math.MaxUint32}, "int64": {-1 << 53}, "uint64": {1 << 63}, "truth": {1, 0}, "imaginary": {1, 3},
				"empty": {}, "three": {0, 3, 1, 4, 2, 5},
			} {
				if diff := cmp.Diff(want, numbers(t, v[variable])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", variable, diff)
				}
			}
			for variable, want := range map[string]string{"text": "añ€😀", "empty_text": ""} {
				if got, err := v[variable].Text(); got != want || err != nil {
					t.Errorf("%s is %q, error %v: want %q", variable, got, err, want)
				}
			}
			checkNested(t, v)
			if _, err := v["rows_of_text"].Text(); err == nil || !strings.Contains(err.Error(), "want text of one row") {
				t.Errorf("two rows of text: error %v", err)
			}
			if diff := cmp.Diff([]int{1, 2, 3}, v["three"].Dims); diff != "" {
				t.Errorf("dimensions (-want +got):\n%s", diff)
			}
			if !v["truth"].Logical || v["uint8"].Logical || !v["imaginary"].Complex || v["matrix"].Complex {
				t.Error("flags")
			}
			if s := v["sparse"]; s.Class != Sparse || s.Class.String() != "sparse" {
				t.Errorf("sparse is of %v", s.Class)
			}
		})
	}
}

// checkNested looks into the cell array of SciPy's files, which holds a cell array that holds a struct array.
func checkNested(t *testing.T, v map[string]*Array) {
	t.Helper()
	cell := v["cell"]
	if n, err := cell.Cell(0).Int(); n != -300 || err != nil {
		t.Errorf("cell (1, 1) is %d, error %v", n, err)
	}
	if s, err := cell.Cell(2).Text(); s != "two" || err != nil {
		t.Errorf("cell (1, 2) is %q, error %v", s, err)
	}
	if n := cell.Cell(3).Len(); n != 0 || cell.Cell(4) != nil || cell.Cell(-1) != nil {
		t.Errorf("cell (2, 2) has %d elements", n)
	}
	if s, err := cell.Cell(1).Cell(0).Field(1, "name").Text(); s != "Grace" || err != nil {
		t.Errorf("the second name is %q, error %v", s, err)
	}
	if s := v["struct"]; s.Field(1, "age").Len() != 0 || s.Cell(0) != nil {
		t.Error("the second age")
	}
}

// Accessors of what is not there return errors or nothing.
func TestNoArray(t *testing.T) {
	var a *Array
	if a.Len() != 0 || a.Fields() != nil || a.Field(0, "x") != nil || a.Cell(0) != nil {
		t.Error("nil has elements")
	}
	for _, a := range []*Array{nil, {Class: Cell, Dims: []int{1, 1}, cells: []*Array{nil}}, {Class: Double, Dims: []int{0, 1}}} {
		if _, err := a.Number(0); err == nil {
			t.Errorf("%s has a number", a.class())
		}
		if _, err := a.Int(); err == nil {
			t.Errorf("%s is an int", a.class())
		}
		if _, err := a.Text(); err == nil {
			t.Errorf("%s is text", a.class())
		}
	}
	for c, want := range map[Class]string{Cell: "cell", UInt64: "uint64", Opaque: "opaque", 0: "class 0", 99: "class 99"} {
		if c.String() != want {
			t.Errorf("class %d is %q, want %q", uint8(c), c, want)
		}
	}
}

// Characters in each encoding, in both byte orders.
func TestText(t *testing.T) {
	f := big()
	for name, c := range map[string]struct {
		length int32
		value  []byte
		want   string
	}{
		"ASCII":               {2, f.small(miInt8, []byte("ab")), "ab"},
		"Latin-1":             {2, f.small(miUint8, []byte{'a', 0xf1}), "añ"},
		"UTF-8 as bytes":      {3, f.small(miUint8, []byte("añ")), "añ"},
		"UTF-8":               {2, f.small(miUTF8, []byte("añ")), "añ"},
		"UTF-16":              {2, f.small(miUTF16, []byte{0xd8, 0x3d, 0xde, 0x00}), "😀"},
		"UTF-32":              {1, f.small(miUTF32, []byte{0, 1, 0xf6, 0}), "😀"},
		"no code point":       {1, f.small(miUTF32, []byte{0xff, 1, 0xf6, 0}), "\ufffd"},
		"half of a character": {1, f.small(miUTF16, []byte{0xd8, 0x3d}), "\ufffd"},
	} {
		a := mustRead(t, f.of(f.array(Char, "x", 1, c.length, c.value)))["x"]
		if got, err := a.Text(); got != c.want || err != nil {
			t.Errorf("%s: %q, error %v: want %q", name, got, err, c.want)
		}
	}
	a := mustRead(t, f.of(f.array(Char, "x", 1, 1, f.small(miUTF8, []byte{0xff}))))["x"]
	if _, err := a.Text(); err == nil {
		t.Error("broken UTF-8 is read")
	}
}

// What an object, a function handle and an opaque array hold is passed over.
func TestNotRead(t *testing.T) {
	f := little()
	opaque := append(f.element(miUint32, f.ints(int32(Opaque), 0)), f.element(miInt8, []byte("table"))...)
	v := mustRead(t, f.of(
		f.array(Object, "thing", 1, 1, f.element(miInt8, []byte("whatever"))),
		f.array(Function, "f", 1, 1),
		f.element(miMatrix, append(opaque, f.element(miUint8, []byte("xyz"))...)),
		f.element(miUint8, []byte("no variable")),
		f.array(Double, "last", 1, 1, f.small(miUint8, []byte{9})),
	))
	for name, class := range map[string]Class{"thing": Object, "f": Function, "table": Opaque, "last": Double} {
		if v[name] == nil || v[name].Class != class {
			t.Errorf("%s is %v, want of %v", name, v[name], class)
		}
	}
	if v["thing"].Field(0, "x") != nil || v["thing"].Fields() != nil {
		t.Error("an object has fields")
	}
}

func TestReadFaults(t *testing.T) {
	f := little()
	short := f.of(f.people())
	deep := f.array(Double, "", 1, 1, f.small(miUint8, []byte{1}))
	for range maxDepth + 1 {
		deep = f.array(Cell, "x", 1, 1, deep)
	}
	version := f.of()
	version[versionOffset+1] = 2
	checksum := f.of(f.compressed(f.people()))
	checksum[len(checksum)-1] ^= 1
	one := f.small(miUint8, []byte{1})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":              {nil, "not a MAT file"},
		"no header":            {[]byte(strings.Repeat("x", 200)), "byte order"},
		"version 7.3":          {version, "0x0200"},
		"half a tag":           {f.of([]byte{1, 0, 0}), "tag: unexpected EOF"},
		"cut":                  {short[:len(short)-20], "unexpected EOF"},
		"a wrong checksum":     {checksum, "invalid checksum"},
		"no zlib":              {f.of(f.element(miCompressed, []byte("no zlib stream"))), "decompressing variable 1"},
		"two in one":           {f.of(f.compressed(append(f.people(), f.people()...))), "left over"},
		"twice":                {f.of(f.people(), f.people()), `"people"`},
		"a long small one":     {f.of(f.ints(5<<16|1, 0)), "small element of 5 bytes"},
		"no flags":             {f.of(f.element(miMatrix, f.element(miInt32, f.ints(1, 1)))), "array flags: an element of type 5, want 6"},
		"short flags":          {f.of(f.element(miMatrix, f.small(miUint32, f.ints(6)))), "array flags: 4 bytes"},
		"a negative size":      {f.of(f.array(Double, "x", -1, 1, one)), "negative"},
		"a huge size":          {f.of(f.array(Double, "x", 1<<30, 1<<30, one)), "too large"},
		"a claim of gigabytes": {f.of(f.array(Cell, "x", 1<<15, 1<<15)), `variable "x": 1073741824 arrays in 0 bytes`},
		"huge structs":         {f.of(f.array(Struct, "x", 1<<15, 1<<15, f.small(miInt32, f.ints(1)), f.small(miInt8, []byte("abcd")))), "too many"},
		"too few values":       {f.of(f.array(Double, "x", 2, 1, one)), "values: 1 bytes, want 2"},
		"too many values":      {f.of(f.array(UInt8, "x", 0, 1, one)), "values: 1 bytes, want 0"},
		"text of numbers":      {f.of(f.array(Char, "x", 1, 1, f.element(miDouble, make([]byte, 8)))), "values of type 9"},
		"numbers of text":      {f.of(f.array(Double, "x", 1, 1, f.small(miUTF8, []byte{1}))), "values of type 16"},
		"no values":            {f.of(f.array(Double, "x", 1, 1)), "values: an element's tag"},
		"names of length 0":    {f.of(f.array(Struct, "x", 1, 1, f.small(miInt32, f.ints(0)), f.small(miInt8, []byte("a")))), "names of 0 each"},
		"names cut":            {f.of(f.array(Struct, "x", 1, 1, f.small(miInt32, f.ints(3)), f.small(miInt8, []byte("abcd")))), "4 bytes for names of 3"},
		"a number as element":  {f.of(f.array(Cell, "x", 1, 1, one, one)), "element 0: element: an element of type 2, want 14"},
		"too deep":             {f.of(deep), "deep"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := Read(bytes.NewReader(c.data))
			if err == nil || v != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d variables, error %v: want %q", len(v), err, c.want)
			}
		})
	}
	if _, err := Read(bytes.NewReader(version)); !errors.Is(err, ErrVersion) {
		t.Errorf("error %v: want ErrVersion", err)
	}
}

// A file that decompresses to more than the limit, at once or in parts, is refused before it has taken the memory.
func TestReadLimit(t *testing.T) {
	f := little()
	zeros := func(name string, n int) []byte {
		return f.compressed(f.array(UInt8, name, int32(n), 1, f.element(miUint8, make([]byte, n))))
	}
	const limit = 10_000
	if _, err := read(bytes.NewReader(f.of(zeros("a", limit-200))), limit); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	for name, data := range map[string][]byte{
		"at once":  f.of(zeros("a", limit)),
		"in parts": f.of(zeros("a", limit/2), zeros("b", limit/2)),
		"plain":    f.of(f.array(UInt8, "a", limit, 1, f.element(miUint8, make([]byte, limit)))),
	} {
		if _, err := read(bytes.NewReader(data), limit); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	bomb := f.of(zeros("a", 2*MaxSize))
	if _, err := Read(bytes.NewReader(bomb)); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("%d bytes that become %d: error %v", len(bomb), 2*MaxSize, err)
	}
}
