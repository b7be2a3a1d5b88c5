// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// files returns a folder in memory, to be changed.
func files(t testing.TB, dir fs.FS) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	err := fs.WalkDir(dir, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, file)
		fsys[file] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// pickledCIFAR returns the archives that Python 2 wrote (testdata/README.md), with the folders again and wrong.
func pickledCIFAR(t testing.TB) fstest.MapFS {
	t.Helper()
	return files(t, os.DirFS("testdata/cifar"))
}

// cifarPlanes is what testdata/make_cifar.py draws: the planes of image i of a half, 0 to train and 1 to test.
func cifarPlanes(half, i int) []uint8 {
	pix := make([]uint8, 3072)
	for k := range pix {
		pix[k] = uint8(31*i + 7*k + 50*(k/1024) + 13*half)
	}
	return pix
}

// binaryCIFAR10 returns the archive of pickledCIFAR in the binary version: five files of two images, and one to test.
func binaryCIFAR10() fstest.MapFS {
	const folder = "cifar-10-batches-bin/"
	fsys := fstest.MapFS{folder + "batches.meta.txt": {
		Data: []byte("airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"),
	}}
	record := func(half, i int) []byte { return append([]byte{uint8((3*i + half) % 10)}, cifarPlanes(half, i)...) }
	for b := range 5 {
		fsys[fmt.Sprintf("%sdata_batch_%d.bin", folder, b+1)] = &fstest.MapFile{Data: append(record(0, 2*b), record(0, 2*b+1)...)}
	}
	fsys[folder+"test_batch.bin"] = &fstest.MapFile{Data: append(record(1, 0), record(1, 1)...)}
	return fsys
}

// binaryCIFAR100 likewise: three images to train and two to test.
func binaryCIFAR100() fstest.MapFS {
	const folder = "cifar-100-binary/"
	var names strings.Builder
	for i := range 100 {
		fmt.Fprintf(&names, "fine_%02d\r\n", i)
	}
	var halves [2][]byte
	for half, n := range []int{3, 2} {
		for i := range n {
			fine := (7*i + 5*half) % 100
			halves[half] = append(append(halves[half], uint8(fine%20), uint8(fine)), cifarPlanes(half, i)...)
		}
	}
	return fstest.MapFS{
		folder + "fine_label_names.txt": {Data: []byte(names.String())},
		folder + "train.bin":            {Data: halves[0]},
		folder + "test.bin":             {Data: halves[1]},
	}
}

// joined returns the files of both.
func joined(a, b fstest.MapFS) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, from := range []fstest.MapFS{a, b} {
		for name, file := range from {
			fsys[name] = file
		}
	}
	return fsys
}

// checkDrawn holds a half against what make_cifar.py draws.
func checkDrawn(t *testing.T, d *Dataset, half int, labels []int) {
	t.Helper()
	if diff := cmp.Diff(labels, d.Labels()); diff != "" {
		t.Errorf("%s: labels (-want +got):\n%s", d.Name, diff)
		return
	}
	for i, e := range d.Examples {
		if want := fmt.Sprintf("%s/%05d", []string{"train", "test"}[half], i); e.Name != want || e.Ambiguity.Other != -1 {
			t.Errorf("example %+v: want the name %s", e, want)
		}
		img := mustImage(t, d, i)
		planes := cifarPlanes(half, i)
		for k := range 1024 {
			if got, want := [3]uint8(img.Pix[3*k:]), [3]uint8{planes[k], planes[1024+k], planes[2048+k]}; got != want || img.Width != 32 {
				t.Fatalf("%s, pixel %d: %v, want %v", e.Name, k, got, want)
			}
		}
		img.Pix[0]++ // is the caller's
		if again := mustImage(t, d, i); again.Pix[0] == img.Pix[0] {
			t.Errorf("%s: loaded twice, it is one image", e.Name)
		}
		if w, h := d.size(i); w != 32 || h != 32 {
			t.Errorf("%s: size %d × %d", e.Name, w, h)
		}
	}
}

