// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"

	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// newModel returns a model that starts as the configuration says: from random values, or its backbone from a file of weights.
func newModel(cfg idml.Config, classes int) (*idml.Model, error) {
	m, err := idml.NewModel(cfg, classes)
	if err != nil || cfg.Model.Weights == idml.RandomWeights {
		return m, err
	}
	name := cfg.Model.Backbone.Name()
	if cfg.Model.Weights == idml.ImageNetWeights && name == "" {
		return nil, fmt.Errorf("model.weights is %s and model.backbone none of %s: there are no such weights; name a file, or set model.weights= for random values",
			idml.ImageNetWeights, strings.Join(resnet.Names(), ", "))
	}
	path, err := weights.Locate(cfg.Model.Weights, name)
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

// openTrial opens a run folder, its images and its newest checkpoint that is whole, or takes what is kept of them.
func openTrial(backend compute.Backend, dir string, o Options) (trial, idml.State, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	if err := moveData(&cfg, o.Data); err != nil {
		return trial{}, idml.State{}, err
	}
	task, err := o.Resident.openTask(cfg)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	m, state, damaged, err := loadModel(run, cfg, o)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	if want := len(task.Split.Train.Classes); m.Classes() != want {
		return trial{}, idml.State{}, fmt.Errorf("%s was trained on %d classes, its images have %d", dir, m.Classes(), want)
	}
	return trial{backend, run, cfg, task, m, damaged}, state, nil
}

// moveData makes a run's configuration name the folder where its images are now, unless folder is "".
func moveData(cfg *idml.Config, folder string) (err error) {
	if folder == "" {
		return nil
	}
	if cfg.Data.Folder == "" {
		return fmt.Errorf("the images of %s are embedded: they lie in no folder", cfg.Data.Name)
	}
	cfg.Data.Folder, err = filepath.Abs(folder)
	return err
}

// openRun opens a run folder and reads its configuration.
func openRun(dir string) (*runlog.Run, idml.Config, error) {
	run, err := runlog.Open(dir)
	if err != nil {
		return nil, idml.Config{}, err
	}
	path := run.Path(runlog.ConfigFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, idml.Config{}, err
	}
	cfg, err := idml.ParseConfig(data)
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		return nil, idml.Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return run, cfg, nil
}

// loadModel reads the newest checkpoint of a run or, with a warning, the one before if that is damaged or missing.
func loadModel(run *runlog.Run, cfg idml.Config, o Options) (m *idml.Model, state idml.State, damaged bool, err error) {
	m, state, err = o.Resident.readModel(run.Path(runlog.ModelFile), cfg)
	if err == nil {
		return m, state, false, nil
	}
	m, state, before := o.Resident.readModel(run.Path(runlog.PreviousModelFile), cfg)
	if before == nil {
		o.warn("%v; the checkpoint before is taken, epoch %d, step %d", err, state.Epoch+1, state.Step)
		return m, state, true, nil
	}
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%s has no checkpoint (%s): train it first", run.Dir(), runlog.ModelFile)
	}
	return nil, idml.State{}, false, err
}
