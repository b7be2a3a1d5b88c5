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

// The folders of ImageNet-1K's halves. The test set's labels are not public, so that the validation set is what is tested on.
const (
	imageNetTrain = "train"
	imageNetTest  = "val"
)

// ImageNet reads the classification task of ImageNet-1K (ILSVRC 2012, arXiv:1409.0575): a thousand classes, with the training images to
// train and the validation images to test. fsys is the folder that holds imagenet-1k, or that folder, as it lies under any name:
//
//	imagenet-1k/train/n01440764/n01440764_10026.JPEG
//	imagenet-1k/val/n01440764/ILSVRC2012_val_00000293.JPEG
//
// A class is a folder named by its WordNet id, in the order of ids, an image a file in it named as one (.JPEG, .jpg, .png), in the
// order of names; names that begin with a dot are skipped. Only the folders are read; Dataset.Image opens the images. Both halves must
// have the same classes, of which there may be fewer or more than a thousand: [CheckPublished] tells. Errors name the folders: those that one half
// has and the other has not, an empty one, one that isn't named by an id, a half of loose images or of archives not unpacked.
func ImageNet(fsys fs.FS) (Split, error) {
	l, err := listImageNet(fsys)
	if err != nil {
		return Split{}, err
	}
	if len(l.empty) == 0 { // else that is what split says
		if err := l.checkSameClasses(); err != nil {
			return Split{}, readingError(l.title, err)
		}
	}
	return l.split(fsys)
}

// listImageNet lists ImageNet-1K.
func listImageNet(fsys fs.FS) (*listing, error) {
	l, err := begin(fsys, "imagenet")
	if err != nil {
		return nil, err
	}
	for _, h := range []struct {
		half *half
		name string
	}{{&l.train, imageNetTrain}, {&l.test, imageNetTest}} {
		if err := l.addImageNet(fsys, h.half, path.Join(l.root, h.name)); err != nil {
			return nil, readingError(l.title, err)
		}
	}
	return l, nil
}

// addImageNet adds the class folders in dir.
func (l *listing) addImageNet(fsys fs.FS, h *half, dir string) error {
	entries, err := visible(fsys, dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("folder %s: %w: want %s and %s beside each other", dir, withoutPath(err), imageNetTrain, imageNetTest)
		}
		return err
	}
	var loose []string
	for _, e := range entries {
		if !e.dir {
			loose = append(loose, e.path)
			continue
		}
		if !isWordNetID(path.Base(e.path)) {
			return fmt.Errorf("class folder %s: want a name that is a WordNet id, as n01440764", e.path)
		}
		if err := l.addFolder(fsys, h, e.path, isImageName); err != nil {
			return err
		}
	}
	if len(loose) == len(entries) {
		return unsorted(dir, loose)
	}
	l.extra = append(l.extra, loose...)
	return nil
}

// isWordNetID tells whether a name is n and eight digits.
func isWordNetID(name string) bool {
	return len(name) == 9 && name[0] == 'n' && strings.Trim(name[1:], "0123456789") == ""
}

// unsorted says what to do about a half without class folders, which has only the given files.
func unsorted(dir string, files []string) error {
	const script = "https://github.com/pytorch/examples/blob/main/imagenet/extract_ILSVRC.sh does it for both halves"
	images, archives := 0, 0
	for _, file := range files {
		if isImageName(file) {
			images++
		} else if path.Ext(file) == ".tar" {
			archives++
		}
	}
	switch {
	case images > 0:
		return fmt.Errorf("%s has %s loose images and no class folders: move each image into a folder named by the WordNet id of its class, "+
			"as %[1]s/n01440764 (%[3]s)", dir, thousands(images), script)
	case archives > 0:
		return fmt.Errorf("%s has %s archives and no class folders: unpack each into a folder of its name, as %[1]s/n01440764 (%[3]s)",
			dir, thousands(archives), script)
	}
	return fmt.Errorf("%s has no class folders, as %[1]s/n01440764", dir)
}

// checkSameClasses returns an error that names the class folders that only one half has, or that says that there is nothing to tell apart.
func (l *listing) checkSameClasses() error {
	var faults []string
	for _, folders := range [][]string{l.absent(imageNetTest, l.test, l.train), l.absent(imageNetTrain, l.train, l.test)} {
		if len(folders) > 0 {
			faults = append(faults, enumerate(folders))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("both halves must have the same classes, but there is no %s", strings.Join(faults, ", and no "))
	}
	if n := len(l.train.classes); n < minClasses {
		return fmt.Errorf("%d classes: want at least %d", n, minClasses)
	}
	return nil
}

// absent returns the paths of the class folders that a half of that name lacks and the other has.
func (l *listing) absent(name string, h, other half) (folders []string) {
	for _, class := range other.classes {
		folder := path.Join(l.root, name, class)
		if _, ok := slices.BinarySearch(h.classes, class); !ok && !slices.Contains(l.empty, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// enumerate lists some names, and how many more there are.
func enumerate(names []string) string {
	const most = 10
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %s more", strings.Join(names[:most], ", "), thousands(n))
	}
	return strings.Join(names, ", ")
}
