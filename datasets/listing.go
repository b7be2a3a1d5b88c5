// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A listing is what a dataset's layout says of its images, none of which has been opened. All paths are paths of the file system
// that was given.
type listing struct {
	title       string
	root        string // the dataset's folder, "." if that is the one given
	train, test half
	files       []string // files of the dataset beside the images: lists, annotations
	extra       []string // files among the images that the dataset doesn't know
	missing     []fault  // images that the dataset's own list has and that are not there
	empty       []string // class folders without images
	packed      bool     // the images are no files of their own
}

// A half is the images of a half of the task, in order.
type half struct {
	classes []string
	images  []Example
}

// A fault is an image that is not there, and where it is listed.
type fault struct {
	path string // of the image
	list string
	line int // 0 in a list without lines
}

// count returns the number of images and of classes.
func (h half) count() Count { return Count{Images: len(h.images), Classes: len(h.classes)} }

// split returns the task that a listing describes. It is an error if listed images are not there or a half has not enough classes.
func (l *listing) split(fsys fs.FS) (Split, error) {
	if len(l.missing) > 0 {
		m := l.missing[0]
		err := fmt.Errorf("%s doesn't exist", m.path)
		if n := len(l.missing) - 1; n > 0 {
			err = fmt.Errorf("%w, and %s more of the listed images don't", err, thousands(n))
		}
		return Split{}, readingError(l.title, &FormatError{File: m.list, Line: m.line, Err: err})
	}
	if len(l.empty) > 0 {
		return Split{}, readingError(l.title, fmt.Errorf("class folder %s has no images", l.empty[0]))
	}
	if len(l.train.classes) < minClasses || len(l.test.classes) < minClasses {
		return Split{}, readingError(l.title, fmt.Errorf("%d classes to train and %d to retrieve: want at least %d of each",
			len(l.train.classes), len(l.test.classes), minClasses))
	}
	return Split{
		Train: fileDataset(fsys, l.title+", training", l.train.classes, l.train.images),
		Test:  fileDataset(fsys, l.title+", test", l.test.classes, l.test.images),
	}, nil
}

// fileDataset returns the dataset of images that are files: each is opened when it is loaded, and not before.
func fileDataset(fsys fs.FS, name string, classes []string, examples []Example) *Dataset {
	load := func(i int, wanted region) (*RGB, error) {
		data, err := wanted.readFile(fsys, examples[i].Name)
		if err != nil {
			return nil, withoutPath(err)
		}
		return decode(data, wanted)
	}
	return &Dataset{Name: name, Classes: classes, Examples: examples, load: load}
}

// readingError says which dataset could not be read.
func readingError(title string, err error) error {
	return fmt.Errorf("datasets: reading %s: %w", title, err)
}

// find returns the path of a published dataset's folder in fsys: one of its known names, or "." if fsys is that folder itself.
func (p Published) find(fsys fs.FS) (string, error) {
	for _, name := range p.Folders {
		if info, err := fs.Stat(fsys, name); err == nil && info.IsDir() {
			return name, nil
		}
	}
	if _, err := fs.Stat(fsys, p.Marker); err == nil {
		return ".", nil
	}
	names := strings.Join(p.Folders, " or ")
	return "", fmt.Errorf("there is no folder %s, and nothing called %s either: name the folder that holds %s, or itself; the dataset is obtained from %s",
		names, p.Marker, p.Folders[0], p.Source)
}

// begin returns the listing of the dataset of that name, with its folder, which it looks for.
func begin(fsys fs.FS, name string) (*listing, error) {
	p, ok := PublishedByName(name)
	if !ok {
		panic("datasets: no dataset is called " + name)
	}
	root, err := p.find(fsys)
	if err != nil {
		return nil, readingError(p.Title, err)
	}
	return &listing{title: p.Title, root: root}, nil
}

// An image of a list is its path and the number of its class.
type listed struct {
	path  string
	class int
	line  int // in the list, 0 if that has no lines
}

// halfOf returns the half of listed images, and the missing ones of them. The labels are the ranks of the classes' numbers: those
// numbers less the first where no class is left out. The classes' names come from name.
func halfOf(images []listed, list string, there names, name func(class int) string) (half, []fault) {
	ranks := map[int]int{}
	for _, i := range images {
		if there.has(i.path) {
			ranks[i.class] = 0
		}
	}
	var h half
	for rank, class := range slices.Sorted(maps.Keys(ranks)) {
		ranks[class] = rank
		h.classes = append(h.classes, name(class))
	}
	var missing []fault
	for _, i := range images {
		if !there.has(i.path) {
			missing = append(missing, fault{path: i.path, list: list, line: i.line})
			continue
		}
		h.images = append(h.images, Example{Name: i.path, Label: ranks[i.class], Ambiguity: Ambiguity{Other: -1}})
	}
	return h, missing
}

// names are the files that there are in some folders: a folder is read once, however many files are looked for in it.
type names map[string]map[string]bool

// read adds the folders that hold the images. A folder that is missing holds none.
func (n names) read(fsys fs.FS, images []listed) error {
	for _, i := range images {
		dir := path.Dir(i.path)
		if n[dir] != nil {
			continue
		}
		entries, err := unfollowed(fsys, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		n[dir] = make(map[string]bool, len(entries))
		for _, e := range entries {
			if !e.dir {
				n[dir][path.Base(e.path)] = true
			}
		}
	}
	return nil
}

// unfollowed is visible, but takes each link for a file: to ask where 60,000 of them lead takes seconds, and the first image that is
// loaded tells.
func unfollowed(fsys fs.FS, dir string) ([]entry, error) {
	found, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, f := range found {
		if !strings.HasPrefix(f.Name(), ".") {
			entries = append(entries, entry{path: path.Join(dir, f.Name()), dir: f.IsDir()})
		}
	}
	return entries, nil
}

// has tells whether the file is there.
func (n names) has(name string) bool { return n[path.Dir(name)][path.Base(name)] }

// without returns the files that are there and not among the images, sorted.
func (n names) without(images ...[]listed) []string {
	known := map[string]bool{}
	for _, list := range images {
		for _, i := range list {
			known[i.path] = true
		}
	}
	var extra []string
	for dir, files := range n {
		for file := range files {
			if p := path.Join(dir, file); !known[p] {
				extra = append(extra, p)
			}
		}
	}
	slices.Sort(extra)
	return extra
}

// inside returns the path of a file that a list in the folder root names, which must lie in that folder.
func inside(root, name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`) {
		return "", fmt.Errorf("path %q: want one inside the dataset's folder", name)
	}
	return path.Join(root, name), nil
}
