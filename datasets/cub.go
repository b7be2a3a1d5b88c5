// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The retrieval task of CUB-200-2011: classes 1–100 train, 101–200 are retrieved. Code: the same.
const (
	cubClasses      = 200
	cubTrainClasses = 100
)

// CUB reads the retrieval task of CUB-200-2011 (Wah et al., Caltech CNS-TR-2011-001): 200 species of birds, of which the first 100
// train and the others, unseen, are retrieved. fsys is the folder that holds CUB_200_2011, or that folder:
//
//	CUB_200_2011/images/001.Black_footed_Albatross/Black_Footed_Albatross_0001_796111.jpg
//
// A class is a folder whose name begins with its number, an image a file in it named as one (.jpg, .jpeg, .png), in the order of
// names; names that begin with a dot are skipped. Only the folders are read; Dataset.Image opens the images. [CheckPublished] tells
// whether all are there. Errors name the folder.
func CUB(fsys fs.FS) (Split, error) {
	l, err := listCUB(fsys)
	if err != nil {
		return Split{}, err
	}
	return l.split(fsys)
}

// listCUB lists CUB-200-2011.
func listCUB(fsys fs.FS) (*listing, error) {
	l, err := begin(fsys, "cub")
	if err != nil {
		return nil, err
	}
	dir := path.Join(l.root, "images")
	entries, err := visible(fsys, dir)
	if err != nil {
		return nil, readingError(l.title, err)
	}
	folders := map[int]string{}
	for _, e := range entries {
		if !e.dir {
			l.extra = append(l.extra, e.path)
			continue
		}
		class, err := cubClass(path.Base(e.path))
		if err != nil {
			return nil, readingError(l.title, fmt.Errorf("class folder %s: %w", e.path, err))
		}
		if other, ok := folders[class]; ok {
			return nil, readingError(l.title, fmt.Errorf("class folders %s and %s have one number", other, e.path))
		}
		folders[class] = e.path
	}
	for class := 1; class <= cubClasses; class++ {
		if folder, ok := folders[class]; ok {
			h := &l.train
			if class > cubTrainClasses {
				h = &l.test
			}
			if err := l.addFolder(fsys, h, folder, isImageName); err != nil {
				return nil, readingError(l.title, err)
			}
		}
	}
	return l, nil
}

// cubClass returns the number with which a class folder's name begins.
func cubClass(name string) (int, error) {
	number, rest, ok := strings.Cut(name, ".")
	class, err := strconv.Atoi(number)
	if !ok || rest == "" || err != nil || class < 1 || class > cubClasses {
		return 0, fmt.Errorf("want a name that begins with a class's number from 1 to %d, as 001.Black_footed_Albatross", cubClasses)
	}
	return class, nil
}

// addFolder adds a class folder: its images are the files whose names isImage accepts, the others are extra.
func (l *listing) addFolder(fsys fs.FS, h *half, folder string, isImage func(name string) bool) error {
	files, err := unfollowed(fsys, folder)
	if err != nil {
		return err
	}
	n := len(h.images)
	for _, f := range files {
		if f.dir || !isImage(f.path) {
			l.extra = append(l.extra, f.path)
			continue
		}
		h.images = append(h.images, Example{Name: f.path, Label: len(h.classes), Ambiguity: Ambiguity{Other: -1}})
	}
	if len(h.images) == n {
		l.empty = append(l.empty, folder)
		return nil
	}
	h.classes = append(h.classes, path.Base(folder))
	return nil
}

// isImageName tells whether a file is named as the images are that we decode.
func isImageName(name string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(path.Ext(name)))
}