// Both versions, and the Python one as written by Python 2, say the same.
func TestCIFAR(t *testing.T) {
	for _, c := range []struct {
		name          string
		read          func(fs.FS) (Split, error)
		binary        fstest.MapFS
		train, test   []int
		first, last   string
		title, python string
	}{
		{"cifar10", CIFAR10, binaryCIFAR10(), []int{0, 3, 6, 9, 2, 5, 8, 1, 4, 7}, []int{1, 4}, "airplane", "truck", "CIFAR-10", "cifar-10-batches-py"},
		{"cifar100", CIFAR100, binaryCIFAR100(), []int{0, 7, 14}, []int{5, 12}, "fine_00", "fine_99", "CIFAR-100", "cifar-100-python"},
	} {
		p, _ := PublishedByName(c.name)
		pickled := pickledCIFAR(t)
		own := func(fsys fs.FS, folder string) fs.FS {
			sub, err := fs.Sub(fsys, folder)
			if err != nil {
				t.Fatal(err)
			}
			return sub
		}
		for name, fsys := range map[string]fs.FS{
			"binary": c.binary, "binary, its folder": own(c.binary, p.Folders[0]),
			"Python": pickled, "Python, its folder": own(pickled, c.python), "both": joined(pickled, c.binary),
		} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				split, err := c.read(fsys)
				if err != nil {
					t.Fatal(err)
				}
				checkDrawn(t, split.Train, 0, c.train)
				checkDrawn(t, split.Test, 1, c.test)
				for _, d := range []*Dataset{split.Train, split.Test} {
					if n := len(d.Classes); n != p.Train.Classes || d.Classes[0] != c.first || d.Classes[n-1] != c.last || !strings.HasPrefix(d.Name, c.title+", ") {
						t.Errorf("%s: classes %q", d.Name, d.Classes)
					}
				}
				if err := CheckPublished(c.name, split); err == nil || !strings.Contains(err.Error(), "images to train, published are 50,000; 2 images to test, published are 10,000") {
					t.Errorf("a part: %v", err)
				}
			})
		}
	}
}

// Of two versions, the binary one is read.
func TestCIFARPrefersBinary(t *testing.T) {
	fsys := joined(binaryCIFAR10(), pickledCIFAR(t))
	fsys["cifar-10-batches-bin/test_batch.bin"].Data[0] = 9
	split, err := CIFAR10(fsys)
	if err != nil || split.Test.Examples[0].Label != 9 {
		t.Errorf("%v, %v", split.Test, err)
	}
}

// What Python 3 wrote after reading a file as texts or as bytes, in protocol 2 to 4, with an array in either order, is read as the file.
func TestCIFARWrittenAgain(t *testing.T) {
	all := pickledCIFAR(t)
	var found []string
	for name, file := range all {
		as, ok := strings.CutPrefix(name, "again/")
		if !ok {
			continue
		}
		found = append(found, as)
		t.Run(as, func(t *testing.T) {
			fsys := pickledCIFAR(t)
			target, _, _ := strings.Cut(as, "-")
			fsys["cifar-10-batches-py/"+target] = file
			split, err := CIFAR10(fsys)
			if err != nil {
				t.Fatal(err)
			}
			checkDrawn(t, split.Test, 1, []int{1, 4})
			if split.Train.Classes[2] != "bird" {
				t.Errorf("classes %q", split.Train.Classes)
			}
		})
	}
	if len(found) != 13 {
		t.Errorf("%d files: want 2 of each of 6 ways, and that of columns: %q", len(found), found)
	}
}

