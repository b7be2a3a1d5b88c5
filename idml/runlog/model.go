// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Names of the checkpoints in a run folder.
const (
	ModelFile         = "model.safetensors"          // the newest
	PreviousModelFile = "model-previous.safetensors" // the one before
	BestFile          = "best.safetensors"           // that of the best epoch
)

// nextModelFile is the newest checkpoint between its writing and the turn of the names.
const nextModelFile = "model-next.safetensors"

// WriteModel writes the newest checkpoint and keeps the one before as PreviousModelFile. At every moment a whole checkpoint has
// one of the two names; if anything fails, both files stay as they were.
func (r *Run) WriteModel(write func(w io.Writer) error) error {
	if err := r.WriteFile(nextModelFile, write); err != nil {
		return err
	}
	err := os.Rename(r.Path(ModelFile), r.Path(PreviousModelFile))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.Rename(r.Path(nextModelFile), r.Path(ModelFile))
	}
	if err == nil {
		err = syncFolder(r.dir)
	}
	if err != nil {
		return fmt.Errorf("runlog: writing %s: %w", r.Path(ModelFile), err)
	}
	return nil
}

// syncFolder flushes the names in a folder to the disk. Some file systems can't, which is no fault.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}

// RemoveLeftovers removes the temporary files that a program which was killed has left in the folder. No other program may be
// writing to it.
func (r *Run) RemoveLeftovers() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("runlog: removing what a killed run left: %w", err)
	}
	for _, e := range entries {
		if e.Name() != nextModelFile && !(strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), temporaryMark)) {
			continue
		}
		if err := os.Remove(r.Path(e.Name())); err != nil {
			return fmt.Errorf("runlog: removing what a killed run left: %w", err)
		}
	}
	return nil
}
