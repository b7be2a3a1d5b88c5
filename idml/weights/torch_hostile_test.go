// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"introspection/idml/weights"
)

type entry struct{ name, content string }

// zipOf returns a zip archive of the entries, stored.
func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store})
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// torchFile returns a file in the zip format with the pickle and one storage, "0", of the bytes.
func torchFile(t testing.TB, program, data string) []byte {
	t.Helper()
	return zipOf(t, entry{"x/data.pkl", program}, entry{"x/data/0", data})
}

// Parts of pickles. Protocol 2 throughout.
func text(s string) string { return "X" + uint32LE(len(s)) + s }

func uint32LE(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

// integer is LONG1 of eight bytes.
func integer(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func tuple(items ...string) string { return "(" + strings.Join(items, "") + "t" }

func integers(list ...int64) string {
	var items []string
	for _, n := range list {
		items = append(items, integer(n))
	}
	return tuple(items...)
}

// store is the persistent id of storage "0".
func store(kind string, elements int64) string {
	return tuple(text("storage"), "ctorch\n"+kind+"\n", text("0"), text("cpu"), integer(elements)) + "Q"
}

// tensor rebuilds a tensor.
func tensor(storage string, offset int64, shape, strides string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n" + tuple(storage, integer(offset), shape, strides, "\x89", "ccollections\nOrderedDict\n)R") + "R"
}

// stateDict is a whole pickle of a dict of names and values.
func stateDict(pairs ...string) string { return "\x80\x02}(" + strings.Join(pairs, "") + "u." }

// TestReadTorchBuilt reads pickles that are put together here, so that the faults below are those they are named after.
func TestReadTorchBuilt(t *testing.T) {
	const data = "\x01\x02\x03\x04\x05\x06"
	last := tensor(store("ByteStorage", 6), 5, integers(1), integers(1))
	dict := "}" + text("a") + last + "s"
	for _, test := range []struct{ name, program, want string }{
		{"plain", stateDict(text("a"), tensor(store("ByteStorage", 6), 1, integers(2, 2), integers(2, 1))), "\x02\x03\x04\x05"},
		{"strides", stateDict(text("a"), tensor(store("ByteStorage", 6), 0, integers(3, 2), integers(1, 3))), "\x01\x04\x02\x05\x03\x06"},
		{"dim of 1", stateDict(text("a"), tensor(store("ByteStorage", 6), 4, integers(1, 2), integers(1<<62, 1))), "\x05\x06"},
		{"repeated", stateDict(text("a"), tensor(store("ByteStorage", 6), 2, integers(3), integers(0))), "\x03\x03\x03"},
		{"scalar", stateDict(text("a"), tensor(store("ByteStorage", 6), 2, ")", ")")), "\x03"},
		{"empty", stateDict(text("a"), tensor(store("ByteStorage", 6), 0, integers(0, 1<<40), integers(1, 1))), ""},
		{"parameter", stateDict(text("a"), "ctorch._utils\n_rebuild_parameter\n"+tuple(last, "\x88", "N")+"R"), "\x06"},
		{"size", stateDict(text("a"), tensor(store("ByteStorage", 6), 0, "ctorch\nSize\n"+integers(2)+"\x85R", integers(1))), "\x01\x02"},
		{"Python 2", "\x80\x02ccollections\nOrderedDict\n]](U\x01a" + last + "ea\x85R.", "\x06"},
		{"state_dict", stateDict(text("state_dict"), dict, text("epoch"), "K\x05"), "\x06"},
		{"model", stateDict(text("lr"), "G?\xe0\x00\x00\x00\x00\x00\x00", text("model"), dict), "\x06"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := readTorch(torchFile(t, test.program, data))
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Tensors) != 1 || f.Tensors[0].Name != "a" || string(f.Tensors[0].Data) != test.want {
				t.Errorf("got %+v, want %q", f.Tensors, test.want)
			}
		})
	}
}

