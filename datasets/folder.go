// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// minClasses is the least number of classes of a half: with one class there is nothing to tell apart.
const minClasses = 2

// Folder reads a folder of class folders, each holding the JPEG and PNG images of one class, whatever their names end in. If
// fsys has folders train and test, these hold the class folders of the two halves. Otherwise its own folders are the classes:
// sorted by name, the first half trains (the larger half, of an odd number), and the second half, unseen, is retrieved.
//
// Names that begin with a dot are skipped, as are files beside the class folders. Folder reads every image's header, and no
// more; Dataset.Image decodes. Errors name the file or folder: a file that is not an image, an empty class, a folder inside a
// class, a class with a single image in the test half (it would have a query but no answer), fewer than two classes in a half.
func Folder(fsys fs.FS, name string) (Split, error) {
	train, test, err := classFolders(fsys)
	if err != nil {
		return Split{}, folderError(name, err)
	}
	var split Split
	if split.Train, err = readClasses(fsys, name+", training", train, 1); err != nil {
		return Split{}, folderError(name, err)
	}
	if split.Test, err = readClasses(fsys, name+", test", test, 2); err != nil {
		return Split{}, folderError(name, err)
	}
	return split, nil
}

// classFolders returns the paths of the class folders of both halves, sorted.
func classFolders(fsys fs.FS) (train, test []string, err error) {
	classes, err := subfolders(fsys, ".")
	if err != nil {
		return nil, nil, err
	}
	if slices.Contains(classes, "train") && slices.Contains(classes, "test") {
		if train, err = subfolders(fsys, "train"); err != nil {
			return nil, nil, err
		}
		if test, err = subfolders(fsys, "test"); err != nil {
			return nil, nil, err
		}
	} else {
		half := (len(classes) + 1) / 2
		train, test = classes[:half], classes[half:]
	}
	if len(train) < minClasses || len(test) < minClasses {
		return nil, nil, fmt.Errorf("%d class folders to train and %d to retrieve: want at least %d of each", len(train), len(test), minClasses)
	}
	return train, test, nil
}

// folderError says which folder could not be read.
func folderError(name string, err error) error {
	return fmt.Errorf("datasets: reading folder %s: %w", name, err)
}

// subfolders returns the paths of the folders in dir, sorted, links followed.
func subfolders(fsys fs.FS, dir string) ([]string, error) {
	entries, err := visible(fsys, dir)
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, e := range entries {
		if e.dir {
			folders = append(folders, e.path)
		}
	}
	return folders, nil
}

// entry is a file or a folder.
type entry struct {
	path string
	dir  bool
}

// visible returns what is in dir but for names that begin with a dot, sorted by name. Links count as what they lead to.
func visible(fsys fs.FS, dir string) ([]entry, error) {
	found, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, f := range found {
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		e := entry{path: path.Join(dir, f.Name()), dir: f.IsDir()}
		if f.Type()&fs.ModeSymlink != 0 {
			info, err := fs.Stat(fsys, e.path)
			if err != nil {
				return nil, err
			}
			e.dir = info.IsDir()
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// readClasses returns the dataset of the class folders at the given paths, each with at least minImages images.
func readClasses(fsys fs.FS, name string, folders []string, minImages int) (*Dataset, error) {
	var classes []string
	var examples []Example
	var sizes [][2]int
	for label, folder := range folders {
		classes = append(classes, path.Base(folder))
		files, err := visible(fsys, folder)
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("class folder %s is empty", folder)
		}
		if len(files) < minImages {
			return nil, fmt.Errorf("class folder %s has one image: a class to retrieve needs at least %d", folder, minImages)
		}
		for _, f := range files {
			if f.dir {
				return nil, fmt.Errorf("%s is a folder inside a class folder, where only images are expected", f.path)
			}
			width, height, err := fileSize(fsys, f.path)
			if err != nil {
				return nil, err
			}
			examples = append(examples, Example{Name: f.path, Label: label, Ambiguity: Ambiguity{Other: -1}})
			sizes = append(sizes, [2]int{width, height})
		}
	}
	d := fileDataset(fsys, name, classes, examples)
	d.size = func(i int) (width, height int) { return sizes[i][0], sizes[i][1] }
	return d, nil
}

// fileSize reads the header of an image file. Errors name the file.
func fileSize(fsys fs.FS, name string) (width, height int, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	if width, height, err = decodeSize(f); err != nil {
		return 0, 0, &FormatError{File: name, Err: fmt.Errorf("not an image that can be read: %w", withoutPath(err))}
	}
	return width, height, nil
}

// withoutPath returns the cause of an error of a file system, for a message that has named the file already.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
