// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"introspection/internal/wholefile"
)

// Names of the checkpoints in a run folder.
const (
	ModelFile         = "model.safetensors"          // the newest
	PreviousModelFile = "model-previous.safetensors" // the one before
	BestFile          = "best.safetensors"           // that of the best epoch
)

// nextModelFile is the newest checkpoint between its writing and the turn of the names.
const nextModelFile = "model-next.safetensors"

// damagedModelFile is a checkpoint that was set aside.
const damagedModelFile = "model-damaged.safetensors"

// WriteModel writes the newest checkpoint and keeps the one before as PreviousModelFile. At every moment one of the two names has a whole
// checkpoint, if the newest was whole (see SetAsideModel); if anything fails, both files stay as they were.
func (r *Run) WriteModel(write func(w io.Writer) error) error {
	if err := r.WriteFile(nextModelFile, write); err != nil {
		return err
	}
	err := os.Rename(r.Path(ModelFile), r.Path(PreviousModelFile))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.Rename(r.Path(nextModelFile), r.Path(ModelFile))
	}
	if err == nil {
		err = wholefile.SyncFolder(r.dir)
	}
	if err != nil {
		return fmt.Errorf("runlog: writing %s: %w", r.Path(ModelFile), err)
	}
	return nil
}

// SetAsideModel takes its name from a newest checkpoint that is damaged, so that the next one doesn't push the one before out of its place. That
// there is none is no error.
func (r *Run) SetAsideModel() error {
	err := os.Rename(r.Path(ModelFile), r.Path(damagedModelFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("runlog: setting a damaged checkpoint aside: %w", err)
	}
	return nil
}

// RemoveLeftovers removes the temporary files that a program which was killed has left in the folder. No other program may be
// writing to it.
func (r *Run) RemoveLeftovers() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("runlog: removing what a killed run left: %w", err)
	}
	for _, e := range entries {
		if e.Name() != nextModelFile && !(strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), wholefile.Mark)) {
			continue
		}
		if err := os.Remove(r.Path(e.Name())); err != nil {
			return fmt.Errorf("runlog: removing what a killed run left: %w", err)
		}
	}
	return nil
}