func TestReadTorchHostile(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	bytes6 := store("ByteStorage", 6)
	for _, test := range []struct{ name, program, want string }{
		{"os.system", "\x80\x02cos\nsystem\n" + text("touch "+ran) + "\x85R.", `"os.system"`},
		{"builtins.eval", "\x80\x04" + "\x8c\x08builtins\x8c\x04eval\x93" + text("1") + "\x85R.", `"builtins.eval"`},
		{"within a dict", stateDict(text("a"), "cposix\nsystem\n"+text("touch "+ran)+"\x85R"), `"posix.system"`},
		{"as a storage", stateDict(text("a"), tensor("cos\nsystem\n", 0, integers(1), integers(1))), `"os.system"`},
		{"hidden in torch", "\x80\x02ctorch\nload\n.", `"torch.load"`},
		{"a new tensor type", "\x80\x02ctorch._utils\n_rebuild_tensor_v3\n.", "_rebuild_tensor_v3"},
		{"call of a text", "\x80\x02" + text("os") + ")R.", `"os" can't be called`},
		{"call of a storage type", "\x80\x02ctorch\nFloatStorage\n)R.", "can't be called"},
		{"attributes of a tensor", stateDict(text("a"), tensor(bytes6, 0, integers(1), integers(1))+"}b"), "attributes"},
		{"INST", "\x80\x02(ios\nsystem\n.", "opcode 'i'"},
		{"OBJ", "\x80\x02(o.", "opcode 'o'"},
		{"NEWOBJ", "\x80\x02ctorch\nSize\n)\x81.", "opcode '\\u0081'"},
		{"extension", "\x80\x02\x82\x01.", "is not read"},
		{"protocol 5", "\x80\x05N.", "protocol 5"},
		{"no tensor", stateDict(text("a"), "K\x01"), "want a tensor, got 1"},
		{"no name", stateDict("K\x01", tensor(bytes6, 0, integers(1), integers(1))), "one here is 1"},
		{"name not UTF-8", "\x80\x02}U\x01\xff" + tensor(bytes6, 0, integers(1), integers(1)) + "s.", "not UTF-8"},
		{"not a dict", "\x80\x02].", "a list of 0"},
		{"unhashable key", "\x80\x02}]Ns.", "key is a list"},
		{"out of the storage", stateDict(text("a"), tensor(bytes6, 3, integers(2, 2), integers(2, 1))), "reaches out of its storage of 6"},
		{"offset beyond", stateDict(text("a"), tensor(bytes6, 6, integers(1), integers(1))), "reaches out"},
		{"scalar beyond", stateDict(text("a"), tensor(bytes6, 6, ")", ")")), "reaches out"},
		{"negative offset", stateDict(text("a"), tensor(bytes6, -1, integers(1), integers(1))), "offset is -1"},
		{"negative dim", stateDict(text("a"), tensor(bytes6, 0, integers(-1), integers(1))), "got -1"},
		{"negative stride", stateDict(text("a"), tensor(bytes6, 5, integers(2), integers(-1))), "got -1"},
		{"shape overflows", stateDict(text("a"), tensor(bytes6, 0, integers(1<<62, 1<<62), integers(0, 0))), "too large"},
		{"strides overflow", stateDict(text("a"), tensor(bytes6, 0, integers(1<<40, 1), integers(1<<40, 1))), "too large"},
		{"sum overflows", stateDict(text("a"), tensor(bytes6, 1<<62, integers(2, 2), integers(1<<62, 1<<62))), "too large"},
		{"other count of strides", stateDict(text("a"), tensor(bytes6, 0, integers(2), ")")), "0 strides"},
		{"65 dimensions", stateDict(text("a"), tensor(bytes6, 0, integers(make([]int64, 65)...), ")")), "at most 8"},
		{"repeated to a terabyte", stateDict(text("a"), tensor(bytes6, 0, integers(1<<40), integers(0))), "more than the file"},
		{"storage claims more", stateDict(text("a"), tensor(store("ByteStorage", 1<<40), 0, integers(1<<40), integers(1))), "its entry has 6"},
		{"storage of another type", stateDict(text("a"), tensor(store("FloatStorage", 6), 0, integers(1), integers(1))), "take 24 bytes"},
		{"two claims", stateDict(text("a"), tensor(bytes6, 0, integers(1), integers(1)), text("b"), tensor(store("ByteStorage", 5), 0, integers(1), integers(1))), "then of 5"},
		{"no such storage", strings.Replace(stateDict(text("a"), tensor(bytes6, 0, integers(1), integers(1))), text("0"), text("1"), 1), `no entry "data/1"`},
		{"storage elsewhere", strings.Replace(stateDict(text("a"), tensor(bytes6, 0, integers(1), integers(1))), text("0"), text("../data.pkl"), 1), "no entry"},
		{"storage type unknown", stateDict(text("a"), tensor(store("QInt8Storage", 6), 0, integers(1), integers(1))), "torch.QInt8Storage"},
		{"id of something else", "\x80\x02" + text("0") + "Q.", "want the tuple of a storage"},
		{"text of 4 GB", "\x80\x02X\xff\xff\xff\xffabc", "cut off"},
		{"bytes of 4 GB", "\x80\x02B\xff\xff\xff\xffabc", "cut off"},
		{"goes on", stateDict() + "N", "goes on after the pickle"},
		{"two values", "\x80\x02NN.", "the stack holds 2 values"},
		{"no value", "\x80\x02.", "the stack holds 0 values"},
		{"open mark", "\x80\x02(N.", "1 marks"},
		{"no mark", "\x80\x02Nt.", "no mark"},
		{"below the mark", "\x80\x02N(\x85.", "the stack is empty"},
		{"memo", "\x80\x02h\x05.", "no entry 5"},
		{"no end", "\x80\x02N", "cut off"},
		{"line without end", "\x80\x02c" + strings.Repeat("a", 2000), "longer than 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readTorch(torchFile(t, test.program, "\x01\x02\x03\x04\x05\x06"))
			var format *weights.FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want a FormatError with %q", err, test.want)
			}
			if _, err := os.Stat(ran); err == nil {
				t.Fatal("the program in the pickle has run")
			}
		})
	}
}

