// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// Save writes what was measured into the run folder, as uncertainty.json, with thumbnails of the images that a report shows and the folder has none of. The same run
// and bootstrap give the same bytes. It is an error for a report that [Uncertainty] didn't make, or made of what was held out of training.
func (r *UncertaintyReport) Save() error {
	if r.task == nil {
		return errors.New("uncertainty: only what was measured of a run can be saved in it")
	}
	if r.heldOut {
		return errors.New("uncertainty: only what was measured of test images can be saved in a run, not of what was held out")
	}
	run, err := runlog.Open(r.Run)
	if err != nil {
		return err
	}
	if err := r.writeThumbnails(run); err != nil {
		return err
	}
	return run.WriteUncertainty(r.Uncertainty)
}

// writeThumbnails writes the pictures that are missing.
func (r *UncertaintyReport) writeThumbnails(run *runlog.Run) error {
	predictions, err := run.Predictions()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, i := range append(plots.Shown(predictions), plots.ShownMixes(r.Uncertainty)...) {
		if _, err := os.Stat(run.ThumbnailPath(i)); err == nil {
			continue
		}
		if i >= len(r.task.Split.Test.Examples) {
			return fmt.Errorf("%s has an image %d, the test images are %d", run.Path(runlog.PredictionsFile), i, len(r.task.Split.Test.Examples))
		}
		img, err := r.task.Split.Test.Image(i)
		if err != nil {
			return err
		}
		if err := run.WriteThumbnail(i, r.task.test.Transform.Apply(img, nil).Image()); err != nil {
			return err
		}
	}
	return nil
}

// ReadUncertainty reads what [UncertaintyReport.Save] wrote into a run folder. The error for one in which nothing was measured yet wraps fs.ErrNotExist.
func ReadUncertainty(dir string) (*UncertaintyReport, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return nil, err
	}
	u, err := run.Uncertainty()
	if err != nil {
		return nil, err
	}
	return &UncertaintyReport{Run: dir, Uncertainty: u, config: cfg}, nil
}

// checkpoint tells which checkpoint the trial's model is of.
func (t trial) checkpoint() (runlog.Checkpoint, error) {
	name := runlog.ModelFile
	if t.damaged {
		name = runlog.PreviousModelFile
	}
	return checkpointOf(t.run.Path(name))
}

// mostHeader is the size above which what stands where a checkpoint's header should be is none.
const mostHeader = 100 << 20

// checkpointOf reads from the header of a checkpoint what tells it from others.
func checkpointOf(path string) (c runlog.Checkpoint, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	var size uint64
	if err := binary.Read(f, binary.LittleEndian, &size); err != nil || size > mostHeader {
		return c, fmt.Errorf("%s is no checkpoint: its header is broken", path)
	}
	var header struct {
		Metadata map[string]string `json:"__metadata__"`
	}
	if err := json.NewDecoder(io.LimitReader(f, int64(size))).Decode(&header); err != nil {
		return c, fmt.Errorf("%s is no checkpoint: %w", path, err)
	}
	var state idml.State
	if err := json.Unmarshal([]byte(header.Metadata["idml"]), &state); err != nil {
		return c, fmt.Errorf("%s is no checkpoint: %w", path, err)
	}
	return runlog.Checkpoint{Epoch: state.Epoch, Step: state.Step, SHA256: header.Metadata["sha256"]}, nil
}
