// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestCars(t *testing.T) {
	split, err := Cars(sample(t, "cars"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Drawn Car 1", "Drawn Car 2", "Drawn Car 3"}, split.Train.Classes); diff != "" {
		t.Errorf("training classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Drawn Car 99", "Drawn Car 100"}, split.Test.Classes); diff != "" {
		t.Errorf("test classes (-want +got):\n%s", diff)
	}
	want := Example{Name: "cars196/car_ims/000013.jpg", Label: 1, Ambiguity: Ambiguity{Other: -1}}
	if diff := cmp.Diff(want, split.Test.Examples[3]); diff != "" {
		t.Errorf("an image (-want +got):\n%s", diff)
	}
}

// sciPyCars returns a tree whose annotations SciPy wrote: 392 images, the i-th of class i mod 196 + 1.
func sciPyCars(t testing.TB) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile("testdata/cars_annos.mat")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"cars196/cars_annos.mat": {Data: data}}
	for i := range 392 {
		fsys[fmt.Sprintf("cars196/car_ims/%06d.jpg", i+1)] = &fstest.MapFile{}
	}
	return fsys
}

func TestCarsOfSciPy(t *testing.T) {
	split, err := Cars(sciPyCars(t))
	if err != nil {
		t.Fatal(err)
	}
	if countOf(split.Train) != (Count{196, 98}) || countOf(split.Test) != (Count{196, 98}) {
		t.Errorf("%d and %d images", len(split.Train.Examples), len(split.Test.Examples))
	}
	if split.Train.Classes[97] != "Make Model 98 2012" || split.Test.Classes[0] != "Make Model 99 2012" {
		t.Errorf("classes %q, %q", split.Train.Classes[97], split.Test.Classes[0])
	}
	for i, e := range split.Test.Examples { // numbers count from 98, and after 98 of them from 98 + 196
		if want := fmt.Sprintf("cars196/car_ims/%06d.jpg", 99+i+98*(i/98)); e.Name != want || e.Label != i%98 {
			t.Fatalf("test image %d is %+v, want %s of label %d", i, e, want, i%98)
		}
	}
}

func TestCarsFaults(t *testing.T) {
	file := "cars196/cars_annos.mat"
	for _, c := range []struct {
		name   string
		change func(fsys fstest.MapFS)
		want   string
	}{
		{"no MAT file", func(fsys fstest.MapFS) { fsys[file].Data = []byte("annotations") }, "not a MAT file of version 5"},
		{"a cut file", func(fsys fstest.MapFS) { fsys[file].Data = fsys[file].Data[:3000] }, "unexpected EOF"},
		{"a changed byte", func(fsys fstest.MapFS) {
			fsys[file].Data = bytes.Clone(fsys[file].Data)
			fsys[file].Data[2000] ^= 1
		}, file},
		{"a missing image", func(fsys fstest.MapFS) { delete(fsys, "cars196/car_ims/000100.jpg") }, "cars196/car_ims/000100.jpg doesn't exist"},
		{"no images", func(fsys fstest.MapFS) {
			for name := range fsys {
				if name != file {
					delete(fsys, name)
				}
			}
		}, "000001.jpg doesn't exist, and 391 more of the listed images don't"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := sciPyCars(t)
			c.change(fsys)
			_, err := Cars(fsys)
			var format *FormatError
			if !errors.As(err, &format) || format.File != file || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want a FormatError of %s with %q", err, file, c.want)
			}
		})
	}
}

// matFile returns a MAT file that testdata/make_mat.py wrote with SciPy.
func matFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/mat/" + name + ".mat")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Files of another shape are refused, and the fault is named; the other form of the annotations is read.
func TestCarsShapes(t *testing.T) {
	for name, want := range map[string]string{
		"no_annotations":   `no struct array "annotations"`,
		"annotations_cell": `no struct array "annotations"`,
		"no_class":         `annotations have no field "class"; there are ["relative_im_path"]`,
		"class_text":       "annotation 2: class: no number 0: the array is [1 1] of char",
		"class_0":          "annotation 3: class 0, want 1 to 196",
		"class_half":       "annotation 1: class: the number is 1.5",
		"path_number":      "annotation 1: relative_im_path: the array is [1 1] of uint8: want text",
		"path_out":         `annotation 4: path "../car_ims/000004.jpg"`,
		"path_twice":       "annotations 1 and 4 are both of cars196/car_ims/000001.jpg",
		"few_names":        "class_names are [1 4] of cell: want a cell array of 196",
		"names_numbers":    "name of class 1: the array is [1 1] of uint8: want text",
		"fname":            "",
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{"cars196/cars_annos.mat": {Data: matFile(t, name)}}
			for i := range 4 {
				fsys[fmt.Sprintf("cars196/car_ims/%06d.jpg", i+1)] = &fstest.MapFile{}
			}
			split, err := Cars(fsys)
			if want == "" {
				if err != nil || split.Test.Examples[1].Name != "cars196/car_ims/000004.jpg" || split.Test.Classes[1] != "class 100" {
					t.Errorf("%+v, error %v", split.Test, err)
				}
				return
			}
			var format *FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v: want a FormatError with %q", err, want)
			}
		})
	}
}
