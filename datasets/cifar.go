// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The images of CIFAR-10 and CIFAR-100: [3, 32, 32] bytes, all of red first.
const (
	cifarSide   = 32
	cifarPlane  = cifarSide * cifarSide
	cifarPixels = 3 * cifarPlane
)

// cifar is what CIFAR-10 and CIFAR-100 differ in.
type cifar struct {
	name    string // as PublishedByName knows it
	classes int
	coarse  int            // superclasses, whose label comes first in a binary record; 0 for none
	layouts [2]cifarLayout // the binary version, and Python's
}

// cifarLayout is how a version of an archive lies when it is unpacked.
type cifarLayout struct {
	archive, folder string
	train, test     []string
	meta            string // the file with the classes' names
	labels, names   string // keys of the Python version's dicts; "" in the binary version
}

// cifar10 returns the layouts of CIFAR-10.
func cifar10() cifar {
	batches := []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"}
	var binary []string
	for _, b := range batches {
		binary = append(binary, b+".bin")
	}
	return cifar{name: "cifar10", classes: 10, layouts: [2]cifarLayout{
		{
			archive: "cifar-10-binary.tar.gz", folder: "cifar-10-batches-bin",
			train: binary, test: []string{"test_batch.bin"}, meta: "batches.meta.txt",
		},
		{
			archive: "cifar-10-python.tar.gz", folder: "cifar-10-batches-py",
			train: batches, test: []string{"test_batch"}, meta: "batches.meta", labels: "labels", names: "label_names",
		},
	}}
}

// cifar100 returns the layouts of CIFAR-100.
func cifar100() cifar {
	return cifar{name: "cifar100", classes: 100, coarse: 20, layouts: [2]cifarLayout{
		{
			archive: "cifar-100-binary.tar.gz", folder: "cifar-100-binary",
			train: []string{"train.bin"}, test: []string{"test.bin"}, meta: "fine_label_names.txt",
		},
		{
			archive: "cifar-100-python.tar.gz", folder: "cifar-100-python",
			train: []string{"train"}, test: []string{"test"}, meta: "meta", labels: "fine_labels", names: "fine_label_names",
		},
	}}
}

// CIFAR10 reads the classification task of CIFAR-10 (Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009): color
// images of 32 × 32 pixels of ten classes, the same to train and to test, labeled in the order of the archive's list. fsys is the
// folder that holds one of the archives as it is unpacked, or the archive's own; of both, the binary version is read:
//
//	cifar-10-batches-bin/data_batch_1.bin … data_batch_5.bin, test_batch.bin, batches.meta.txt
//	cifar-10-batches-py/data_batch_1 … data_batch_5, test_batch, batches.meta
//
// The files of the Python version are pickles, written by Python 2 or, in protocol 2 to 4, by Python 3. They are read without
// executing anything. Images are named by half and number, train/00017, alike in both versions.
//
// All pixels are read at once and stay in memory, 184 MB of the whole set. Any number of images is read: [CheckPublished] tells
// whether all are there. Errors are FormatErrors that name the file and the place in it: a file that is missing or cut off, a label out of
// range, a list of more or fewer classes.
func CIFAR10(fsys fs.FS) (Split, error) { return cifar10().split(fsys) }

// CIFAR100 reads the classification task of CIFAR-100 as [CIFAR10] does that of CIFAR-10: a hundred classes, those of the fine labels.
//
//	cifar-100-binary/train.bin, test.bin, fine_label_names.txt
//	cifar-100-python/train, test, meta
func CIFAR100(fsys fs.FS) (Split, error) { return cifar100().split(fsys) }

// split returns the task.
func (c cifar) split(fsys fs.FS) (Split, error) {
	a, err := c.read(fsys)
	if err != nil {
		return Split{}, err
	}
	return Split{Train: a.dataset("training", "train", a.train), Test: a.dataset("test", "test", a.test)}, nil
}

// cifarArchive is an archive that was read.
type cifarArchive struct {
	cifar
	layout      cifarLayout
	published   Published
	root        string   // the archive's folder
	files       []string // all that were read
	names       []string // of the classes
	train, test *cifarImages
}

// cifarImages are images one after another: pix is [n, 3, 32, 32].
type cifarImages struct{ labels, pix []uint8 }

