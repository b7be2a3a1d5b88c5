// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// fashionFiles holds the embedded part of Fashion-MNIST; fashion/README.md says where it comes from.
//
//go:embed fashion/*.gz
var fashionFiles embed.FS

// Sizes of Fashion-MNIST (arXiv:1708.07747) and the margin that makes 32 × 32 of 28 × 28, so that five halvings leave a pixel.
const (
	fashionClasses      = 10
	fashionTrainClasses = 5
	fashionMargin       = 2
)

// fashionClassNames are the classes by label, as in Zalando's README.
func fashionClassNames() []string {
	return []string{
		"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
		"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
	}
}

// Fashion returns the retrieval task of the embedded part of Fashion-MNIST, 600 photographs of products of each class: classes
// 0–4 to train, the unseen classes 5–9 to retrieve. The gray 28 × 28 images have black margins of two pixels, 32 × 32 in all,
// and three equal channels.
func Fashion() (Split, error) { return FashionFolder(embeddedFashion()) }

// FashionClassification returns the embedded part as a classification task of all ten classes: 500 images of each to train,
// from the training file, and 100 of each to test, from the test file.
func FashionClassification() (Split, error) { return FashionClassificationFolder(embeddedFashion()) }

// embeddedFashion returns the folder of the embedded files, named as those of the full set.
func embeddedFashion() fs.FS {
	sub, err := fs.Sub(fashionFiles, "fashion")
	if err != nil {
		panic(err) // only if the name were not a valid path
	}
	return sub
}

// FashionFolder returns Fashion's task made of the full set, 7,000 images a class: the four IDX files train-images-idx3-ubyte,
// train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte of fsys, with .gz or without. Images of the
// training file come before those of the test file. Errors name the file.
func FashionFolder(fsys fs.FS) (Split, error) {
	all, err := readFashion(fsys, "train", "t10k")
	if err != nil {
		return Split{}, err
	}
	return Split{
		Train: all.dataset("Fashion-MNIST, classes 0–4", 0, fashionTrainClasses),
		Test:  all.dataset("Fashion-MNIST, classes 5–9", fashionTrainClasses, fashionClasses),
	}, nil
}

// FashionClassificationFolder returns FashionClassification's task made of the full set, the files as in FashionFolder: 60,000
// images to train and 10,000 to test.
func FashionClassificationFolder(fsys fs.FS) (Split, error) {
	train, err := readFashion(fsys, "train")
	if err != nil {
		return Split{}, err
	}
	test, err := readFashion(fsys, "t10k")
	if err != nil {
		return Split{}, err
	}
	return Split{
		Train: train.dataset("Fashion-MNIST, training", 0, fashionClasses),
		Test:  test.dataset("Fashion-MNIST, test", 0, fashionClasses),
	}, nil
}

// fashionImages are labeled images of one size, gray, one after another.
type fashionImages struct {
	width, height int
	names         []string
	labels        []uint8
	pix           []uint8
}

// readFashion reads the image and label files of the given prefixes.
func readFashion(fsys fs.FS, prefixes ...string) (*fashionImages, error) {
	all := &fashionImages{}
	for _, prefix := range prefixes {
		images, file, err := openIDX(fsys, prefix+"-images-idx3-ubyte", 3)
		if err != nil {
			return nil, err
		}
		labels, labelFile, err := openIDX(fsys, prefix+"-labels-idx1-ubyte", 1)
		if err != nil {
			return nil, err
		}
		n, height, width := images.Dims[0], images.Dims[1], images.Dims[2]
		if labels.Dims[0] != n {
			return nil, formatError(labelFile, "%d labels for %d images", labels.Dims[0], n)
		}
		if all.width != 0 && (all.width != width || all.height != height) {
			return nil, formatError(file, "images of %d × %d pixels, others of %d × %d", width, height, all.width, all.height)
		}
		for i, label := range labels.Data {
			if label >= fashionClasses {
				return nil, formatError(labelFile, "label %d of image %d: want 0 to %d", label, i, fashionClasses-1)
			}
			all.names = append(all.names, fmt.Sprintf("%s/%05d", prefix, i))
		}
		all.width, all.height = width, height
		all.labels = append(all.labels, labels.Data...)
		all.pix = append(all.pix, images.Data...)
	}
	return all, nil
}

// openIDX reads the IDX file of that name, or of that name with .gz, and returns it with the name found. It must have the
// given number of dimensions.
func openIDX(fsys fs.FS, name string, dims int) (*IDX, string, error) {
	file, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		name += ".gz"
		file, err = fsys.Open(name)
	}
	if err != nil {
		return nil, name, fmt.Errorf("datasets: reading Fashion-MNIST: %w", err)
	}
	defer file.Close()
	x, err := ReadIDX(file)
	if err != nil {
		return nil, name, fmt.Errorf("datasets: reading Fashion-MNIST: %w", &FormatError{File: name, Err: err})
	}
	if len(x.Dims) != dims {
		return nil, name, formatError(name, "%d dimensions: want %d", len(x.Dims), dims)
	}
	return x, name, nil
}

// formatError returns a FormatError about a file of Fashion-MNIST.
func formatError(file, format string, args ...any) error {
	return fmt.Errorf("datasets: reading Fashion-MNIST: %w", &FormatError{File: file, Err: fmt.Errorf(format, args...)})
}

// dataset returns the images of classes from ≤ label < to, labels counted from from.
func (f *fashionImages) dataset(name string, from, to int) *Dataset {
	var at []int
	var examples []Example
	for i, label := range f.labels {
		if l := int(label); from <= l && l < to {
			at = append(at, i)
			examples = append(examples, Example{Name: f.names[i], Label: l - from, Ambiguity: Ambiguity{Other: -1}})
		}
	}
	d := New(name, fashionClassNames()[from:to], examples, func(i int) (*RGB, error) { return f.image(at[i]), nil })
	d.size = func(int) (width, height int) { return f.width + 2*fashionMargin, f.height + 2*fashionMargin }
	return d
}

// image returns image i with its margin.
func (f *fashionImages) image(i int) *RGB {
	img := NewRGB(f.width+2*fashionMargin, f.height+2*fashionMargin)
	gray := f.pix[i*f.width*f.height:]
	for y := range f.height {
		out := img.Pix[3*((y+fashionMargin)*img.Width+fashionMargin):]
		for x, v := range gray[y*f.width : (y+1)*f.width] {
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	}
	return img
}
