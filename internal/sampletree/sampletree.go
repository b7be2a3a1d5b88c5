// SPDX-License-Identifier: Apache-2.0

// Package sampletree writes small trees in the true layouts of CUB-200-2011, Cars196, Stanford Online Products, CIFAR-10 and
// ImageNet-1K, for tests and for notebooks where the datasets are not at hand. The pictures are drawn: each class has its colors,
// figure and pattern, and each image its place, size, angle, light and noise, so that a small network learns to tell the classes apart
// within a few epochs, but not at once. They are JPEG files of several sizes, one of them gray, as some photographs of the true
// datasets are; those of CIFAR-10 are records of 32 × 32 pixels.
package sampletree

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Options are the size of a tree. In the classification tasks, CIFAR-10 and ImageNet-1K, both halves have the same classes, so that the
// numbers of classes must be equal.
type Options struct {
	TrainClasses, TestClasses int // at most 98 each, of CIFAR-10 at most 10
	ImagesPerClass            int // in training and test, at most 99
	Width, Height             int // of the images on average, in pixels, at least 16: sides differ by up to a fifth; not heeded by CIFAR-10
	Seed                      uint64
}

// DefaultOptions are 8 + 8 classes of 6 images of 96 × 80 pixels: about 400 KB.
func DefaultOptions() Options {
	return Options{TrainClasses: 8, TestClasses: 8, ImagesPerClass: 6, Width: 96, Height: 80, Seed: 0}
}

// Limits of Options: those of the smallest dataset, Cars196, and of what a class's name has room for.
const (
	maxClasses = 98
	maxImages  = 99
	minSide    = 16
	maxSide    = 4096
)

func (o Options) validate() error {
	between := func(v, low, high int) bool { return low <= v && v <= high }
	switch {
	case !between(o.TrainClasses, 1, maxClasses), !between(o.TestClasses, 1, maxClasses):
		return fmt.Errorf("%d and %d classes: want 1 to %d each", o.TrainClasses, o.TestClasses, maxClasses)
	case !between(o.ImagesPerClass, 1, maxImages):
		return fmt.Errorf("%d images per class: want 1 to %d", o.ImagesPerClass, maxImages)
	case !between(o.Width, minSide, maxSide), !between(o.Height, minSide, maxSide):
		return fmt.Errorf("images of %d × %d pixels: want %d to %d", o.Width, o.Height, minSide, maxSide)
	}
	return nil
}

// A picture is an image of the tree: class counts from 0, the test classes of a retrieval task after those to train; index counts in the
// class, in a classification task the test images after those to train.
type picture struct {
	class, index int
	test         bool
	path         string // in the dataset's folder
}

// Write makes the dataset of that name, "cub", "cars", "sop", "cifar10" (the binary version) or "imagenet", in a new folder in dir:
// dir/CUB_200_2011, dir/cars196, dir/Stanford_Online_Products, dir/cifar-10-batches-bin or dir/imagenet-1k. The same options make the
// same files. The second image of the first class is gray, if there is one, but in CIFAR-10. It is an error if the folder is there
// already.
func Write(dir, name string, o Options) error {
	layouts := map[string]func(Options) (folder string, pictures []picture, files map[string][]byte){
		"cub": cub, "cars": cars, "sop": sop, "cifar10": cifar10, "imagenet": imageNet,
	}
	layout, ok := layouts[name]
	if !ok {
		return fmt.Errorf("sampletree: no layout is called %q: want cub, cars, sop, cifar10 or imagenet", name)
	}
	if err := errors.Join(o.validate(), o.validateClasses(name)); err != nil {
		return fmt.Errorf("sampletree: %w", err)
	}
	folder, pictures, files := layout(o)
	root := filepath.Join(dir, folder)
	if _, err := os.Lstat(root); err == nil {
		return fmt.Errorf("sampletree: %s exists already", root)
	}
	for _, p := range pictures {
		data, err := draw(o, p)
		if err != nil {
			return fmt.Errorf("sampletree: %s: %w", p.path, err)
		}
		files[p.path] = data
	}
	for file, data := range files {
		full := filepath.Join(root, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return fmt.Errorf("sampletree: %w", err)
		}
		if err := os.WriteFile(full, data, 0o644); err != nil {
			return fmt.Errorf("sampletree: %w", err)
		}
	}
	return nil
}

// arrange returns the pictures of all classes in order, with their paths.
func arrange(o Options, pathOf func(p picture) string) []picture {
	var pictures []picture
	for class := range o.TrainClasses + o.TestClasses {
		for index := range o.ImagesPerClass {
			p := picture{class: class, index: index, test: class >= o.TrainClasses}
			p.path = pathOf(p)
			pictures = append(pictures, p)
		}
	}
	return pictures
}

// number returns the number of a picture's class in the dataset: the classes to train begin with 1, those to retrieve with first.
func (o Options) number(p picture, first int) int {
	if p.test {
		return first + p.class - o.TrainClasses
	}
	return 1 + p.class
}

// cub is the layout of CUB-200-2011, with its list of images and without its annotations.
func cub(o Options) (string, []picture, map[string][]byte) {
	pictures := arrange(o, func(p picture) string {
		n := o.number(p, 101)
		return fmt.Sprintf("images/%03d.Drawn_Bird_%[1]d/Drawn_Bird_%[1]d_%04d_%d.jpg", n, p.index+1, 700000+100*n+p.index)
	})
	var list strings.Builder
	for i, p := range pictures {
		fmt.Fprintf(&list, "%d %s\n", i+1, strings.TrimPrefix(p.path, "images/"))
	}
	return "CUB_200_2011", pictures, map[string][]byte{"images.txt": []byte(list.String())}
}

// cars is the layout of Cars196.
func cars(o Options) (string, []picture, map[string][]byte) {
	i := 0
	pictures := arrange(o, func(picture) string {
		i++
		return fmt.Sprintf("car_ims/%06d.jpg", i)
	})
	var rows []annotation
	for _, p := range pictures {
		rows = append(rows, annotation{path: p.path, class: o.number(p, 99), test: p.index % 2})
	}
	return "cars196", pictures, map[string][]byte{"cars_annos.mat": carsAnnotations(rows)}
}

// superClasses are the folders of Stanford Online Products.
func superClasses() []string {
	return []string{
		"bicycle_final", "cabinet_final", "chair_final", "coffee_maker_final", "fan_final", "kettle_final",
		"lamp_final", "mug_final", "sofa_final", "stapler_final", "table_final", "toaster_final",
	}
}

// sop is the layout of Stanford Online Products.
func sop(o Options) (string, []picture, map[string][]byte) {
	folders := superClasses()
	pictures := arrange(o, func(p picture) string {
		folder := folders[p.class%len(folders)]
		return path.Join(folder, fmt.Sprintf("%d_%d.JPG", 110000000000+o.number(p, 11319), p.index))
	})
	var lists [2]strings.Builder
	for half := range lists {
		fmt.Fprintln(&lists[half], "image_id class_id super_class_id path")
	}
	for i, p := range pictures {
		half := 0
		if p.test {
			half = 1
		}
		fmt.Fprintf(&lists[half], "%d %d %d %s\n", i+1, o.number(p, 11319), p.class%len(folders)+1, p.path)
	}
	return "Stanford_Online_Products", pictures, map[string][]byte{
		"Ebay_train.txt": []byte(lists[0].String()),
		"Ebay_test.txt":  []byte(lists[1].String()),
	}
}
