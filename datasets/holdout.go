// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
)

// HoldOutClasses splits a dataset by class, for choices that must not be made on the test classes: held has
// round(share·n) of the n classes that have images, chosen at random by seed, but at least two and at most n - 2, with all their
// images; train has the others. Classes and images keep their order, and the labels of both begin at 0. A blended image whose
// other class is on the other side has Ambiguity.Other -1.
//
// It is an error if share is not between 0 and 1 or if there are fewer than four classes with images.
func HoldOutClasses(d *Dataset, share float64, seed uint64) (train, held *Dataset, err error) {
	byClass, err := d.byClass(share)
	if err != nil {
		return nil, nil, fmt.Errorf("datasets: holding out classes of %s: %w", d.Name, err)
	}
	var labels []int
	for label, images := range byClass {
		if len(images) > 0 {
			labels = append(labels, label)
		}
	}
	n := len(labels)
	if n < 2*minClasses {
		return nil, nil, fmt.Errorf("datasets: holding out classes of %s: %d classes have images: want at least %d to train and %d to hold out",
			d.Name, n, minClasses, minClasses)
	}
	rng := newRand(seed, keyHoldOut)
	rng.Shuffle(n, func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	count := min(max(int(math.Round(share*float64(n))), minClasses), n-minClasses)
	return d.ofClasses(d.Name+", classes kept", labels[count:]), d.ofClasses(d.Name+", classes held out", labels[:count]), nil
}

// HoldOutImages splits a dataset by image, for choices that must not be made on the test images where those are of the same classes: held
// has round(share·n) of the n images of each class, chosen at random by seed, but at least one and at most n - 1; train has the others,
// and the single image of a class that has no more. Both have all classes, and images keep their order. Which images of a class are
// held out depends on the seed, the class's label and its number of images alone.
//
// It is an error if share is not between 0 and 1 or if no class has two images.
func HoldOutImages(d *Dataset, share float64, seed uint64) (train, held *Dataset, err error) {
	byClass, err := d.byClass(share)
	if err != nil {
		return nil, nil, fmt.Errorf("datasets: holding out images of %s: %w", d.Name, err)
	}
	out := make([]bool, len(d.Examples))
	some := false
	for label, images := range byClass {
		n := len(images)
		if n < 2 {
			continue
		}
		count := min(max(int(math.Round(share*float64(n))), 1), n-1)
		for _, k := range newRand(seed, keyHoldOutImages, uint64(label)).Perm(n)[:count] {
			out[images[k]], some = true, true
		}
	}
	if !some {
		return nil, nil, fmt.Errorf("datasets: holding out images of %s: no class has two images, one to train and one to hold out", d.Name)
	}
	var kept, heldOut []int
	for i, o := range out {
		if o {
			heldOut = append(heldOut, i)
		} else {
			kept = append(kept, i)
		}
	}
	return d.subset(d.Name+", images kept", kept), d.subset(d.Name+", images held out", heldOut), nil
}

// byClass returns the images of each class, in order, or what is wrong with the labels or with the share that is to be held out.
func (d *Dataset) byClass(share float64) ([][]int, error) {
	if !(share > 0 && share < 1) {
		return nil, fmt.Errorf("share %g: want one between 0 and 1", share)
	}
	byClass := make([][]int, len(d.Classes))
	for i, e := range d.Examples {
		if e.Label < 0 || e.Label >= len(d.Classes) {
			return nil, fmt.Errorf("%s: label %d of %d classes", e.Name, e.Label, len(d.Classes))
		}
		byClass[e.Label] = append(byClass[e.Label], i)
	}
	return byClass, nil
}

// ofClasses returns the part of a dataset that has the given labels, which become 0, 1, … in ascending order.
func (d *Dataset) ofClasses(name string, labels []int) *Dataset {
	labels = slices.Sorted(slices.Values(labels))
	rank := map[int]int{}
	classes := make([]string, len(labels))
	for i, label := range labels {
		rank[label], classes[i] = i, d.Classes[label]
	}
	var at []int
	for i, e := range d.Examples {
		if _, ok := rank[e.Label]; ok {
			at = append(at, i)
		}
	}
	part := d.subset(name, at)
	part.Classes = classes
	for i := range part.Examples {
		e := &part.Examples[i]
		e.Label = rank[e.Label]
		if other, ok := rank[e.Ambiguity.Other]; ok {
			e.Ambiguity.Other = other
		} else {
			e.Ambiguity.Other = -1
		}
	}
	return part
}

// Without returns the dataset less the images of the given indices, with all its classes: the images that a Loader of Sequential
// order yields when those at the indices are bad and it skips such.
func (d *Dataset) Without(indices []int) *Dataset {
	out := make(map[int]bool, len(indices))
	for _, i := range indices {
		out[i] = true
	}
	var at []int
	for i := range d.Examples {
		if !out[i] {
			at = append(at, i)
		}
	}
	return d.subset(d.Name, at)
}

// subset returns the images of the given indices, with labels and classes as they are.
func (d *Dataset) subset(name string, at []int) *Dataset {
	examples := make([]Example, len(at))
	for i, k := range at {
		examples[i] = d.Examples[k]
	}
	part := &Dataset{Name: name, Classes: d.Classes, Examples: examples}
	part.load = func(i int, wanted region) (*RGB, error) { return d.load(at[i], wanted) }
	if d.size != nil {
		part.size = func(i int) (width, height int) { return d.size(at[i]) }
	}
	return part
}
