// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"image"
	"math/rand/v2"
	"sync"
)

// splitCrop returns the random crop that t begins with, and what follows it after the crop is resized. It returns nil and t if t
// begins with something else.
func splitCrop(t Transform) (first *RandomResizedCrop, rest Transform) {
	switch t := t.(type) {
	case RandomResizedCrop:
		return &t, Compose{}
	case Compose:
		if len(t) > 0 {
			first, rest := splitCrop(t[0])
			return first, append(Compose{rest}, t[1:]...)
		}
	}
	return nil, t
}

// onlyFlips returns the flips of which t is composed, which can be done in place. It is false if t has anything else.
func onlyFlips(t Transform) (flips []HorizontalFlip, ok bool) {
	switch t := t.(type) {
	case HorizontalFlip:
		return []HorizontalFlip{t}, true
	case Compose:
		for _, one := range t {
			more, ok := onlyFlips(one)
			if !ok {
				return nil, false
			}
			flips = append(flips, more...)
		}
		return flips, true
	}
	return nil, false
}

// augmenter loads and transforms images, one at a time, for a loader. Where its transform is a random crop and flips, as in training, the memory of file, crop, resampling and
// result is used again.
type augmenter struct {
	loader  *Loader
	first   *RandomResizedCrop // that the loader's transform begins with, nil if it doesn't
	rest    Transform
	flips   []HorizontalFlip // the rest, if it is nothing else
	reuses  bool
	images  *sync.Pool // of *RGB that are in their batch
	room    room       // of the file and the crop, before it is resized
	resizer resizer
}

// newAugmenter returns an augmenter for one goroutine. Images that are no longer needed are in the pool.
func newAugmenter(l *Loader, images *sync.Pool) *augmenter {
	a := &augmenter{loader: l, images: images}
	a.first, a.rest = splitCrop(l.Transform)
	if a.first != nil {
		a.flips, a.reuses = onlyFlips(a.rest)
	}
	return a
}

// fill loads and transforms the image of a slot. Of an image that is cropped first, only the crop is asked for.
func (a *augmenter) fill(epoch int, s *slot) {
	l := a.loader
	draw := func() *rand.Rand { return newRand(l.Seed, keyTransform, uint64(epoch), uint64(s.position)) }
	rng := draw()
	var wanted region
	if a.first != nil {
		wanted = region{room: &a.room, box: func(width, height int) image.Rectangle {
			rng = draw() // anew for an image that takes the place of one whose pixels turned out bad
			return a.first.box(width, height, rng)
		}}
	}
	if s.image, s.index, s.err = l.load(s.index, wanted); s.err != nil {
		return
	}
	if a.first != nil {
		s.image = a.resized(s.image)
	}
	if !a.reuses {
		s.image = a.rest.Apply(s.image, rng)
		return
	}
	for _, f := range a.flips {
		f.applyInPlace(s.image, rng)
	}
	s.pooled = true
}

// resized returns a part of an image in the size of the crop.
func (a *augmenter) resized(part *RGB) *RGB {
	side := a.first.Size
	img, _ := a.images.Get().(*RGB)
	if img == nil {
		img = NewRGB(side, side)
	}
	a.resizer.resize(img, part)
	return img
}
