// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gomlx/compute"

	"introspection/idml"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

// Options are what a run reports to while it runs.
type Options struct {
	// Progress is called after each step and evaluation; nil is not called.
	Progress func(idml.Progress)
}

// Train makes the run folder dir and trains in it: it measures both baselines, raw pixels and the untrained network, trains, measures the
// last epoch, and writes the results, the predictions of the test images and thumbnails of some. Everything is checked
// before the folder is made. When ctx ends, the folder holds a checkpoint that Resume and Evaluate take, and Results.Status is "stopped".
func Train(ctx context.Context, backend compute.Backend, cfg idml.Config, dir string, o Options) (*runlog.Results, error) {
	task, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	run, err := runlog.Create(dir)
	if err != nil {
		return nil, err
	}
	if err := run.WriteConfig(cfg); err != nil {
		return nil, err
	}
	environment := runlog.HostEnvironment()
	environment.Backend, environment.Device = backend.Name(), backend.Description()
	if err := run.WriteEnvironment(environment); err != nil {
		return nil, err
	}
	m, err := idml.NewModel(cfg, len(task.Split.Train.Classes))
	if err != nil {
		return nil, err
	}
	baselines, err := measureBaselines(ctx, backend, cfg, task, m)
	if err != nil {
		return nil, err
	}
	untrained := baselines[len(baselines)-1]
	if err := run.AppendRecord(runlog.Record{Kind: "eval", Metrics: untrained.Metrics}); err != nil {
		return nil, err
	}
	return finish(ctx, backend, run, task, m, idml.State{}, baselines, o)
}

// Resume continues a stopped run from its checkpoint to its last epoch. On a CPU, the run ends as it would have without the stop. A
// finished run is an error.
func Resume(ctx context.Context, backend compute.Backend, dir string, o Options) (*runlog.Results, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return nil, err
	}
	task, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	m, state, err := loadModel(run, cfg)
	if err != nil {
		return nil, err
	}
	old, err := run.Results()
	if err != nil {
		return nil, err
	}
	if old.Status == runlog.StatusFinished {
		return nil, fmt.Errorf("%s is a finished run of %d epochs", dir, old.Epochs)
	}
	var baselines []runlog.Row
	for _, row := range old.Rows {
		if row.Name == runlog.RowRawPixels || row.Name == runlog.RowUntrained {
			baselines = append(baselines, row)
		}
	}
	return finish(ctx, backend, run, task, m, state, baselines, o)
}

// finish trains to the last epoch and writes what the run came to.
func finish(ctx context.Context, backend compute.Backend, run *runlog.Run, task *Task, m *idml.Model, state idml.State, baselines []runlog.Row, o Options) (*runlog.Results, error) {
	trained, err := idml.Train(ctx, backend, m, state, task.Data(), idml.TrainOptions{Run: run, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	results := &runlog.Results{
		Status: runlog.StatusFinished, Epochs: trained.State.Epoch, Steps: trained.State.Step, Seconds: trained.State.Seconds, Rows: baselines,
	}
	if trained.Stopped {
		results.Status = runlog.StatusStopped
		ctx = context.WithoutCancel(ctx) // what was trained is measured all the same
	}
	last, err := evaluate(ctx, backend, run, task, m)
	if err != nil {
		return nil, err
	}
	results.Rows = append(results.Rows, runlog.Row{Name: runlog.RowLast, Epoch: trained.State.Epoch, Metrics: last.Metrics()})
	if best := trained.State.Best; best.Metrics != nil {
		results.Rows = append(results.Rows, runlog.Row{Name: runlog.RowBest, Epoch: best.Epoch, Metrics: best.Metrics})
	}
	return results, run.WriteResults(*results)
}

// evaluate measures the model on the test images and writes predictions and thumbnails.
func evaluate(ctx context.Context, backend compute.Backend, run *runlog.Run, task *Task, m *idml.Model) (*retrieval.Result, error) {
	embedder, err := idml.NewEmbedder(backend, m)
	if err != nil {
		return nil, err
	}
	embedded, err := embedder.Embed(ctx, task.test.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	result, err := retrieval.Evaluate(ctx, backend, embedded.Semantic, embedded.Labels, retrieval.DefaultOptions())
	if err != nil {
		return nil, err
	}
	return result, writePredictions(run, task, m, embedded, result)
}

// Evaluate measures the checkpoint of a run on its test images, and renews its predictions and thumbnails.
func Evaluate(ctx context.Context, backend compute.Backend, dir string) (*retrieval.Result, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return nil, err
	}
	task, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	m, _, err := loadModel(run, cfg)
	if err != nil {
		return nil, err
	}
	return evaluate(ctx, backend, run, task, m)
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

// loadModel reads the checkpoint of a run.
func loadModel(run *runlog.Run, cfg idml.Config) (*idml.Model, idml.State, error) {
	path := run.Path(runlog.ModelFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, idml.State{}, fmt.Errorf("%s has no checkpoint (%s): train it first", run.Dir(), runlog.ModelFile)
	}
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
