// SPDX-License-Identifier: Apache-2.0

package sampletree

import (
	"fmt"
	"image"
	"strings"
)

// validateClasses returns what else is wrong with the options of a classification task.
func (o Options) validateClasses(name string) error {
	if name != "cifar10" && name != "imagenet" {
		return nil
	}
	if o.TrainClasses != o.TestClasses {
		return fmt.Errorf("%d classes to train and %d to test: want the same in a classification task", o.TrainClasses, o.TestClasses)
	}
	if name == "imagenet" {
		return nil
	}
	if most := len(cifar10Classes()); o.TrainClasses > most {
		return fmt.Errorf("%d classes: CIFAR-10 has %d", o.TrainClasses, most)
	}
	if n := o.TrainClasses * o.ImagesPerClass; n < cifar10Batches {
		return fmt.Errorf("%d images to train: want one for each of the %d files", n, cifar10Batches)
	}
	return nil
}

// arrangeHalves returns the pictures of both halves, those to train first, class by class, with their paths.
func arrangeHalves(o Options, pathOf func(p picture) string) []picture {
	var pictures []picture
	for half := range 2 {
		for class := range o.TrainClasses {
			for index := range o.ImagesPerClass {
				p := picture{class: class, index: index + half*o.ImagesPerClass, test: half == 1}
				p.path = pathOf(p)
				pictures = append(pictures, p)
			}
		}
	}
	return pictures
}

// imageNet is the layout of ImageNet-1K, whose classes have ids that WordNet doesn't have.
func imageNet(o Options) (string, []picture, map[string][]byte) {
	tests := 0
	pictures := arrangeHalves(o, func(p picture) string {
		id := fmt.Sprintf("n%08d", 90000001+17*p.class)
		if !p.test {
			return fmt.Sprintf("train/%s/%[1]s_%d.JPEG", id, 10*p.index+6)
		}
		tests++
		return fmt.Sprintf("val/%s/ILSVRC2012_val_%08d.JPEG", id, tests)
	})
	return "imagenet-1k", pictures, map[string][]byte{}
}

// cifar10Batches is the number of files with images to train.
const cifar10Batches = 5

// cifar10Classes are the classes of CIFAR-10, by label.
func cifar10Classes() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

// cifar10 is the layout of CIFAR-10's binary version. All that it has are files beside the pictures: the images follow each other in a
// few files, the classes by turns.
func cifar10(o Options) (string, []picture, map[string][]byte) {
	train := records(o, 0)
	n := o.TrainClasses * o.ImagesPerClass
	files := map[string][]byte{
		"batches.meta.txt": []byte(strings.Join(cifar10Classes(), "\n") + "\n\n"),
		"test_batch.bin":   records(o, o.ImagesPerClass),
	}
	size := len(train) / n
	for b := range cifar10Batches {
		from, to := b*n/cifar10Batches, (b+1)*n/cifar10Batches
		files[fmt.Sprintf("data_batch_%d.bin", b+1)] = train[from*size : to*size]
	}
	return "cifar-10-batches-bin", nil, files
}

// records returns the records of a half, whose images have indices from first on: a label, and the pixels as [3, 32, 32].
func records(o Options, first int) []byte {
	const side = 32
	var out []byte
	for index := first; index < first+o.ImagesPerClass; index++ {
		for class := range o.TrainClasses {
			img := paint(o.rand(picture{class: class, index: index}), class, side, side)
			out = append(append(out, byte(class)), planes(img)...)
		}
	}
	return out
}

// planes returns the red bytes of an image, the green, and the blue.
func planes(img *image.RGBA) []byte {
	n := len(img.Pix) / 4
	out := make([]byte, 3*n)
	for i := range n {
		for channel := range 3 {
			out[channel*n+i] = img.Pix[4*i+channel]
		}
	}
	return out
}
