// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"io"

	"introspection/idml/runlog"
)

// saver writes the checkpoints of a run beside its training: a step waits for the copy of the arrays to the host, and for the write before if that is
// still under way, but not for the disk.
type saver struct {
	run      *runlog.Run
	pending  chan error // the outcome of the write under way; nil if there is none
	snapshot snapshot   // what it writes
}

// save begins to write a checkpoint. The error may be that of the write before.
func (s *saver) save(m *Model, state State, best bool) error {
	if err := s.wait(); err != nil {
		return err
	}
	if err := s.snapshot.take(m, state); err != nil {
		return err
	}
	done := make(chan error, 1)
	s.pending = done
	go func() { done <- writeCheckpoint(s.run, &s.snapshot, best) }()
	return nil
}

// wait waits for the write under way and returns its error.
func (s *saver) wait() error {
	if s.pending == nil {
		return nil
	}
	err := <-s.pending
	s.pending = nil
	return err
}

// writeCheckpoint writes the run's checkpoint. The best one goes first: if the program ends in between, the checkpoint before is
// taken up, and the best is made again.
func writeCheckpoint(run *runlog.Run, c *snapshot, best bool) error {
	write := func(w io.Writer) error { return c.write(w) }
	if best {
		if err := run.WriteFile(runlog.BestFile, write); err != nil {
			return err
		}
	}
	return run.WriteModel(write)
}