func TestCIFARFaults(t *testing.T) {
	change := func(name string, edit func(data []byte) []byte) func(fstest.MapFS) {
		return func(fsys fstest.MapFS) {
			edited := edit(bytes.Clone(fsys[name].Data))
			if bytes.Equal(edited, fsys[name].Data) {
				t.Errorf("%s was not changed", name)
			}
			fsys[name].Data = edited
		}
	}
	set := func(at int, v byte) func([]byte) []byte {
		return func(data []byte) []byte { data[at] = v; return data }
	}
	text := func(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }
	swap := func(old, new string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(new), 1) }
	}
	remove := func(name string) func(fstest.MapFS) { return func(fsys fstest.MapFS) { delete(fsys, name) } }
	const (
		bin, py = "cifar-10-batches-bin/", "cifar-10-batches-py/"
		bin100  = "cifar-100-binary/"
		py100   = "cifar-100-python/"
	)
	wrong := func(name string) func(fstest.MapFS) {
		data := pickledCIFAR(t)["wrong/"+name].Data
		return change(py+"test_batch", func([]byte) []byte { return data })
	}
	for _, c := range []struct {
		name    string
		hundred bool
		change  func(fsys fstest.MapFS)
		file    string
		line    int
		want    string
	}{
		{"cut off", false, change(bin+"data_batch_3.bin", func(d []byte) []byte { return d[:4000] }), bin + "data_batch_3.bin", 0, "record 1, at byte 3073, is cut off after 927 of 3073 bytes"},
		{"one byte left over", true, change(bin100+"train.bin", func(d []byte) []byte { return append(d, 1) }), bin100 + "train.bin", 0, "record 3, at byte 9222, is cut off after 1 of 3074 bytes"},
		{"empty", false, change(bin+"test_batch.bin", text("")), bin + "test_batch.bin", 0, "it is empty"},
		{"label", false, change(bin+"data_batch_5.bin", set(3073, 10)), bin + "data_batch_5.bin", 0, "record 1, at byte 3073: label 10: want 0 to 9"},
		{"fine label", true, change(bin100+"test.bin", set(3075, 100)), bin100 + "test.bin", 0, "record 1, at byte 3075: label 100: want 0 to 99"},
		{"coarse label", true, change(bin100+"test.bin", set(0, 20)), bin100 + "test.bin", 0, "record 0, at byte 0: label of the superclass 20: want 0 to 19"},
		{"missing batch", false, remove(bin + "data_batch_2.bin"), bin + "data_batch_2.bin", 0, "file does not exist"},
		{"missing classes", false, remove(bin + "batches.meta.txt"), bin + "batches.meta.txt", 0, "file does not exist"},
		{"nine classes", false, change(bin+"batches.meta.txt", swap("bird\n", "")), bin + "batches.meta.txt", 0, "9 classes: want 10"},
		{"an empty line", false, change(bin+"batches.meta.txt", swap("bird", " ")), bin + "batches.meta.txt", 3, "an empty line among the names"},
		{"a class twice", false, change(bin+"batches.meta.txt", swap("cat", "bird")), bin + "batches.meta.txt", 0, `class 3 is called "bird", class 2 too`},
		{"a huge line", false, change(bin+"batches.meta.txt", text("a\n"+strings.Repeat("b", 1<<17))), bin + "batches.meta.txt", 2, "token too long"},

		{"pickle cut off", false, change(py+"data_batch_3", func(d []byte) []byte { return d[:4000] }), py + "data_batch_3", 0, "pickle, byte 139: BINSTRING: it is cut off"},
		{"no pickle", false, change(py+"data_batch_3", text("<html>")), py + "data_batch_3", 0, `pickle, byte 0: opcode '<'`},
		{"empty pickle", true, change(py100+"train", text("")), py100 + "train", 0, "it is cut off"},
		{"pickled label", false, change(py+"test_batch", swap("labelsq\x08]q\t(K\x01", "labelsq\x08]q\t(K\x0a")), py + "test_batch", 0, `"labels" of record 0: label 10: want 0 to 9`},
		{"negative label", false, change(py+"test_batch", swap("K\x01K\x04e", "K\x01J\xff\xff\xff\xffe")), py + "test_batch", 0, `"labels" of record 1: label -1: want 0 to 9`},
		{"label without number", false, change(py+"test_batch", swap("K\x01K\x04e", "K\x01Ne")), py + "test_batch", 0, `"labels" of record 1 is None: want a number`},
		{"a label too few", false, change(py+"test_batch", swap("K\x01K\x04e", "K\x01e")), py + "test_batch", 0, "the array's shape is (2, 3072): want (1, 3072)"},
		{"no labels", false, change(py+"test_batch", swap("labels", "lables")), py + "test_batch", 0, `the dict has no "labels"`},
		{"no data", false, change(py+"test_batch", swap("U\x04data", "U\x04dato")), py + "test_batch", 0, `the dict has no "data"`},
		{"labels are no list", false, change(py+"test_batch", swap("labelsq\x08]q\t(K\x01K\x04e", "labelsq\x08K\x01")), py + "test_batch", 0, `"labels" is 1: want a list`},
		{"no dict", false, change(py+"test_batch", text("\x80\x02]q\x01.")), py + "test_batch", 0, "it holds a list of 0: want a dict"},
		{"nothing in a batch", false, change(py+"test_batch", text("\x80\x02}(U\x06labels]U\x04dataNu.")), py + "test_batch", 0, `"data" is None: want an array of NumPy`},
		{"of floats", false, wrong("floats"), py + "test_batch", 0, `the array's type is "f4": want bytes, "u1"`},
		{"of 3000 pixels", false, wrong("3000"), py + "test_batch", 0, "the array's shape is (2, 3000): want (2, 3072)"},
		{"a list for an array", false, wrong("list"), py + "test_batch", 0, `"data" is a list of 3: want an array`},
		{"protocol 5", false, wrong("protocol-5"), py + "test_batch", 0, "protocol 5, want at most 4"},
		{"another type", false, wrong("datetime"), py + "test_batch", 0, "datetime.date is nothing that such a file needs; nothing of it was executed"},
		{"a program", false, change(py+"test_batch", text("\x80\x02cos\nsystem\nU\x02ls\x85R.")), py + "test_batch", 0, "os.system is nothing that such a file needs"},
		{"a name that is a number", false, change(py+"batches.meta", swap("U\x04birdq\x07", "K\x07")), py + "batches.meta", 0, `"label_names" of class 2 is 7: want a text`},
		{"99 classes", true, change(py100+"meta", swap("U\x07fine_07q", "0U\x07fine_07q")), py100 + "meta", 0, `opcode '0'`},
		{"no classes", true, change(py100+"meta", swap("fine_label_names", "fine_lable_names")), py100 + "meta", 0, `the dict has no "fine_label_names"`},
		{"missing pickle", false, remove(py + "data_batch_4"), py + "data_batch_4", 0, "file does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys, read := binaryCIFAR10(), CIFAR10
			if c.hundred {
				fsys, read = binaryCIFAR100(), CIFAR100
			}
			if strings.Contains(c.file, "py") {
				fsys = pickledCIFAR(t)
			}
			c.change(fsys)
			_, err := read(fsys)
			var format *FormatError
			if !errors.As(err, &format) || format.File != c.file || format.Line != c.line {
				t.Fatalf("error %v: want a FormatError of %s, line %d", err, c.file, c.line)
			}
			for _, want := range []string{c.want, "unpack cifar-10", "of https://www.cs.toronto.edu/~kriz/cifar.html again"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v: want %q", err, want)
				}
			}
			if strings.Contains(c.want, "exist") != errors.Is(err, fs.ErrNotExist) || strings.Contains(c.want, "cut off") != errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v has another cause", err)
			}
		})
	}
}