// TestReadTorchBombs gives small files that could grow: what they take is bounded, and so is the time.
func TestReadTorchBombs(t *testing.T) {
	one := tensor(store("ByteStorage", 1<<20), 0, integers(1024, 1024), integers(1, 1024))
	many := func(n int, value string) string {
		pairs := []string{text("0"), value + "q\x01"}
		for i := range n {
			pairs = append(pairs, text(fmt.Sprint("t", i)), "h\x01")
		}
		return stateDict(pairs...)
	}
	nested := "\x80\x02]q\x01" + strings.Repeat("]h\x01ah\x01aq\x01", 60) + "."      // a list of 2⁶⁰ leaves
	pairs := "\x80\x02]q\x01(" + strings.Repeat("NN\x86", 20000) + "eh\x01\x85q\x02" // 20,000 pairs, given to OrderedDict 20,000 times
	pairs += strings.Repeat("ccollections\nOrderedDict\nh\x02R", 20000) + "."
	for name, file := range map[string][]byte{
		"copies of one tensor":    torchFile(t, many(2000, one), strings.Repeat("x", 1<<20)),
		"lists within themselves": torchFile(t, "\x80\x02]q\x01h\x01ah\x01a}h\x01Ns.", ""),
		"doubled lists":           torchFile(t, nested, ""),
		"pairs again and again":   torchFile(t, pairs, ""),
		"opcodes without end":     torchFile(t, "\x80\x02"+strings.Repeat("N", 5<<20)+".", ""),
		"overlapping entries":     overlapping(t),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			if _, err := readTorch(file); err == nil {
				t.Error("no error")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 16*uint64(len(file))+512<<20 {
				t.Errorf("reading %d bytes allocated %d", len(file), used)
			}
		})
	}
}

