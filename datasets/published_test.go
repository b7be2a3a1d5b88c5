// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"introspection/internal/sampletree"
)

// sampleDir returns a folder with a small tree of the dataset of that name: 3 classes to train and 2 to retrieve, of 3 images each.
func sampleDir(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	o := sampletree.Options{TrainClasses: 3, TestClasses: 2, ImagesPerClass: 3, Width: 32, Height: 24, Seed: 0}
	if err := sampletree.Write(dir, name, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sample is sampleDir in memory, to be changed.
func sample(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	dir := os.DirFS(sampleDir(t, name))
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

// readers are the readers by the names of their datasets.
func readers() map[string]func(fs.FS) (Split, error) {
	return map[string]func(fs.FS) (Split, error){"cub": CUB, "cars": Cars, "sop": SOP}
}

// The readers find a dataset in the folder that holds it and in its own, on disk, with labels from 0 in each half.
func TestReaders(t *testing.T) {
	for name, read := range readers() {
		t.Run(name, func(t *testing.T) {
			dir := os.DirFS(sampleDir(t, name))
			split, err := read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{0, 0, 0, 1, 1, 1, 2, 2, 2}, split.Train.Labels()); diff != "" {
				t.Errorf("training labels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int{0, 0, 0, 1, 1, 1}, split.Test.Labels()); diff != "" {
				t.Errorf("test labels (-want +got):\n%s", diff)
			}
			if countOf(split.Train) != (Count{9, 3}) || countOf(split.Test) != (Count{6, 2}) {
				t.Errorf("classes %q and %q", split.Train.Classes, split.Test.Classes)
			}
			for i := range split.Test.Examples {
				mustImage(t, split.Test, i)
			}
			gray := mustImage(t, split.Train, 1)
			if p := gray.Pix[:3]; p[0] != p[1] || p[1] != p[2] {
				t.Errorf("%s is gray; its first pixel is %v", split.Train.Examples[1].Name, p)
			}
			p, _ := PublishedByName(name)
			own, err := fs.Sub(dir, p.Folders[0])
			if err != nil {
				t.Fatal(err)
			}
			again, err := read(own)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := again.Test.Examples[2].Name, split.Test.Examples[2].Name; p.Folders[0]+"/"+got != want {
				t.Errorf("in its own folder an image is called %s, else %s", got, want)
			}
			if diff := cmp.Diff(split.Train.Classes, again.Train.Classes); diff != "" {
				t.Errorf("classes (-in the folder that holds it, +in its own):\n%s", diff)
			}
		})
	}
}

// A missing folder is named in all its spellings, with where the dataset is obtained.
func TestReadersWithoutFolder(t *testing.T) {
	for name, read := range readers() {
		_, err := read(fstest.MapFS{"other/file": {}})
		p, _ := PublishedByName(name)
		for _, want := range append([]string{p.Title, p.Source, p.Marker}, p.Folders...) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v: want %q in it", name, err, want)
			}
		}
	}
}

func TestCheckPublished(t *testing.T) {
	p, _ := PublishedByName("cars")
	whole := func() Split {
		half := func(c Count) *Dataset {
			return New("", make([]string, c.Classes), make([]Example, c.Images), func(int) (*RGB, error) { return nil, nil })
		}
		return Split{Train: half(p.Train), Test: half(p.Test)}
	}
	if err := CheckPublished("cars", whole()); err != nil {
		t.Errorf("the whole set: %v", err)
	}
	part := whole()
	part.Test.Examples = part.Test.Examples[:7000]
	part.Train.Classes = part.Train.Classes[:97]
	err := CheckPublished("cars", part)
	want := "datasets: not the whole Cars196: 97 classes to train, published are 98; 7,000 images to test, published are 8,131"
	if err == nil || err.Error() != want {
		t.Errorf("a part: %v, want %s", err, want)
	}
	if err := CheckPublished("folder", part); err != nil {
		t.Errorf("without published numbers: %v", err)
	}
	if total := (p.Train.Images + p.Test.Images); total != 16185 {
		t.Errorf("Cars196 has %d images", total)
	}
}

// The halves' numbers add up to the published sizes of the datasets; those to classify have their classes in both.
func TestPublishedTotals(t *testing.T) {
	for name, want := range map[string]Count{"cub": {11788, 200}, "cars": {16185, 196}, "sop": {120053, 22634}, "cifar10": {60000, 20}, "cifar100": {60000, 200}, "imagenet": {1331167, 2000}} {
		p, ok := PublishedByName(name)
		if got := (Count{p.Train.Images + p.Test.Images, p.Train.Classes + p.Test.Classes}); !ok || got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if _, ok := PublishedByName("imagenet-22k"); ok {
		t.Error("imagenet-22k is known")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 60502: "60,502", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
