// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"introspection/datasets"

	"github.com/google/go-cmp/cmp"
)

// unzipped returns the data of a gzip file.
func unzipped(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// compare checks that the program makes the embedded files of the full set in fsys, but for the compression.
func compare(t *testing.T, fsys fs.FS) {
	t.Helper()
	files, err := choose(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Errorf("%d files: want 4", len(files))
	}
	for name, data := range files {
		if !bytes.Equal(data, unzipped(t, name)) {
			t.Errorf("%s differs from the embedded file", name)
		}
	}
}

// The embedded files are what the program makes of the full set.
func TestEmbeddedFilesAreMadeAgain(t *testing.T) {
	data := os.Getenv("IDML_DATA")
	if data == "" {
		t.Skip("set IDML_DATA to a folder with fashion-mnist, the full set")
	}
	compare(t, os.DirFS(filepath.Join(data, "fashion-mnist")))
}

// Of the embedded part the program keeps all: it has as many images of each class as are chosen, and no more.
func TestThePartIsItsOwnPart(t *testing.T) { compare(t, os.DirFS(".")) }

// What is written can be read, and is what was chosen.
func TestRun(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for _, prefix := range []string{"train", "t10k"} {
		for name, x := range map[string]*datasets.IDX{
			"-images-idx3-ubyte.gz": {Dims: []int{2, 1, 1}, Data: []uint8{5, 6}},
			"-labels-idx1-ubyte.gz": {Dims: []int{2}, Data: []uint8{0, 1}},
		} {
			var data bytes.Buffer
			if err := datasets.WriteIDX(&data, x); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(in, prefix+name), data.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := run([]string{in, out}); err != nil {
		t.Fatal(err)
	}
	split, err := datasets.FashionClassificationFolder(os.DirFS(out))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1}, split.Test.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestFirst(t *testing.T) {
	images := &datasets.IDX{Dims: []int{5, 1, 2}, Data: []uint8{0, 1, 10, 11, 20, 21, 30, 31, 40, 41}}
	labels := &datasets.IDX{Dims: []int{5}, Data: []uint8{7, 7, 3, 7, 3}}
	gotImages, gotLabels := first(images, labels, 2)
	wantImages := &datasets.IDX{Dims: []int{4, 1, 2}, Data: []uint8{0, 1, 10, 11, 20, 21, 40, 41}}
	wantLabels := &datasets.IDX{Dims: []int{4}, Data: []uint8{7, 7, 3, 3}}
	if diff := cmp.Diff(wantImages, gotImages); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantLabels, gotLabels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestRunFaults(t *testing.T) {
	for want, args := range map[string][]string{
		"0 arguments":             nil,
		"train-images-idx3-ubyte": {t.TempDir(), t.TempDir()},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "t10k") {
			t.Errorf("error %v: want %q", err, want)
		}
	}
}
