// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"introspection/internal/sampletree"
)

// classificationSample returns a small tree of a classification task: 3 classes, of 4 images each in either half.
func classificationSample(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	dir := t.TempDir()
	o := sampletree.Options{TrainClasses: 3, TestClasses: 3, ImagesPerClass: 4, Width: 32, Height: 24, Seed: 0}
	if err := sampletree.Write(dir, name, o); err != nil {
		t.Fatal(err)
	}
	return files(t, os.DirFS(dir))
}

func TestImageNet(t *testing.T) {
	fsys := classificationSample(t, "imagenet")
	fsys["imagenet-1k/val/n90000001/._ILSVRC2012_val_00000001.JPEG"] = &fstest.MapFile{Data: []byte("of another system")}
	fsys["imagenet-1k/train/n90000001/notes.txt"] = &fstest.MapFile{}
	fsys["imagenet-1k/LOC_val_solution.csv"] = &fstest.MapFile{}
	fsys["imagenet-1k/train/n90000001.tar"] = &fstest.MapFile{}
	own, err := fs.Sub(fsys, "imagenet-1k")
	if err != nil {
		t.Fatal(err)
	}
	for prefix, fsys := range map[string]fs.FS{"imagenet-1k/": fsys, "": own} {
		split, err := ImageNet(fsys)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []*Dataset{split.Train, split.Test} {
			if diff := cmp.Diff([]string{"n90000001", "n90000018", "n90000035"}, d.Classes); diff != "" {
				t.Errorf("%s: classes (-want +got):\n%s", d.Name, diff)
			}
			if diff := cmp.Diff([]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}, d.Labels()); diff != "" {
				t.Errorf("%s: labels (-want +got):\n%s", d.Name, diff)
			}
			for i := range d.Examples {
				mustImage(t, d, i)
			}
		}
		want := Example{Name: prefix + "train/n90000018/n90000018_16.JPEG", Label: 1, Ambiguity: Ambiguity{Other: -1}}
		if diff := cmp.Diff(want, split.Train.Examples[4]); diff != "" {
			t.Errorf("an image to train (-want +got):\n%s", diff)
		}
		if got, want := split.Test.Examples[11].Name, prefix+"val/n90000035/ILSVRC2012_val_00000012.JPEG"; got != want {
			t.Errorf("the last image to test is %s: want %s", got, want)
		}
		err = CheckPublished("imagenet", split)
		if err == nil || !strings.Contains(err.Error(), "not the whole ImageNet-1K: 12 images to train, published are 1,281,167; 3 classes to train, published are 1,000; 12 images to test, published are 50,000") {
			t.Errorf("a part: %v", err)
		}
	}
}

// No image is opened before it is loaded.
func TestImageNetLazy(t *testing.T) {
	fsys := classificationSample(t, "imagenet")
	name := "imagenet-1k/val/n90000018/ILSVRC2012_val_00000006.JPEG"
	fsys[name].Data = []byte("no image at all")
	split, err := ImageNet(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Test.Image(5); !errors.Is(err, ErrNotImage) || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v: want one of %s", err, name)
	}
}

func TestImageNetFaults(t *testing.T) {
	remove := func(fsys fstest.MapFS, part string) {
		for name := range fsys {
			if strings.Contains(name, part) {
				delete(fsys, name)
			}
		}
	}
	add := func(fsys fstest.MapFS, name string) { fsys["imagenet-1k/"+name] = &fstest.MapFile{} }
	for _, c := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		want   []string
	}{
		{"a class missing to test", func(fsys fstest.MapFS) { remove(fsys, "val/n90000018") }, []string{"but there is no imagenet-1k/val/n90000018"}},
		{"classes missing in both", func(fsys fstest.MapFS) {
			remove(fsys, "val/n90000018")
			remove(fsys, "train/n90000001/")
			add(fsys, "train/n01440764/1.JPEG")
		}, []string{"no imagenet-1k/val/n01440764, imagenet-1k/val/n90000018, and no imagenet-1k/train/n90000001"}},
		{"many missing", func(fsys fstest.MapFS) {
			for i := range 1200 {
				add(fsys, fmt.Sprintf("train/n%08d/1.JPEG", i))
			}
		}, []string{"no imagenet-1k/val/n00000000, ", "imagenet-1k/val/n00000009 and 1,190 more"}},
		{"an empty class", func(fsys fstest.MapFS) {
			remove(fsys, "val/n90000018")
			add(fsys, "val/n90000018/notes.txt")
		}, []string{"class folder imagenet-1k/val/n90000018 has no images"}},
		{"another folder", func(fsys fstest.MapFS) { add(fsys, "val/goldfish/1.JPEG") }, []string{"imagenet-1k/val/goldfish: want a name that is a WordNet id, as n01440764"}},
		{"loose images", func(fsys fstest.MapFS) {
			remove(fsys, "val/")
			for i := range 1234 {
				add(fsys, fmt.Sprintf("val/ILSVRC2012_val_%08d.JPEG", i+1))
			}
		}, []string{"imagenet-1k/val has 1,234 loose images and no class folders: move each image into a folder", "imagenet-1k/val/n01440764", "extract_ILSVRC.sh"}},
		{"archives", func(fsys fstest.MapFS) {
			remove(fsys, "train/")
			add(fsys, "train/n01440764.tar")
		}, []string{"imagenet-1k/train has 1 archives and no class folders: unpack each", "extract_ILSVRC.sh"}},
		{"nothing but text", func(fsys fstest.MapFS) {
			remove(fsys, "train/")
			add(fsys, "train/readme.txt")
		}, []string{"imagenet-1k/train has no class folders"}},
		{"no half to test", func(fsys fstest.MapFS) { remove(fsys, "val/") }, []string{"folder imagenet-1k/val: file does not exist: want train and val beside each other"}},
		{"one class", func(fsys fstest.MapFS) {
			remove(fsys, "n90000001/")
			remove(fsys, "n90000018/")
		}, []string{"1 classes: want at least 2"}},
		{"no folder", func(fsys fstest.MapFS) { remove(fsys, "") }, []string{"there is no folder imagenet-1k, and nothing called train either", "https://image-net.org"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := classificationSample(t, "imagenet")
			c.change(fsys)
			_, err := ImageNet(fsys)
			for _, want := range append(c.want, "reading ImageNet-1K") {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v: want %q", err, want)
				}
			}
		})
	}
}
