// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"image"
	"math/rand/v2"
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

// augmenter loads and transforms images, one at a time, for a loader.
type augmenter struct {
	loader *Loader
	first  *RandomResizedCrop // that the loader's transform begins with, nil if it doesn't
	rest   Transform
	room   []uint8 // of the crop, before it is resized
}

// newAugmenter returns an augmenter for one goroutine.
func newAugmenter(l *Loader) *augmenter {
	first, rest := splitCrop(l.Transform)
	return &augmenter{loader: l, first: first, rest: rest}
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
		part := s.image
		if s.image = ResizeTo(part, a.first.Size, a.first.Size); s.image == part {
			a.room = nil // it's the image's now
		}
	}
	s.image = a.rest.Apply(s.image, rng)
}
