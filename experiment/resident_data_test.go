// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"introspection/idml"
	"introspection/internal/sampletree"
)

// A dataset in files is opened once as long as the files that describe it are the same.
func TestResidentFiles(t *testing.T) {
	for _, name := range []string{"cub", "cars", "sop", "cifar10"} {
		dir := t.TempDir()
		if err := sampletree.Write(dir, name, sampletree.DefaultOptions()); err != nil {
			t.Fatal(err)
		}
		recipe := name
		if name == "cifar10" {
			recipe = "cifar10-baseline"
		}
		cfg, err := idml.Recipe(recipe)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Data.Folder = dir
		r := NewResident(nil)
		open := func(want int) {
			t.Helper()
			if _, err := r.openSplit(cfg); err != nil {
				t.Fatal(err)
			}
			if got := r.Counts().Datasets; got != want {
				t.Errorf("%s: opened %d times, want %d", name, got, want)
			}
		}
		open(1)
		open(1)
		touched := touchDescription(t, dir)
		open(2)
		open(2)
		cfg.Data.ImageSize++
		open(3)
		if err := os.Remove(touched); err != nil {
			t.Fatal(err)
		}
		if _, err := r.openSplit(cfg); err == nil && r.Counts().Datasets != 4 {
			t.Errorf("%s: it is not opened anew without %s", name, touched)
		}
	}
}

// touchDescription gives the largest file that is no picture another time.
func touchDescription(t *testing.T, dir string) (largest string) {
	t.Helper()
	var most int64
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if ext := filepath.Ext(path); err == nil && info.Mode().IsRegular() && ext != ".jpg" && ext != ".JPG" && ext != ".png" && info.Size() > most {
			largest, most = path, info.Size()
		}
		return err
	})
	if err == nil {
		err = os.Chtimes(largest, time.Time{}, time.Now().Add(time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	return largest
}

// What lies in no files is opened once.
func TestResidentEmbedded(t *testing.T) {
	r := NewResident(nil)
	for i, name := range []string{"glyphs", "fashion"} {
		cfg, err := idml.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := r.openTask(cfg); err != nil {
				t.Fatal(err)
			}
			if got := r.Counts().Datasets; got != i+1 {
				t.Errorf("%s: opened %d datasets, want %d", name, got, i+1)
			}
		}
	}
}

// What lies in very many files isn't kept, and neither are class folders.
func TestSplitKey(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.JPG", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if signature, err := signatureOf(dir, 10); err == nil {
		t.Errorf("a signature of %d bytes", len(signature))
	}
	if signature, err := signatureOf(dir, 11); err != nil || strings.Count(signature, "\n") != 1 { // the folder's
		t.Errorf("the signature is %q, %v", signature, err)
	}
	cfg := idml.Folder()
	cfg.Data.Folder = t.TempDir()
	if key, ok := splitKey(cfg); ok {
		t.Errorf("class folders have the key %q", key)
	}
}
