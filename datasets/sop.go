// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// The lists of Stanford Online Products and the first line of each.
const (
	sopTrainList = "Ebay_train.txt"
	sopTestList  = "Ebay_test.txt"
	sopHeader    = "image_id class_id super_class_id path"
)

// SOP reads the retrieval task of Stanford Online Products (arXiv:1511.06452): 22,634 products that were on sale, of a few
// photographs each, split by product. fsys is the folder that holds Stanford_Online_Products (or Standford_Online_Products, as some
// instructions spell it), or that folder:
//
//	Stanford_Online_Products/Ebay_train.txt
//	Stanford_Online_Products/Ebay_test.txt
//	Stanford_Online_Products/bicycle_final/111085122871_0.JPG
//
// Each list begins with the line "image_id class_id super_class_id path"; the others tell these of an image. The images are in the
// lists' order, the classes in that of their numbers, named by folder and number. The lists and the names in the listed folders are
// read; Dataset.Image opens the images. [CheckPublished] tells whether all are there. Errors are FormatErrors with the line where
// one is at fault: a line of another form, a path out of the dataset's folder, an image that doesn't exist or is listed twice, a
// class that is in both lists.
func SOP(fsys fs.FS) (Split, error) {
	l, err := listSOP(fsys)
	if err != nil {
		return Split{}, err
	}
	return l.split(fsys)
}

// listSOP lists Stanford Online Products.
func listSOP(fsys fs.FS) (*listing, error) {
	l, err := begin(fsys, "sop")
	if err != nil {
		return nil, err
	}
	lists := []string{path.Join(l.root, sopTrainList), path.Join(l.root, sopTestList)}
	var images [2][]listed
	for i, list := range lists {
		if images[i], err = openSOPList(fsys, list); err != nil {
			return nil, readingError(l.title, err)
		}
	}
	if err := checkDisjoint(lists, images); err != nil {
		return nil, readingError(l.title, err)
	}
	there := names{}
	if err := errors.Join(there.read(fsys, images[0]), there.read(fsys, images[1])); err != nil {
		return nil, readingError(l.title, err)
	}
	var missing []fault
	l.train, l.missing = halfOf(images[0], lists[0], there, sopNames(l.root, images[0]))
	l.test, missing = halfOf(images[1], lists[1], there, sopNames(l.root, images[1]))
	l.missing = append(l.missing, missing...)
	l.extra = there.without(images[0], images[1])
	l.files = lists
	return l, nil
}

// openSOPList reads the list of that name, which gives paths in the folder that the list is in.
func openSOPList(fsys fs.FS, list string) ([]listed, error) {
	f, err := fsys.Open(list)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	images, err := readSOPList(f, list)
	if err != nil {
		return nil, err
	}
	for i, image := range images {
		if images[i].path, err = inside(path.Dir(list), image.path); err != nil {
			return nil, &FormatError{File: list, Line: image.line, Err: err}
		}
	}
	return images, nil
}

// readSOPList reads the lines of a list. Its errors are FormatErrors of the file of that name.
func readSOPList(r io.Reader, name string) ([]listed, error) {
	scanner := bufio.NewScanner(r)
	line := 0
	fail := func(format string, args ...any) ([]listed, error) {
		return nil, &FormatError{File: name, Line: max(line, 1), Err: fmt.Errorf(format, args...)}
	}
	var images []listed
	for scanner.Scan() {
		line++
		fields := strings.Fields(scanner.Text())
		if line == 1 {
			if strings.Join(fields, " ") != sopHeader {
				return fail("the list begins with %.80q: want %q", scanner.Text(), sopHeader)
			}
			continue
		}
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 4 {
			return fail("%d words: want %s", len(fields), sopHeader)
		}
		var numbers [3]int
		for i, what := range strings.Fields(sopHeader)[:3] {
			n, err := strconv.Atoi(fields[i])
			if err != nil || n < 1 {
				return fail("%s is %.80q: want a number from 1", what, fields[i])
			}
			numbers[i] = n
		}
		images = append(images, listed{path: fields[3], class: numbers[1], line: line})
	}
	if err := scanner.Err(); err != nil {
		line++
		return fail("%w", err)
	}
	if len(images) == 0 {
		return fail("the list has no images")
	}
	return images, nil
}

// checkDisjoint returns an error if an image is listed twice or a class is in both lists.
func checkDisjoint(lists []string, images [2][]listed) error {
	train := map[int]int{} // by class, the line of its first image
	seen := map[string]string{}
	for half, list := range lists {
		for _, i := range images[half] {
			at := fmt.Sprintf("%s:%d", list, i.line)
			if other, ok := seen[i.path]; ok {
				return &FormatError{File: list, Line: i.line, Err: fmt.Errorf("%s is listed in %s too", i.path, other)}
			}
			seen[i.path] = at
			line, ok := train[i.class]
			switch {
			case half == 0 && !ok:
				train[i.class] = i.line
			case half == 1 && ok:
				return &FormatError{File: list, Line: i.line, Err: fmt.Errorf("class %d is in %s:%d too: a class to retrieve must not be one to train",
					i.class, lists[0], line)}
			}
		}
	}
	return nil
}

// sopNames returns the names of classes: the folder of its first image, without the _final that all have, and its number.
func sopNames(root string, images []listed) func(class int) string {
	folders := map[int]string{}
	for _, i := range images {
		if folders[i.class] == "" {
			folder := path.Dir(strings.TrimPrefix(i.path, root+"/"))
			folders[i.class] = strings.TrimSuffix(folder, "_final")
		}
	}
	return func(class int) string { return fmt.Sprintf("%s %d", folders[class], class) }
}
