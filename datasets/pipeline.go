// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
)

// batchesInFlight is how many batches are loaded or being loaded at once, beside the one that was yielded last.
const batchesInFlight = 2

// slot is a place of a batch: which image belongs there, where in the epoch it stands, and what came of loading it. When another
// image takes its place, index becomes that one's.
type slot struct {
	index, position int
	image           *RGB
	pooled          bool // the image goes to the pipeline's pool when it is in the batch
	err             error
}

// pending is a batch whose slots are being filled; done is closed when all are.
type pending struct {
	slots []slot
	left  atomic.Int32
	done  chan struct{}
}

// newPending returns a batch of the images of the given indices, the first of which stands at the given position.
func newPending(indices []int, position int) *pending {
	b := &pending{slots: make([]slot, len(indices)), done: make(chan struct{})}
	b.left.Store(int32(len(indices)))
	for i, index := range indices {
		b.slots[i].index, b.slots[i].position = index, position+i
	}
	return b
}

// pipeline is the goroutines of one pass over an epoch.
type pipeline struct {
	ready  chan *pending // batches in order, begun but perhaps not done
	quit   chan struct{}
	group  sync.WaitGroup
	images sync.Pool // of *RGB, for batches to come
}

// reuse gives the memory of images that are in their batch to those to come.
func (p *pipeline) reuse(slots []slot) {
	for _, s := range slots {
		if s.pooled {
			p.images.Put(s.image)
		}
	}
}

// stop ends the goroutines and returns when they have ended.
func (p *pipeline) stop() {
	close(p.quit)
	p.group.Wait()
}

// start begins to load the epoch's batches from d.skip on.
func (d *epochDataset) start(indices []int) *pipeline {
	type task struct {
		batch *pending
		slot  int
	}
	p := &pipeline{ready: make(chan *pending, batchesInFlight), quit: make(chan struct{})}
	tasks := make(chan task)
	p.group.Go(func() {
		defer close(p.ready)
		defer close(tasks)
		l := d.loader
		for from := d.skip * l.BatchSize; from < len(indices); from += l.BatchSize {
			to := min(from+l.BatchSize, len(indices))
			if l.DropLast && to-from < l.BatchSize {
				return
			}
			b := newPending(indices[from:to], from)
			select {
			case p.ready <- b: // waits until the batches in flight are few enough
			case <-p.quit:
				return
			}
			for i := range b.slots {
				select {
				case tasks <- task{b, i}:
				case <-p.quit:
					return
				}
			}
		}
	})
	for range d.loader.Workers {
		p.group.Go(func() {
			augmenter := newAugmenter(d.loader, &p.images)
			for t := range tasks {
				augmenter.fill(d.epoch, &t.batch.slots[t.slot])
				if t.batch.left.Add(-1) == 0 {
					close(t.batch.done)
				}
			}
		})
	}
	return p
}

// reference is the image that the others must equal in size: the first of a pass.
type reference struct{ index, width, height int }

// newReference returns the reference that the slot gives, of no size if its image could not be loaded.
func newReference(s slot) *reference {
	if s.err != nil {
		return &reference{index: s.index}
	}
	return &reference{s.index, s.image.Width, s.image.Height}
}

// assemble returns the batch of filled slots, or the error of the first slot that has one or whose image differs in size from
// the reference.
func (l *Loader) assemble(slots []slot, like *reference) (train.Batch, error) {
	for _, s := range slots {
		if s.err != nil {
			return train.Batch{}, s.err
		}
		if s.image.Width != like.width || s.image.Height != like.height {
			return train.Batch{}, sizeError(l.Data.Examples[s.index].Name, s.image.Width, s.image.Height,
				l.Data.Examples[like.index].Name, like.width, like.height)
		}
	}
	n, size := len(slots), 3*like.width*like.height
	images := tensors.FromShape(shapes.Make(dtypes.Uint8, n, like.height, like.width, 3))
	labels := make([]int32, n)
	err := tensors.MutableFlatData(images, func(flat []uint8) {
		for i, s := range slots {
			copy(flat[i*size:(i+1)*size], s.image.Pix)
			labels[i] = int32(l.Data.Examples[s.index].Label)
		}
	})
	if err != nil {
		return train.Batch{}, fmt.Errorf("datasets: loader: making a batch: %w", err)
	}
	return train.Batch{
		Inputs: []*tensors.Tensor{images},
		Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(labels, n)},
	}, nil
}
