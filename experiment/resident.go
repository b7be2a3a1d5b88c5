// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"sync"

	"github.com/gomlx/compute"

	"introspection/idml"
)

// A Resident keeps, for commands that follow each other in one process, what the next one may need again: the backend, the datasets that were opened last,
// the models that were read last, and that of the last training, with their compiled programs. Functions of this package take it in [Options]; all of them must then get its backend.
//
// A model is taken again if its checkpoint is the same file, of the same time and size, and the run's configuration is the same; a dataset if its settings are, and
// the files that describe it. A training that differs from the last in seeds, rates and epochs alone, or in its images, has that one's programs: see [idml.Model.TakeOver].
// Commands must run one at a time.
type Resident struct {
	open func() (compute.Backend, error)

	mu       sync.Mutex
	backend  compute.Backend // nil before the first use
	networks []*keptNetwork  // the one that was used last is the last
	trained  *idml.Model     // of the last training; nil before the first
	splits   []keptSplit     // likewise
	counts   ResidentCounts
}

// ResidentCounts say how often something was done because it wasn't kept.
type ResidentCounts struct {
	Backends  int // opened
	Models    int // read from a checkpoint
	Datasets  int // opened
	Trainings int // begun without the programs of one before
	Programs  int // prepared for the models that are kept: each is compiled for a size of batches once
}

// NewResident returns a Resident that keeps nothing yet; open is called when a backend is asked for.
func NewResident(open func() (compute.Backend, error)) *Resident { return &Resident{open: open} }

// Backend returns the backend, which is opened the first time. It is never finalized: it lives as long as the process.
func (r *Resident) Backend() (compute.Backend, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.backend == nil {
		b, err := r.open()
		if err != nil {
			return nil, err
		}
		r.counts.Backends++
		r.backend = b
	}
	return r.backend, nil
}

// Counts returns what was done so far.
func (r *Resident) Counts() ResidentCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := r.counts
	for _, n := range r.networks {
		counts.Programs += n.model.Programs()
	}
	if r.trained != nil {
		counts.Programs += r.trained.Programs()
	}
	return counts
}
