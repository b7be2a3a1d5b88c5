// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"os"

	"github.com/gomlx/compute"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// newModel returns a model that starts as the configuration says: from random values, or its backbone from a file of weights.
func newModel(cfg idml.Config, classes int) (*idml.Model, error) {
	m, err := idml.NewModel(cfg, classes)
	if err != nil || cfg.Model.Weights == idml.RandomWeights {
		return m, err
	}
	path, err := weights.Locate(cfg.Model.Weights, cfg.Model.Backbone.Name())
	if err != nil {
		return nil, err
	}
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	if err := m.LoadBackbone(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// openTrial opens a run folder, its images and its newest checkpoint that is whole.
func openTrial(backend compute.Backend, dir string, o Options) (trial, idml.State, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	task, err := Open(cfg)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	m, state, err := loadModel(run, cfg, o)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	if want := len(task.Split.Train.Classes); m.Classes() != want {
		return trial{}, idml.State{}, fmt.Errorf("%s was trained on %d classes, its images have %d", dir, m.Classes(), want)
	}
	return trial{backend, run, cfg, task, m}, state, nil
}

// openRun opens a run folder and reads its configuration.
func openRun(dir string) (*runlog.Run, idml.Config, error) {
	run, err := runlog.Open(dir)
	if err != nil {
		return nil, idml.Config{}, err
	}
	var cfg idml.Config
	if err := run.ReadConfig(&cfg); err != nil {
		return nil, idml.Config{}, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, idml.Config{}, fmt.Errorf("%s: %w", run.Path(runlog.ConfigFile), err)
	}
	return run, cfg, nil
}

// loadModel reads the newest checkpoint of a run, or with a warning the one before if that is damaged or missing.
func loadModel(run *runlog.Run, cfg idml.Config, o Options) (*idml.Model, idml.State, error) {
	m, state, err := readModel(run.Path(runlog.ModelFile), cfg)
	if err == nil {
		return m, state, nil
	}
	m, state, before := readModel(run.Path(runlog.PreviousModelFile), cfg)
	if before == nil {
		o.warn("%v; the checkpoint before is taken, epoch %d, step %d", err, state.Epoch+1, state.Step)
		return m, state, nil
	}
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%s has no checkpoint (%s): train it first", run.Dir(), runlog.ModelFile)
	}
	return nil, idml.State{}, err
}

// readModel reads a checkpoint.
func readModel(path string, cfg idml.Config) (*idml.Model, idml.State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, idml.State{}, err
	}
	defer f.Close()
	m, state, err := idml.Load(f, cfg)
	if err != nil {
		return nil, state, fmt.Errorf("%s: %w", path, err)
	}
	return m, state, nil
}