// A pickle that ends anywhere is known to.
func TestCIFARPickleCut(t *testing.T) {
	for _, name := range []string{"cifar-10-batches-py/test_batch", "again/test_batch-bytes-2", "again/test_batch-columns-4"} {
		data := pickledCIFAR(t)[name].Data
		for n := 0; n < len(data); n += 1 + n/200 {
			images := &cifarImages{}
			if err := cifar10().unpickleImages(bytes.NewReader(data[:n]), "labels", images, 1); !errors.Is(err, io.ErrUnexpectedEOF) || len(images.labels) != 0 {
				t.Errorf("%s, %d of %d bytes: error %v", name, n, len(data), err)
			}
		}
	}
}

// Where there is nothing, all that was looked for is named, and archives that are not unpacked are known.
func TestCIFARWithoutFolder(t *testing.T) {
	for _, c := range []struct {
		read func(fs.FS) (Split, error)
		fsys fstest.MapFS
		want []string
	}{
		{CIFAR10, fstest.MapFS{"cifar-100-binary/train.bin": {}}, []string{
			"CIFAR-10", "cifar-10-batches-bin", "cifar-10-batches-py", "batches.meta.txt", "batches.meta ", "cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar.html",
		}},
		{CIFAR100, fstest.MapFS{"train/n01440764/1.JPEG": {}, "test/1.jpg": {}}, []string{"CIFAR-100", "cifar-100-binary", "cifar-100-python", "fine_label_names.txt"}},
		{CIFAR100, fstest.MapFS{"cifar-100-python.tar.gz": {}}, []string{"cifar-100-python.tar.gz is there", "no folder cifar-100-python", "tar xzf cifar-100-python.tar.gz"}},
	} {
		_, err := c.read(c.fsys)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v: want %q", err, want)
			}
		}
	}
}

