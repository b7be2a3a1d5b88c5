// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// TrainOrResume brings the run in the folder dir to its last epoch and shows how far it is: a new one from the start, one that was
// stopped from its newest checkpoint; a finished one is left as it is. So a cell that was interrupted, or a notebook that was closed, goes on
// where it was when the cell runs again. It is an error if the folder's run has other settings.
func TrainOrResume(backend compute.Backend, cfg idml.Config, dir string) (*runlog.Results, error) {
	old, err := earlier(cfg, dir)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Status == runlog.StatusFinished {
		Say("%s holds this run, finished", dir)
		return old, nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // as Jupyter's stop button sends it
	defer stop()
	training := NewTraining()
	defer training.Done()
	o := experiment.Options{Progress: training.Progress, Stage: training.Stage, Warn: Warn}
	var results *runlog.Results
	if old == nil {
		results, err = experiment.Train(ctx, backend, cfg, dir, o)
	} else {
		o.Data = cfg.Data.Folder
		results, err = experiment.Resume(ctx, backend, dir, o)
	}
	if err == nil && results.Status != runlog.StatusFinished {
		err = fmt.Errorf("nb: %s was stopped after %d steps: run the cell again to go on", dir, results.Steps)
	}
	return results, err
}

// earlier returns what the run in a folder came to, nil if there is none. It is an error if its settings are others.
func earlier(cfg idml.Config, dir string) (*runlog.Results, error) {
	run, err := runlog.Open(dir)
	if errors.Is(err, runlog.ErrNotRun) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var old idml.Config
	if err := run.ReadConfig(&old); err != nil {
		return nil, err
	}
	old.Data.Folder = cfg.Data.Folder // the images may have moved
	if changed := Differences(old, cfg); changed != nil {
		return nil, fmt.Errorf("nb: %s holds a run with other settings (%s): remove or rename that folder", dir, strings.Join(changed, ", "))
	}
	results, err := run.Results()
	return &results, err
}

// Warn shows what a person should know, in one paragraph.
func Warn(text string) { Say("warning: %s", strings.ReplaceAll(text, "\n", "; ")) }

// Losses returns the loss of each recorded step of a run, by step.
func Losses(dir string) (map[int]float64, error) {
	run, err := runlog.Open(dir)
	if err != nil {
		return nil, err
	}
	records, err := run.Records()
	if err != nil {
		return nil, err
	}
	losses := map[int]float64{}
	for _, r := range records {
		if r.Kind == runlog.KindStep {
			losses[r.Step] = r.Loss
		}
	}
	return losses, nil
}

// SameLosses shows the losses of two runs step by step, and tells whether all are equal to the last bit.
func SameLosses(headA, dirA, headB, dirB string) error {
	a, err := Losses(dirA)
	if err != nil {
		return err
	}
	b, err := Losses(dirB)
	if err != nil {
		return err
	}
	heads, rows, equal := lossTable(headA, a, headB, b)
	Table(heads, rows)
	Say("%d of %d losses are equal to the last bit", equal, len(rows))
	return nil
}

func lossTable(headA string, a map[int]float64, headB string, b map[int]float64) (heads []string, rows [][]string, equal int) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, step := range slices.Sorted(maps.Keys(all)) {
		row := []string{fmt.Sprint("step ", step)}
		for _, losses := range []map[int]float64{a, b} {
			text := "–"
			if v, ok := losses[step]; ok {
				text = fmt.Sprintf("%.6f", v)
			}
			row = append(row, text)
		}
		va, inA := a[step]
		if vb, inB := b[step]; inA && inB && va == vb {
			equal++
		}
		rows = append(rows, row)
	}
	return []string{"", headA, headB}, rows, equal
}

// SameWeights tells how many of the arrays in two runs' newest checkpoints, which are weights and the optimizer's state, are equal to the last
// bit.
func SameWeights(dirA, dirB string) error {
	var files [2]*weights.File
	for i, dir := range []string{dirA, dirB} {
		var err error
		if files[i], err = weights.Open(filepath.Join(dir, runlog.ModelFile)); err != nil {
			return err
		}
	}
	equal, all := sameTensors(files[0], files[1])
	Say("%d of %d arrays of weights and of the optimizer's state are equal to the last bit", equal, all)
	return nil
}

// sameTensors returns how many tensors are in both files and equal, of all that are in one of them.
func sameTensors(a, b *weights.File) (equal, all int) {
	all = len(b.Tensors)
	for _, x := range a.Tensors {
		y, ok := b.Tensor(x.Name)
		if !ok {
			all++
			continue
		}
		if x.DType == y.DType && slices.Equal(x.Shape, y.Shape) && bytes.Equal(x.Data, y.Data) {
			equal++
		}
	}
	return equal, all
}