// overlapping returns a file in the zip format of which a hundred entries name the same megabyte.
func overlapping(t *testing.T) []byte {
	t.Helper()
	const n, size = 100, 1 << 20
	var pairs []string
	for i := range n {
		place := strings.Replace(store("ByteStorage", size), text("0"), text(fmt.Sprintf("%03d", i)), 1)
		pairs = append(pairs, text(fmt.Sprint(i)), tensor(place, 0, integers(size), integers(1)))
	}
	entries := []entry{{"x/data.pkl", stateDict(pairs...)}, {"x/data/000", strings.Repeat("x", size)}}
	for i := 1; i < n; i++ {
		entries = append(entries, entry{fmt.Sprintf("x/data/%03d", i), ""})
	}
	file := zipOf(t, entries...)
	// The central directory: give every record of a storage the first one's sizes, checksum and place.
	const signature = "PK\x01\x02"
	var first []byte
	for at := bytes.Index(file, []byte(signature)); at >= 0; {
		record := file[at:]
		if name := string(record[46 : 46+int(binary.LittleEndian.Uint16(record[28:]))]); strings.HasPrefix(name, "x/data/") {
			if first == nil {
				first = bytes.Clone(record[:46])
			} else {
				copy(record[16:28], first[16:28])
				copy(record[42:46], first[42:46])
			}
		}
		next := bytes.Index(record[4:], []byte(signature))
		if next < 0 {
			break
		}
		at += 4 + next
	}
	return file
}

