// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is the number of images of a half and of the classes that they are of.
type Count struct {
	Images  int `json:"images"`
	Classes int `json:"classes"`
}

// Published is what is publicly known of a dataset: the size of its two halves, and how its files lie. In the retrieval tasks (cub,
// cars, sop) the halves are those of the proxy losses' experiments, arXiv:2003.13911, with the split by class of arXiv:1511.06452; in
// the classification tasks (cifar10, cifar100, imagenet) they are the datasets' own, of which that to test is ImageNet's validation set.
type Published struct {
	Name        string   // as configurations and the program have it
	Title       string   // as papers have it
	Folders     []string // spellings of its folder's name, the usual one first
	Marker      string   // a file or folder in that folder, by which the folder itself is known
	Source      string   // where it is obtained or, if it is to be asked for, where that is done
	Train, Test Count
}

// published are the datasets with a published task and a reader here.
var published = []Published{
	{
		Name: "cub", Title: "CUB-200-2011", Folders: []string{"CUB_200_2011"}, Marker: "images",
		Source: "https://www.vision.caltech.edu/datasets/cub_200_2011/",
		Train:  Count{Images: 5864, Classes: 100}, Test: Count{Images: 5924, Classes: 100},
	},
	{
		Name: "cars", Title: "Cars196", Folders: []string{"cars196"}, Marker: carsAnnotations,
		Source: "http://ai.stanford.edu/~jkrause/cars/car_dataset.html (or a copy of its car_ims.tgz and cars_annos.mat)",
		Train:  Count{Images: 8054, Classes: 98}, Test: Count{Images: 8131, Classes: 98},
	},
	{
		Name: "sop", Title: "Stanford Online Products", Folders: []string{"Stanford_Online_Products", "Standford_Online_Products"},
		Marker: sopTrainList, Source: "https://cvgl.stanford.edu/projects/lifted_struct/",
		Train: Count{Images: 59551, Classes: 11318}, Test: Count{Images: 60502, Classes: 11316},
	},
	{
		Name: "cifar10", Title: "CIFAR-10", Folders: []string{"cifar-10-batches-bin", "cifar-10-batches-py"},
		Marker: "batches.meta.txt", Source: "https://www.cs.toronto.edu/~kriz/cifar.html",
		Train: Count{Images: 50000, Classes: 10}, Test: Count{Images: 10000, Classes: 10},
	},
	{
		Name: "cifar100", Title: "CIFAR-100", Folders: []string{"cifar-100-binary", "cifar-100-python"},
		Marker: "fine_label_names.txt", Source: "https://www.cs.toronto.edu/~kriz/cifar.html",
		Train: Count{Images: 50000, Classes: 100}, Test: Count{Images: 10000, Classes: 100},
	},
	{
		Name: "imagenet", Title: "ImageNet-1K", Folders: []string{"imagenet-1k"}, Marker: imageNetTrain,
		Source: "https://image-net.org/challenges/LSVRC/2012/",
		Train:  Count{Images: 1281167, Classes: 1000}, Test: Count{Images: 50000, Classes: 1000},
	},
}

// PublishedByName returns what is known of the dataset "cub", "cars", "sop", "cifar10", "cifar100" or "imagenet", and whether the name is one of these.
func PublishedByName(name string) (Published, bool) {
	for _, p := range published {
		if p.Name == name {
			return p, true
		}
	}
	return Published{}, false
}

// CheckPublished returns an error that lists where the numbers of images and classes of a split differ from the published ones of
// the dataset of that name, as they do after an incomplete download, or nil. Of a name without published numbers it says nothing.
// The readers leave this to their callers, so that they read a part of a dataset too.
func CheckPublished(name string, s Split) error {
	p, ok := PublishedByName(name)
	if !ok {
		return nil
	}
	differences := append(p.Train.differences(countOf(s.Train), "to train"), p.Test.differences(countOf(s.Test), "to test")...)
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("datasets: not the whole %s: %s", p.Title, strings.Join(differences, "; "))
}

// countOf returns the number of images and classes of a dataset.
func countOf(d *Dataset) Count { return Count{Images: len(d.Examples), Classes: len(d.Classes)} }

// differences says what of got differs from the published count. use is what the half is for.
func (c Count) differences(got Count, use string) (differences []string) {
	if got.Images != c.Images {
		differences = append(differences, fmt.Sprintf("%s images %s, published are %s", thousands(got.Images), use, thousands(c.Images)))
	}
	if got.Classes != c.Classes {
		differences = append(differences, fmt.Sprintf("%s classes %s, published are %s", thousands(got.Classes), use, thousands(c.Classes)))
	}
	return differences
}

// thousands returns a number with commas, as 60,502.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