// read reads all files of the version that lies in fsys.
func (c cifar) read(fsys fs.FS) (*cifarArchive, error) {
	a := &cifarArchive{cifar: c, train: &cifarImages{}, test: &cifarImages{}}
	a.published, _ = PublishedByName(c.name)
	if err := a.find(fsys); err != nil {
		return nil, readingError(a.published.Title, err)
	}
	if err := a.open(fsys, a.layout.meta, a.readNames); err != nil {
		return nil, err
	}
	for _, half := range []struct {
		files  []string
		images *cifarImages
	}{{a.layout.train, a.train}, {a.layout.test, a.test}} {
		for i, name := range half.files {
			err := a.open(fsys, name, func(f fs.File) error { return a.readImages(f, half.images, len(half.files)-i) })
			if err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// find looks for the folder of a version, and then for its files.
func (a *cifarArchive) find(fsys fs.FS) error {
	for _, l := range a.layouts {
		if info, err := fs.Stat(fsys, l.folder); err == nil && info.IsDir() {
			a.layout, a.root = l, l.folder
			return nil
		}
	}
	for _, l := range a.layouts {
		for _, name := range []string{l.meta, l.train[0]} {
			if info, err := fs.Stat(fsys, name); err == nil && !info.IsDir() {
				a.layout, a.root = l, "."
				return nil
			}
		}
	}
	for _, l := range a.layouts {
		if _, err := fs.Stat(fsys, l.archive); err == nil {
			return fmt.Errorf("%s is there, but there is no folder %s: unpack it, tar xzf %[1]s", l.archive, l.folder)
		}
	}
	b, p := a.layouts[0], a.layouts[1]
	return fmt.Errorf("there is no folder %s or %s, and no file %s or %s either: name the folder that holds one of the two, or itself; "+
		"they are in %s and %s of %s", b.folder, p.folder, b.meta, p.meta, b.archive, p.archive, a.published.Source)
}

// open has read read a file of the archive. What is wrong becomes a FormatError that says where to get the file again.
func (a *cifarArchive) open(fsys fs.FS, name string, read func(fs.File) error) error {
	name = path.Join(a.root, name)
	a.files = append(a.files, name)
	f, err := fsys.Open(name)
	if err == nil {
		defer f.Close()
		err = read(f)
	}
	if err == nil {
		return nil
	}
	fault := &FormatError{File: name, Err: err}
	if lined := (lineError{}); errors.As(err, &lined) {
		fault.Line = lined.line
	}
	fault.Err = fmt.Errorf("%w: unpack %s of %s again", withoutPath(err), a.layout.archive, a.published.Source)
	return readingError(a.published.Title, fault)
}

// lineError is an error about a line of a file.
type lineError struct {
	line int
	error
}

// readNames reads the file of the classes' names.
func (a *cifarArchive) readNames(f fs.File) (err error) {
	if a.layout.names == "" {
		a.names, err = readCIFARNames(f)
	} else {
		a.names, err = unpickleCIFARNames(f, a.layout.names)
	}
	if err != nil {
		return err
	}
	if len(a.names) != a.classes {
		return fmt.Errorf("%d classes: want %d", len(a.names), a.classes)
	}
	seen := map[string]int{}
	for i, name := range a.names {
		if first, ok := seen[name]; ok || strings.TrimSpace(name) == "" {
			return fmt.Errorf("class %d is called %q, class %d too: want a name of its own for each", i, name, first)
		}
		seen[name] = i
	}
	return nil
}

// readImages adds the images of a file to those of its half, of which there are so many files to come, this one among them.
func (a *cifarArchive) readImages(f fs.File, to *cifarImages, files int) error {
	if a.layout.labels != "" {
		return a.unpickleImages(f, a.layout.labels, to, files)
	}
	if info, err := f.Stat(); err == nil {
		to.grow(int(info.Size()/cifarPixels) * files)
	}
	return a.readRecords(f, to)
}

// grow makes room for n more images, so that nothing is copied as they come.
func (c *cifarImages) grow(n int) {
	c.labels, c.pix = slices.Grow(c.labels, n), slices.Grow(c.pix, n*cifarPixels)
}

// checkLabel returns an error if there is no class of that label.
func (c cifar) checkLabel(label int64) error {
	if label < 0 || label >= int64(c.classes) {
		return fmt.Errorf("label %d: want 0 to %d", label, c.classes-1)
	}
	return nil
}

// dataset returns the dataset of images of a half.
func (a *cifarArchive) dataset(half, prefix string, images *cifarImages) *Dataset {
	d := New(a.published.Title+", "+half, a.names, images.examples(prefix), func(i int) (*RGB, error) { return images.image(i), nil })
	d.size = func(int) (width, height int) { return cifarSide, cifarSide }
	return d
}

// examples returns what is known of the images, whose names begin with the prefix.
func (c *cifarImages) examples(prefix string) []Example {
	examples := make([]Example, len(c.labels))
	for i, label := range c.labels {
		examples[i] = Example{Name: fmt.Sprintf("%s/%05d", prefix, i), Label: int(label), Ambiguity: Ambiguity{Other: -1}}
	}
	return examples
}

// image returns image i, whose pixels lie as [3, 32, 32], as [32, 32, 3].
func (c *cifarImages) image(i int) *RGB {
	img := NewRGB(cifarSide, cifarSide)
	planes := c.pix[i*cifarPixels : (i+1)*cifarPixels]
	red, green, blue := planes[:cifarPlane], planes[cifarPlane:2*cifarPlane], planes[2*cifarPlane:]
	for k := range cifarPlane {
		img.Pix[3*k], img.Pix[3*k+1], img.Pix[3*k+2] = red[k], green[k], blue[k]
	}
	return img
}
