// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gomlx/gomlx/ml/train"
)

// Loader makes batches of a dataset: it visits the images of each epoch in its Order, loads and transforms them on Workers
// goroutines, and yields them in that order. Batch k of an epoch depends on the data, the order, the transform, Seed and the
// epoch's number alone: not on Workers, nor on which batches were made before. That holds for the images that take the place of
// bad ones too. A Loader may be used by many goroutines at once, and must not be copied once it has been used.
type Loader struct {
	Data       *Dataset
	Order      Order
	Transform  Transform // of each image; Compose{} for none
	BatchSize  int
	DropLast   bool // leave out a last batch of fewer than BatchSize images
	OnBadImage BadImagePolicy
	Seed       uint64
	Workers    int // goroutines that load images, at least 1

	bad badImages // those that were skipped
}

// Check returns all faults that can be known before the first image is loaded, joined, or nil: missing parts, numbers out of
// range, labels without a class, an order that doesn't fit the batches, and, where the images' sizes are known, images that
// will not have one size after the transform, with both their names.
func (l *Loader) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("datasets: loader: "+format, args...))
	}
	if l.Data == nil || len(l.Data.Examples) == 0 {
		fault("no images")
	}
	if l.Order == nil {
		fault("no order")
	}
	if l.Transform == nil {
		fault("no transform: want Compose{} to leave images as they are")
	}
	if l.BatchSize < 1 {
		fault("batch size %d: want at least 1", l.BatchSize)
	}
	if l.Workers < 1 {
		fault("%d workers: want at least 1", l.Workers)
	}
	for _, part := range []any{l.Order, l.Transform, l.OnBadImage} {
		if c, ok := part.(checker); ok {
			faults = append(faults, c.Check())
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return errors.Join(l.checkLabels(), l.checkOrder(), l.checkSizes())
}

// checkLabels returns an error if a label is no index of the classes.
func (l *Loader) checkLabels() error {
	for _, e := range l.Data.Examples {
		if e.Label < 0 || e.Label >= len(l.Data.Classes) {
			return fmt.Errorf("datasets: loader: %s: label %d of %d classes", e.Name, e.Label, len(l.Data.Classes))
		}
	}
	return nil
}

// checkOrder returns an error if the epoch would have no batch, or batches that the order did not mean.
func (l *Loader) checkOrder() error {
	if o, ok := l.Order.(ClassBalanced); ok {
		if o.Classes*o.PerClass != l.BatchSize {
			return fmt.Errorf("datasets: loader: batch size %d: want %d·%d, as the class-balanced order has it",
				l.BatchSize, o.Classes, o.PerClass)
		}
		present := map[int]bool{}
		for _, e := range l.Data.Examples {
			present[e.Label] = true
		}
		if len(present) < o.Classes {
			return fmt.Errorf("datasets: loader: %d classes a batch: %s has %d", o.Classes, l.Data.Name, len(present))
		}
	}
	if l.Batches() == 0 {
		return fmt.Errorf("datasets: loader: %d images make no batch of %d", len(l.Data.Examples), l.BatchSize)
	}
	return nil
}

// checkSizes returns an error if two images are known to differ in size after the transform.
func (l *Loader) checkSizes() error {
	if l.Data.size == nil {
		return nil
	}
	var first [2]int
	for i, e := range l.Data.Examples {
		width, height := l.Data.size(i)
		width, height, ok := outputSize(l.Transform, width, height)
		if !ok {
			return nil
		}
		if i == 0 {
			first = [2]int{width, height}
		} else if first != [2]int{width, height} {
			return sizeError(e.Name, width, height, l.Data.Examples[0].Name, first[0], first[1])
		}
	}
	return nil
}

// outputSize returns the size that t makes of an image, if that is known beforehand.
func outputSize(t Transform, width, height int) (w, h int, ok bool) {
	switch t := t.(type) {
	case Compose:
		for _, step := range t {
			if width, height, ok = outputSize(step, width, height); !ok {
				return 0, 0, false
			}
		}
		return width, height, true
	case sizer:
		width, height = t.outputSize(width, height)
		return width, height, true
	}
	return 0, 0, false
}

// sizeError says that two images can't be in one batch.
func sizeError(name string, width, height int, other string, otherWidth, otherHeight int) error {
	return fmt.Errorf("datasets: loader: %s has %d × %d pixels after the transform, %s has %d × %d: all must have one size",
		name, width, height, other, otherWidth, otherHeight)
}

// Batches returns the number of batches of an epoch whose order visits each image once, or is ClassBalanced. It panics unless
// there are Data, an Order and a positive BatchSize.
func (l *Loader) Batches() int {
	n := len(l.Data.Examples)
	if o, ok := l.Order.(ClassBalanced); ok {
		return n / (o.Classes * o.PerClass)
	}
	if l.DropLast {
		return n / l.BatchSize
	}
	return (n + l.BatchSize - 1) / l.BatchSize
}

// Epoch returns the batches of the epoch of that number from batch skip on, none if the epoch has no more than skip batches.
// A batch has Inputs = [images uint8 [batch, height, width, 3]] and Labels = [labels int32 [batch]], and belongs to who receives
// it. The goroutines have ended when the range loop over Iter has, also by break. A fault of the loader or of an image is
// yielded as an error, which names the image and ends the loop; the batches before it are whole. Images that can't be loaded are
// no fault with SkipBadImage, unless none is left.
func (l *Loader) Epoch(epoch, skip int) train.Dataset {
	return &epochDataset{loader: l, epoch: epoch, skip: skip}
}

// epochDataset is one epoch of a loader, which can be iterated over again with the same result.
type epochDataset struct {
	loader      *Loader
	epoch, skip int
}

// Name returns the name of the data.
func (d *epochDataset) Name() string { return d.loader.Data.Name }

// Iter returns the epoch's batches.
func (d *epochDataset) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		indices, err := d.indices()
		if err != nil {
			yield(train.Batch{}, err)
			return
		}
		p := d.start(indices)
		defer p.stop()
		var like *reference
		var bad error // of the first image of the last batch, which was left out if all were
		for b := range p.ready {
			<-b.done
			slots := b.slots
			if d.loader.leavesOut() {
				bad = slots[0].err
				if slots = present(slots); len(slots) == 0 {
					continue
				}
			}
			if like == nil {
				like = newReference(slots[0])
			}
			batch, err := d.loader.assemble(slots, like)
			p.reuse(slots)
			if !yield(batch, err) || err != nil {
				return
			}
		}
		if like == nil && bad != nil {
			yield(train.Batch{}, d.loader.noneError(bad))
		}
	}
}

// indices returns the images of the whole epoch in order, or what is wrong with the loader or the epoch.
func (d *epochDataset) indices() ([]int, error) {
	if d.epoch < 0 || d.skip < 0 {
		return nil, fmt.Errorf("datasets: loader: epoch %d from batch %d: want at least 0", d.epoch, d.skip)
	}
	if err := d.loader.Check(); err != nil {
		return nil, err
	}
	data := d.loader.Data
	indices := d.loader.Order.Indices(newRand(d.loader.Seed, keyOrder, uint64(d.epoch)), data.Labels())
	for _, i := range indices {
		if i < 0 || i >= len(data.Examples) {
			return nil, fmt.Errorf("datasets: loader: the order has image %d of %d", i, len(data.Examples))
		}
	}
	return indices, nil
}
