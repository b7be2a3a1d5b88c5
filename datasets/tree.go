// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// imageExtensions are how the names of images end in a tree, in lower case.
var imageExtensions = []string{".jpg", ".jpeg", ".png"}

// Tree reads all images in a folder and below it: the files whose names end in .jpg, .jpeg or .png, in upper or lower case, sorted by path. A class is
// the folder that holds an image, named by its path; if an image lies in fsys itself, nothing is known of classes, and all images are of the one
// class "".
//
// Names that begin with a dot are skipped, and links to folders are not followed, those to files are. No image is opened. A tree without an image is an
// error.
func Tree(fsys fs.FS, name string) (*Dataset, error) {
	var paths []string
	err := fs.WalkDir(fsys, ".", func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case at != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir() && slices.Contains(imageExtensions, strings.ToLower(path.Ext(at))):
			paths = append(paths, at)
		}
		return nil
	})
	if err != nil {
		return nil, folderError(name, err)
	}
	if len(paths) == 0 {
		return nil, folderError(name, errors.New("there is no image in it: want files named .jpg, .jpeg or .png"))
	}
	slices.Sort(paths)
	classes := []string{""}
	if !slices.ContainsFunc(paths, func(p string) bool { return path.Dir(p) == "." }) {
		classes = nil
		for _, p := range paths {
			classes = append(classes, path.Dir(p))
		}
		slices.Sort(classes)
		classes = slices.Compact(classes)
	}
	examples := make([]Example, len(paths))
	for i, p := range paths {
		label, _ := slices.BinarySearch(classes, path.Dir(p))
		examples[i] = Example{Name: p, Label: min(label, len(classes)-1), Ambiguity: Ambiguity{Other: -1}}
	}
	return fileDataset(fsys, name, classes, examples), nil
}
