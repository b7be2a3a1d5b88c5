// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestCUB(t *testing.T) {
	fsys := sample(t, "cub")
	fsys["CUB_200_2011/images/001.Drawn_Bird_1/._Drawn_Bird_1_0001_700100.jpg"] = &fstest.MapFile{Data: []byte("of another system")}
	fsys["CUB_200_2011/images/001.Drawn_Bird_1/Thumbs.db"] = &fstest.MapFile{Data: []byte("no image")}
	fsys["CUB_200_2011/images/._001.Drawn_Bird_1"] = &fstest.MapFile{}
	split, err := CUB(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"001.Drawn_Bird_1", "002.Drawn_Bird_2", "003.Drawn_Bird_3"}, split.Train.Classes); diff != "" {
		t.Errorf("training classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"101.Drawn_Bird_101", "102.Drawn_Bird_102"}, split.Test.Classes); diff != "" {
		t.Errorf("test classes (-want +got):\n%s", diff)
	}
	if n := len(split.Train.Examples); n != 9 {
		t.Errorf("%d images to train, want 9", n)
	}
	want := Example{Name: "CUB_200_2011/images/102.Drawn_Bird_102/Drawn_Bird_102_0003_710202.jpg", Label: 1, Ambiguity: Ambiguity{Other: -1}}
	if diff := cmp.Diff(want, split.Test.Examples[5]); diff != "" {
		t.Errorf("last image (-want +got):\n%s", diff)
	}
}

func TestCUBFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		want   string
	}{
		{"a folder without a number", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/Crow/1.jpg"] = &fstest.MapFile{}
		}, "images/Crow: want a name that begins with a class's number from 1 to 200"},
		{"a class beyond the last", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/201.Crow/1.jpg"] = &fstest.MapFile{}
		}, "images/201.Crow"},
		{"two folders of a class", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/002.Crow/1.jpg"] = &fstest.MapFile{}
		}, "002.Crow and CUB_200_2011/images/002.Drawn_Bird_2 have one number"},
		{"an empty class", func(fsys fstest.MapFS) {
			fsys["CUB_200_2011/images/007.Crow/notes.txt"] = &fstest.MapFile{}
		}, "class folder CUB_200_2011/images/007.Crow has no images"},
		{"no images", func(fsys fstest.MapFS) {
			for name := range fsys {
				if strings.Contains(name, "/images/") {
					delete(fsys, name)
				}
			}
		}, "CUB_200_2011/images"},
		{"no classes to retrieve", func(fsys fstest.MapFS) {
			for name := range fsys {
				if strings.Contains(name, "/images/1") {
					delete(fsys, name)
				}
			}
		}, "3 classes to train and 0 to retrieve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := sample(t, "cub")
			c.change(fsys)
			if _, err := CUB(fsys); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want %q", err, c.want)
			}
		})
	}
}

// A file that is no image is found when it is loaded.
func TestCUBLazy(t *testing.T) {
	fsys := sample(t, "cub")
	name := "CUB_200_2011/images/002.Drawn_Bird_2/Drawn_Bird_2_0001_700200.jpg"
	fsys[name].Data = []byte("no image at all")
	split, err := CUB(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Train.Image(3); !errors.Is(err, ErrNotImage) || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v: want one of %s", err, name)
	}
}
