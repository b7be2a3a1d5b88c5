// SPDX-License-Identifier: Apache-2.0

// Command fashion makes the part of Fashion-MNIST that package datasets embeds, out of a folder with the full set's four IDX
// files: of each class the first 500 images of the training file and the first 100 of the test file, in the files' order. It
// takes the folder of the full set and the folder to write to:
//
//	go run ./datasets/fashion /usr/share/datasets/fashion-mnist datasets/fashion
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"introspection/datasets"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fashion:", err)
		os.Exit(1)
	}
}

// run is the program.
func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments: want the folder of the full set and the folder to write to", len(args))
	}
	files, err := choose(os.DirFS(args[0]))
	if err != nil {
		return err
	}
	for name, data := range files {
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(args[1], name), z.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// choose returns the four IDX files of the part, uncompressed, by the names they are embedded under.
func choose(full fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	for prefix, perClass := range map[string]int{"train": 500, "t10k": 100} {
		imageFile, labelFile := prefix+"-images-idx3-ubyte.gz", prefix+"-labels-idx1-ubyte.gz"
		images, err := read(full, imageFile)
		if err != nil {
			return nil, err
		}
		labels, err := read(full, labelFile)
		if err != nil {
			return nil, err
		}
		if len(images.Dims) != 3 || len(labels.Dims) != 1 || images.Dims[0] != labels.Dims[0] {
			return nil, fmt.Errorf("%s and %s: dimensions %v and %v don't fit", imageFile, labelFile, images.Dims, labels.Dims)
		}
		images, labels = first(images, labels, perClass)
		for name, x := range map[string]*datasets.IDX{imageFile: images, labelFile: labels} {
			var out bytes.Buffer
			if err := datasets.WriteIDX(&out, x); err != nil {
				return nil, err
			}
			files[name] = out.Bytes()
		}
	}
	return files, nil
}

// read reads one IDX file.
func read(fsys fs.FS, name string) (*datasets.IDX, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, err := datasets.ReadIDX(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return x, nil
}

// first returns the first perClass images of each class and their labels, in order.
func first(images, labels *datasets.IDX, perClass int) (someImages, someLabels *datasets.IDX) {
	height, width := images.Dims[1], images.Dims[2]
	count := map[uint8]int{}
	var pix, kept []uint8
	for i, label := range labels.Data {
		if count[label] == perClass {
			continue
		}
		count[label]++
		kept = append(kept, label)
		pix = append(pix, images.Data[i*height*width:(i+1)*height*width]...)
	}
	return &datasets.IDX{Dims: []int{len(kept), height, width}, Data: pix}, &datasets.IDX{Dims: []int{len(kept)}, Data: kept}
}