func TestReadTorchZipFaults(t *testing.T) {
	good := stateDict(text("a"), tensor(store("ByteStorage", 1), 0, integers(1), integers(1)))
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	f, err := w.Create("x/data.pkl") // deflated
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte(strings.Repeat("N", 1000)))
	w.Close()
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"compressed", packed.Bytes(), "compressed"},
		{"two pickles", zipOf(t, entry{"x/data.pkl", good}, entry{"y/data.pkl", good}), "two pickles"},
		{"an entry twice", zipOf(t, entry{"x/data.pkl", good}, entry{"x/data/0", "1"}, entry{"x/data/0", "2"}), "occurs twice"},
		{"big-endian", zipOf(t, entry{"x/data.pkl", good}, entry{"x/data/0", "1"}, entry{"x/byteorder", "big"}), "byte order"},
		{"storage in another folder", zipOf(t, entry{"x/data.pkl", good}, entry{"y/data/0", "1"}), "no entry"},
	} {
		if _, err := readTorch(test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// legacyFile returns a file in the legacy format.
func legacyFile(version int64, machine, object, keys, rest string) []byte {
	magic := "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
	return []byte(magic + "\x80\x02" + integer(version) + "." + machine + object + keys + rest)
}

func TestReadTorchLegacyFaults(t *testing.T) {
	id := func(part string) string {
		return tuple(text("storage"), "ctorch\nByteStorage\n", text("0"), text("cpu"), integer(6), part) + "Q"
	}
	object := func(part string) string {
		return stateDict(text("a"), tensor(id(part), 1, integers(2), integers(1)))
	}
	part := func(first, n int64) string { return tuple(text("1"), integer(first), integer(n)) }
	const machine = "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."
	keys := "\x80\x02]" + text("0") + "a."
	data := "\x06\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06"
	for _, test := range []struct {
		name string
		file []byte
		want string // a part of the error; of two bytes: the tensor
	}{
		{"whole", legacyFile(1001, machine, object("N"), keys, data), "\x02\x03"},
		{"a part", legacyFile(1001, machine, object(part(2, 3)), keys, data), "\x04\x05"},
		{"out of the part", legacyFile(1001, machine, object(part(2, 2)), keys, data), "reaches out of its storage of 2"},
		{"part out of the storage", legacyFile(1001, machine, object(part(4, 3)), keys, data), "of a storage of 6"},
		{"part of a negative place", legacyFile(1001, machine, object(part(-1, 3)), keys, data), "from -1 on"},
		{"part of something else", legacyFile(1001, machine, object("K\x01"), keys, data), "want the place"},
		{"version", legacyFile(1002, machine, object("N"), keys, data), "version is 1002"},
		{"big-endian", legacyFile(1001, strings.Replace(machine, "\x88", "\x89", 1), object("N"), keys, data), "big-endian"},
		{"machine is None", legacyFile(1001, "\x80\x02N.", object("N"), keys, data), "None"},
		{"other pickle", []byte("\x80\x02}.\x80\x02}.\x80\x02}."), "not one of torch.save"},
		{"no keys", legacyFile(1001, machine, object("N"), "\x80\x02].", ""), "not in the file's list"},
		{"keys are None", legacyFile(1001, machine, object("N"), "\x80\x02N.", ""), "list of storages is None"},
		{"key unknown", legacyFile(1001, machine, object("N"), "\x80\x02]"+text("9")+"a.", data), "which no tensor has"},
		{"key twice", legacyFile(1001, machine, object("N"), "\x80\x02]("+text("0")+text("0")+"e.", data+data), "twice"},
		{"other length", legacyFile(1001, machine, object("N"), keys, "\x05"+data[1:]), "has 5 elements"},
		{"cut off", legacyFile(1001, machine, object("N"), keys, data[:12]), "cut off"},
		{"goes on", legacyFile(1001, machine, object("N"), keys, data+"x"), "goes on for 1 bytes"},
		{"os.system", legacyFile(1001, machine, "\x80\x02cos\nsystem\n.", keys, data), "os.system"},
	} {
		f, err := readTorch(test.file)
		if len(test.want) == 2 {
			if err != nil || string(f.Tensors[0].Data) != test.want {
				t.Errorf("%s: %v, error %v", test.name, f, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// FuzzReadTorch checks that the reader never panics, takes memory in proportion to its input, and that what it accepts can be
// written as safetensors and read back.
func FuzzReadTorch(f *testing.F) {
	for _, name := range []string{"views.pth", "views_legacy.pth", "views_protocol4.pth", "checkpoint.pth", "checkpoint_legacy.pth", "module.pth"} {
		f.Add(readSample(f, name))
	}
	f.Add(torchFile(f, stateDict(text("a"), tensor(store("ByteStorage", 6), 0, integers(3, 2), integers(1, 3))), "\x01\x02\x03\x04\x05\x06"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := readTorch(file)
		checkFuzzed(t, file, got, err)
		// The pickle alone is reached more often without the archive around it.
		program := zipOf(t, entry{"x/data.pkl", string(file)}, entry{"x/data/0", "\x01\x02\x03\x04\x05\x06"})
		got, err = readTorch(program)
		checkFuzzed(t, program, got, err)
	})
}

// checkFuzzed checks what the reader says of a file.
func checkFuzzed(t *testing.T, file []byte, got *weights.File, err error) {
	if err != nil {
		var format *weights.FormatError
		if !errors.As(err, &format) {
			t.Fatalf("error %v is no FormatError", err)
		}
		return
	}
	stretched := 0
	for _, tensor := range got.Tensors {
		stretched = max(stretched, len(tensor.Data))
		if tensor.Name == "__metadata__" {
			return // which safetensors can't hold
		}
	}
	if stretched > len(file)+1<<20 {
		t.Fatalf("a tensor of %d bytes from a file of %d", stretched, len(file))
	}
	var written bytes.Buffer
	if err := weights.WriteSafetensors(&written, got); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.ReadSafetensors(&written); err != nil {
		t.Fatal(err)
	}
}
