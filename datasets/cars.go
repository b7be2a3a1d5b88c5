// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"introspection/datasets/matlab"
)

// The retrieval task of Cars196: classes 1–98 train, 99–196 are retrieved. Code: the same. And its files.
const (
	carsClasses      = 196
	carsTrainClasses = 98
	carsAnnotations  = "cars_annos.mat"
	carsImages       = "car_ims"
)

// Cars reads the retrieval task of Cars196 (Krause et al., "3D Object Representations for Fine-Grained Categorization", 3dRR-13):
// 196 models of cars, of which the first 98 train and the others, unseen, are retrieved; the set's own split by image is not
// heeded. fsys is the folder that holds cars196, or that folder:
//
//	cars196/cars_annos.mat
//	cars196/car_ims/000001.jpg
//
// cars_annos.mat is a MAT file of version 5, compressed or not, with a struct array "annotations", whose fields "relative_im_path"
// (or "fname", a name in car_ims) and "class" are read, and, unless the classes shall be called by their numbers, a cell array
// "class_names". The images are in the order of the annotations. These and the names in car_ims are read; Dataset.Image opens the
// images. [CheckPublished] tells whether all are there. Errors are FormatErrors where the file is of another shape, and name an
// image that doesn't exist.
func Cars(fsys fs.FS) (Split, error) {
	l, err := listCars(fsys)
	if err != nil {
		return Split{}, err
	}
	return l.split(fsys)
}

// listCars lists Cars196.
func listCars(fsys fs.FS) (*listing, error) {
	l, err := begin(fsys, "cars")
	if err != nil {
		return nil, err
	}
	file := path.Join(l.root, carsAnnotations)
	variables, err := openMatlab(fsys, file)
	if err != nil {
		return nil, readingError(l.title, err)
	}
	images, err := carsList(l.root, variables["annotations"])
	if err == nil {
		err = checkUnique(images)
	}
	var classes []string
	if err == nil {
		classes, err = carsNames(variables["class_names"])
	}
	if err != nil {
		return nil, readingError(l.title, &FormatError{File: file, Err: err})
	}
	there := names{}
	if err := there.read(fsys, images); err != nil {
		return nil, readingError(l.title, err)
	}
	test := slices.DeleteFunc(slices.Clone(images), func(i listed) bool { return i.class <= carsTrainClasses })
	train := slices.DeleteFunc(images, func(i listed) bool { return i.class > carsTrainClasses })
	name := func(class int) string { return classes[class-1] }
	var missing []fault
	l.train, l.missing = halfOf(train, file, there, name)
	l.test, missing = halfOf(test, file, there, name)
	l.missing = append(l.missing, missing...)
	l.extra = there.without(train, test)
	l.files = []string{file}
	return l, nil
}

// openMatlab reads the variables of a MAT file.
func openMatlab(fsys fs.FS, name string) (map[string]*matlab.Array, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	variables, err := matlab.Read(f)
	if err != nil {
		return nil, &FormatError{File: name, Err: err}
	}
	return variables, nil
}

// carsList returns the annotated images, with their paths.
func carsList(root string, annotations *matlab.Array) ([]listed, error) {
	if annotations == nil || annotations.Class != matlab.Struct || annotations.Len() == 0 {
		return nil, errors.New(`no struct array "annotations"`)
	}
	field, dir := "relative_im_path", root
	if !slices.Contains(annotations.Fields(), field) {
		field, dir = "fname", path.Join(root, carsImages)
	}
	for _, want := range []string{field, "class"} {
		if !slices.Contains(annotations.Fields(), want) {
			return nil, fmt.Errorf("annotations have no field %q; there are %q", want, annotations.Fields())
		}
	}
	images := make([]listed, annotations.Len())
	for i := range images {
		name, err := annotations.Field(i, field).Text()
		if err != nil {
			return nil, fmt.Errorf("annotation %d: %s: %w", i+1, field, err)
		}
		if images[i].path, err = inside(dir, name); err != nil {
			return nil, fmt.Errorf("annotation %d: %w", i+1, err)
		}
		if images[i].class, err = annotations.Field(i, "class").Int(); err != nil {
			return nil, fmt.Errorf("annotation %d: class: %w", i+1, err)
		}
		if c := images[i].class; c < 1 || c > carsClasses {
			return nil, fmt.Errorf("annotation %d: class %d, want 1 to %d", i+1, c, carsClasses)
		}
	}
	return images, nil
}

// checkUnique returns an error if an image is annotated twice.
func checkUnique(images []listed) error {
	seen := map[string]int{}
	for i, image := range images {
		if other, ok := seen[image.path]; ok {
			return fmt.Errorf("annotations %d and %d are both of %s", other+1, i+1, image.path)
		}
		seen[image.path] = i
	}
	return nil
}

// carsNames returns the names of all classes: those of the file, or numbers.
func carsNames(cells *matlab.Array) ([]string, error) {
	classes := make([]string, carsClasses)
	for i := range classes {
		classes[i] = fmt.Sprintf("class %d", i+1)
	}
	if cells == nil {
		return classes, nil
	}
	if cells.Class != matlab.Cell || cells.Len() != carsClasses {
		return nil, fmt.Errorf("class_names are %v of %v: want a cell array of %d", cells.Dims, cells.Class, carsClasses)
	}
	for i := range classes {
		name, err := cells.Cell(i).Text()
		if err != nil {
			return nil, fmt.Errorf("name of class %d: %w", i+1, err)
		}
		classes[i] = name
	}
	return classes, nil
}
