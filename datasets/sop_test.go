// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestSOP(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, file := range sample(t, "sop") { // the other spelling of the folder
		fsys[strings.Replace(name, "Stanford", "Standford", 1)] = file
	}
	split, err := SOP(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bicycle 1", "cabinet 2", "chair 3"}, split.Train.Classes); diff != "" {
		t.Errorf("training classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"coffee_maker 11319", "fan 11320"}, split.Test.Classes); diff != "" {
		t.Errorf("test classes (-want +got):\n%s", diff)
	}
	want := Example{Name: "Standford_Online_Products/fan_final/110000011320_0.JPG", Label: 1, Ambiguity: Ambiguity{Other: -1}}
	if diff := cmp.Diff(want, split.Test.Examples[3]); diff != "" {
		t.Errorf("an image (-want +got):\n%s", diff)
	}
}

// Images keep the order of the list, and labels follow the numbers of the classes. Lines may end as DOS has them.
func TestSOPOrder(t *testing.T) {
	fsys := sample(t, "sop")
	list := fsys["Stanford_Online_Products/Ebay_train.txt"]
	lines := strings.Split(strings.TrimSpace(string(list.Data)), "\n")
	lines[1], lines[9] = lines[9], lines[1]
	list.Data = []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
	split, err := SOP(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 0, 0, 1, 1, 1, 2, 2, 0}, split.Train.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestSOPFaults(t *testing.T) {
	train, test := "Stanford_Online_Products/Ebay_train.txt", "Stanford_Online_Products/Ebay_test.txt"
	for _, c := range []struct {
		name, list, old, new string
		want                 string
	}{
		{"no header", train, sopHeader + "\n", "", train + ":1: the list begins with"},
		{"nothing", test, "", "", test + ":1: the list has no images"},
		{"three words", train, "2 1 1 bicycle_final", "2 1 bicycle_final", train + ":3: 3 words"},
		{"no number", train, "4 2 2 ", "4 two 2 ", train + `:5: class_id is "two"`},
		{"a negative number", test, "10 11319", "-10 11319", test + `:2: image_id is "-10"`},
		{"out of the folder", train, "bicycle_final/110000000001_1.JPG", "../../secret.JPG", train + `:3: path "../../secret.JPG": want one inside`},
		{"from the root", train, "bicycle_final/110000000001_1.JPG", "/etc/passwd", train + `:3: path "/etc/passwd": want one inside`},
		{"a missing image", train, "110000000001_1.JPG", "110000000001_9.JPG", train + ":3: Stanford_Online_Products/bicycle_final/110000000001_9.JPG doesn't exist"},
		{"two missing images", train, "chair_final", "sofa_final", "and 2 more"},
		{"listed twice", test, "110000011319_1.JPG", "110000011319_0.JPG", test + ":3: Stanford_Online_Products/coffee_maker_final/110000011319_0.JPG is listed in " + test + ":2 too"},
		{"a class of both halves", test, "11 11319", "11 2", test + ":3: class 2 is in " + train + ":5 too"},
		{"a line without end", test, "10 11319", strings.Repeat("1", 70000), test + ":2: bufio.Scanner: token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := sample(t, "sop")
			file := fsys[c.list]
			text := strings.ReplaceAll(string(file.Data), c.old, c.new)
			if c.old == "" {
				text = sopHeader
			}
			file.Data = []byte(text)
			_, err := SOP(fsys)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want %q", err, c.want)
			}
			var format *FormatError
			if !errors.As(err, &format) || format.File != c.list || format.Line < 1 {
				t.Errorf("error %v: want a FormatError of %s with a line", err, c.list)
			}
		})
	}
	fsys := sample(t, "sop")
	delete(fsys, test)
	if _, err := SOP(fsys); err == nil || !strings.Contains(err.Error(), test) {
		t.Errorf("error %v: want one of %s", err, test)
	}
}

// A list of the size of the true one is read without opening an image.
func TestSOPSize(t *testing.T) {
	fsys := fstest.MapFS{}
	for half, list := range map[string]int{sopTrainList: 1, sopTestList: 11319} {
		var text strings.Builder
		fmt.Fprintln(&text, sopHeader)
		for i := range 5000 {
			name := fmt.Sprintf("lamp_final/%d_%d.JPG", list+i/5, i%5)
			fmt.Fprintf(&text, "%d %d 7 %s\n", i+1, list+i/5, name)
			fsys[path.Join("Stanford_Online_Products", name)] = &fstest.MapFile{}
		}
		fsys[path.Join("Stanford_Online_Products", half)] = &fstest.MapFile{Data: []byte(text.String())}
	}
	split, err := SOP(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got := countOf(split.Test); got != (Count{5000, 1000}) {
		t.Errorf("%+v", got)
	}
}

// Whatever a list holds, what is read of it lies inside the folder, and a fault has a line.
func FuzzSOPList(f *testing.F) {
	f.Add([]byte(sopHeader + "\n1 1 1 bicycle_final/111085122871_0.JPG\n2 1 1 bicycle_final/111085122871_1.JPG\n"))
	f.Add([]byte(sopHeader + "\r\n1 99999999999999999999 1 a\r\n"))
	f.Add([]byte(sopHeader + "\n1 1 1 ../a\n"))
	f.Add([]byte("image_id"))
	f.Fuzz(func(t *testing.T, data []byte) {
		images, err := openSOPList(fstest.MapFS{"sop/list.txt": {Data: data}}, "sop/list.txt")
		if err != nil {
			var format *FormatError
			if images != nil || !errors.As(err, &format) || format.Line < 1 || format.Line > 2+strings.Count(string(data), "\n") {
				t.Errorf("%d images, error %v: want a FormatError with a line", len(images), err)
			}
			return
		}
		if len(images) == 0 {
			t.Error("neither images nor an error")
		}
		for _, i := range images {
			if !strings.HasPrefix(i.path, "sop/") || path.Clean(i.path) != i.path || i.class < 1 || i.line < 2 {
				t.Errorf("image %+v", i)
			}
		}
	})
}
