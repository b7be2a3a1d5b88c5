// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// cubList is CUB-200-2011's own list of its images: a number and a path in images a line.
const cubList = "images.txt"

// listWholeCUB lists CUB-200-2011 and holds it against its list, if that is there.
func listWholeCUB(fsys fs.FS) (*listing, error) {
	l, err := listCUB(fsys)
	if err != nil {
		return nil, err
	}
	list := path.Join(l.root, cubList)
	f, err := fsys.Open(list)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, readingError(l.title, err)
	}
	defer f.Close()
	l.files = []string{list}
	known := map[string]int{} // line by path
	scanner := bufio.NewScanner(f)
	for line := 1; scanner.Scan(); line++ {
		_, name, _ := strings.Cut(scanner.Text(), " ")
		p, err := inside(path.Join(l.root, "images"), strings.TrimSpace(name))
		if err != nil {
			return nil, readingError(l.title, &FormatError{File: list, Line: line, Err: err})
		}
		known[p] = line
	}
	if err := scanner.Err(); err != nil {
		return nil, readingError(l.title, &FormatError{File: list, Line: len(known) + 1, Err: err})
	}
	for _, h := range []half{l.train, l.test} {
		for _, image := range h.images {
			if known[image.Name] == 0 {
				l.extra = append(l.extra, image.Name)
			}
			delete(known, image.Name)
		}
	}
	for p, line := range known {
		l.missing = append(l.missing, fault{path: p, list: list, line: line})
	}
	return l, nil
}

// listFolder lists a folder of class folders.
func listFolder(fsys fs.FS) (*listing, error) {
	train, test, err := classFolders(fsys)
	if err != nil {
		return nil, folderError("to verify", err)
	}
	l := &listing{title: "folder", root: "."}
	for _, h := range []struct {
		half    *half
		folders []string
	}{{&l.train, train}, {&l.test, test}} {
		for _, folder := range h.folders {
			if err := l.addFolder(fsys, h.half, folder, func(string) bool { return true }); err != nil {
				return nil, folderError("to verify", err)
			}
		}
	}
	return l, nil
}

// fashionImagesPerClass is the size of a class of the full Fashion-MNIST (arXiv:1708.07747), both files together.
const fashionImagesPerClass = 7000

// listFashion reads the full Fashion-MNIST, whose images are in four files.
func listFashion(fsys fs.FS) (*listing, error) {
	split, err := FashionFolder(fsys)
	if err != nil {
		return nil, err
	}
	l := &listing{title: "Fashion-MNIST", root: ".", packed: true}
	l.train = half{classes: split.Train.Classes, images: split.Train.Examples}
	l.test = half{classes: split.Test.Classes, images: split.Test.Examples}
	for _, prefix := range []string{"train", "t10k"} {
		for _, kind := range []string{"images-idx3", "labels-idx1"} {
			name := fmt.Sprintf("%s-%s-ubyte", prefix, kind)
			if _, err := fs.Stat(fsys, name); err != nil {
				name += ".gz"
			}
			l.files = append(l.files, name)
		}
	}
	return l, nil
}

// listCIFAR reads an archive of CIFAR-10 or CIFAR-100, whose images are in a few files.
func listCIFAR(c cifar) func(fs.FS) (*listing, error) {
	return func(fsys fs.FS) (*listing, error) {
		a, err := c.read(fsys)
		if err != nil {
			return nil, err
		}
		return &listing{
			title: a.published.Title, root: a.root, packed: true, files: a.files,
			train: half{classes: a.names, images: a.train.examples("train")},
			test:  half{classes: a.names, images: a.test.examples("test")},
		}, nil
	}
}

// listWholeImageNet lists ImageNet-1K, and the class folders that only one half has as missing in the other.
func listWholeImageNet(fsys fs.FS) (*listing, error) {
	l, err := listImageNet(fsys)
	if err != nil {
		return nil, err
	}
	for _, folder := range append(l.absent(imageNetTest, l.test, l.train), l.absent(imageNetTrain, l.train, l.test)...) {
		l.missing = append(l.missing, fault{path: folder})
	}
	return l, nil
}
