// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// BadImagePolicy says what a Loader does about an image that can't be loaded.
type BadImagePolicy string

// StopOnBadImage yields the error, which names the image, and ends the epoch.
//
// SkipBadImage goes on without the image, and keeps its name and error for [Loader.BadImages]. In Sequential order the image is
// left out: its batch is so much shorter, and not yielded if nothing is left of it. So no other image counts twice in an
// evaluation, and the results are those of [Dataset.Without]. In any other order another image takes its place, so that batches
// keep their size and a resumed epoch its batches: the next image of the same class, by index and from the end on to the
// beginning, that can be loaded; if the class has none, the next of all images. The one that stands in brings its own label, and
// is transformed as the place in the epoch has it.
const (
	StopOnBadImage BadImagePolicy = "stop"
	SkipBadImage   BadImagePolicy = "skip"
)

// Check returns an error if the policy is none of the known ones.
func (p BadImagePolicy) Check() error {
	if p != StopOnBadImage && p != SkipBadImage {
		return fmt.Errorf("datasets: loader: bad-image policy %q: want %q or %q", string(p), StopOnBadImage, SkipBadImage)
	}
	return nil
}

// BadImage is an image that could not be loaded: its index and name in the loader's Data, and why, which names it too.
type BadImage struct {
	Index int
	Name  string
	Err   error
}

// BadImages returns the images that were skipped so far, by index, each once however often its turn came. It may be called at
// any time, also while epochs are being loaded.
func (l *Loader) BadImages() []BadImage {
	l.bad.mu.Lock()
	defer l.bad.mu.Unlock()
	images := make([]BadImage, 0, len(l.bad.errs))
	for i, err := range l.bad.errs {
		images = append(images, BadImage{Index: i, Name: l.Data.Examples[i].Name, Err: err})
	}
	slices.SortFunc(images, func(a, b BadImage) int { return cmp.Compare(a.Index, b.Index) })
	return images
}

// badImages is the errors of the images that were skipped. A bad image stays bad: it isn't tried again.
type badImages struct {
	mu   sync.Mutex
	errs map[int]error // by index
}

// err returns the error of an image that is known to be bad, or nil.
func (b *badImages) err(index int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.errs[index]
}

// add notes an image's error, if it is the first.
func (b *badImages) add(index int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.errs == nil {
		b.errs = map[int]error{}
	}
	if b.errs[index] == nil {
		b.errs[index] = err
	}
}

// leavesOut tells whether bad images are left out of their batches.
func (l *Loader) leavesOut() bool {
	_, sequential := l.Order.(Sequential)
	return sequential && l.OnBadImage == SkipBadImage
}

// load returns the wanted part of the image of that index, or of the one that takes its place, and the index of the one returned.
func (l *Loader) load(index int, wanted region) (*RGB, int, error) {
	if l.OnBadImage != SkipBadImage {
		img, err := l.Data.image(index, wanted)
		return img, index, err
	}
	img, err := l.try(index, wanted)
	if err == nil || l.leavesOut() {
		return img, index, err
	}
	for i := range l.substitutes(index) {
		if img, substituteErr := l.try(i, wanted); substituteErr == nil {
			return img, i, nil
		}
	}
	return nil, index, l.noneError(err)
}

// try loads the wanted part of an image unless it is known to be bad, and notes it if it is.
func (l *Loader) try(index int, wanted region) (*RGB, error) {
	if err := l.bad.err(index); err != nil {
		return nil, err
	}
	img, err := l.Data.image(index, wanted)
	if err != nil {
		l.bad.add(index, err)
	}
	return img, err
}

// substitutes returns the indices of the other images in the order in which they are asked to take the place of one: those of its
// class that follow it, and around to it; then all others likewise.
func (l *Loader) substitutes(index int) iter.Seq[int] {
	examples := l.Data.Examples
	return func(yield func(int) bool) {
		for _, same := range []bool{true, false} {
			for k := 1; k < len(examples); k++ {
				i := (index + k) % len(examples)
				if (examples[i].Label == examples[index].Label) == same && !yield(i) {
					return
				}
			}
		}
	}
}

// noneError says that nothing is left when bad images are skipped; err is of one of them.
func (l *Loader) noneError(err error) error {
	return fmt.Errorf("datasets: loader: no image of %s could be loaded, of %d; one says: %w", l.Data.Name, len(l.Data.Examples), err)
}

// present returns the slots that have images, in order.
func present(slots []slot) []slot {
	return slices.DeleteFunc(slices.Clone(slots), func(s slot) bool { return s.err != nil })
}