// A fault of the disk is told as such, with the file's name.
func TestCIFARReaderError(t *testing.T) {
	fsys := joined(binaryCIFAR10(), nil)
	fsys["cifar-10-batches-bin/data_batch_1.bin"] = &fstest.MapFile{Mode: fs.ModeDir}
	_, err := CIFAR10(fsys)
	if err == nil || !strings.Contains(err.Error(), "cifar-10-batches-bin/data_batch_1.bin: ") || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a folder for a file: error %v", err)
	}
}

// What the readers take is consistent, and the binary version is written as it was read.
func FuzzCIFARBinary(f *testing.F) {
	for _, fsys := range []fstest.MapFS{binaryCIFAR10(), binaryCIFAR100()} {
		for name, file := range fsys {
			if path.Ext(name) == ".bin" {
				f.Add(file.Data, strings.Contains(name, "100"))
			}
		}
	}
	f.Add([]byte{1, 2, 3}, false)
	f.Fuzz(func(t *testing.T, data []byte, hundred bool) {
		c := cifar10()
		if hundred {
			c = cifar100()
		}
		images := &cifarImages{}
		err := c.readRecords(bytes.NewReader(data), images)
		checkImages(t, c, images)
		if err != nil {
			return
		}
		var again []byte
		for i, label := range images.labels {
			if hundred {
				again = append(again, data[len(again)])
			}
			again = append(append(again, label), images.pix[i*3072:(i+1)*3072]...)
		}
		if !bytes.Equal(data, again) {
			t.Errorf("%d bytes were read as other %d", len(data), len(again))
		}
	})
}

func FuzzCIFARPickle(f *testing.F) {
	for name, file := range pickledCIFAR(f) {
		if !strings.Contains(name, "data_batch") && !strings.Contains(name, "floats") {
			f.Add(file.Data, strings.Contains(name, "100"))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, hundred bool) {
		c := cifar10()
		if hundred {
			c = cifar100()
		}
		images := &cifarImages{}
		err := c.unpickleImages(bytes.NewReader(data), c.layouts[1].labels, images, 1)
		checkImages(t, c, images)
		if err == nil && len(images.labels) == 0 || err != nil && len(images.pix) != 0 {
			t.Errorf("%d images, error %v", len(images.labels), err)
		}
		if len(images.pix) > len(data) {
			t.Errorf("%d bytes of pixels of %d", len(images.pix), len(data))
		}
		if names, err := unpickleCIFARNames(bytes.NewReader(data), c.layouts[1].names); err != nil && names != nil {
			t.Errorf("%d names, error %v", len(names), err)
		}
	})
}

// checkImages holds images to what all have in common.
func checkImages(t *testing.T, c cifar, images *cifarImages) {
	t.Helper()
	for _, label := range images.labels {
		if int(label) >= c.classes {
			t.Fatalf("label %d of %d classes", label, c.classes)
		}
	}
	if n := len(images.labels); len(images.pix) != n*3072 && len(images.pix) != 0 {
		t.Fatalf("%d labels, %d bytes", n, len(images.pix))
	}
}
