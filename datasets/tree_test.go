// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
)

func TestTree(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	tree := func(names ...string) fstest.MapFS {
		fsys := fstest.MapFS{}
		for _, name := range names {
			fsys[name] = &fstest.MapFile{Data: data.Bytes()}
		}
		return fsys
	}
	type image struct{ name, class string }
	for _, test := range []struct {
		name  string
		files fstest.MapFS
		want  []image
	}{
		{"classes", tree("b/2.PNG", "b/1.jpg", "a/x.jpeg", "b/notes.txt", ".hidden/1.png", "a/.1.png"), []image{{"a/x.jpeg", "a"}, {"b/1.jpg", "b"}, {"b/2.PNG", "b"}}},
		{"nested", tree("test/a/1.png", "train/a/1.png", "train/b/1.png", "train/0.png"), []image{
			{"test/a/1.png", "test/a"}, {"train/0.png", "train"}, {"train/a/1.png", "train/a"}, {"train/b/1.png", "train/b"},
		}},
		{"no classes", tree("2.png", "1.png"), []image{{"1.png", ""}, {"2.png", ""}}},
		{"some in no class", tree("a/1.png", "b/1.png", "2.png"), []image{{"2.png", ""}, {"a/1.png", ""}, {"b/1.png", ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := datasets.Tree(test.files, "x")
			if err != nil {
				t.Fatal(err)
			}
			var got []image
			for i, e := range d.Examples {
				got = append(got, image{e.Name, d.Classes[e.Label]})
				if img, err := d.Image(i); err != nil || img.Width != 3 || img.Height != 2 {
					t.Errorf("%s: %v", e.Name, err)
				}
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(image{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, files := range map[string]fstest.MapFS{"empty": {}, "no image": tree("a/b.gif", "c")} {
		if _, err := datasets.Tree(files, "the-folder"); err == nil || !strings.Contains(err.Error(), "the-folder") || !strings.Contains(err.Error(), "no image") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// On a disk: links to images count, those to folders don't, and what can't be decoded is named when it is asked for.
func TestTreeOnDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "1.png"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"a/2.png": "1.png", "b": "a", "a/loop": "../a"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	d, err := datasets.Tree(os.DirFS(dir), dir)
	if err != nil || len(d.Examples) != 2 || d.Examples[1].Name != "a/2.png" {
		t.Fatalf("%v, %v", d, err)
	}
	if _, err := d.Image(1); err == nil || !strings.Contains(err.Error(), "a/2.png") {
		t.Errorf("a text as an image: %v", err)
	}
	if _, err := datasets.Tree(os.DirFS(filepath.Join(dir, "none")), "none"); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a missing folder: %v", err)
	}
}
