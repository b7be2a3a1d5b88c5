// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

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

// trial is a run folder and what is trained in it.
type trial struct {
	backend compute.Backend
	run     *runlog.Run
	config  idml.Config
	task    *Task
	model   *idml.Model
}

// Train makes the run folder dir and trains in it: it measures both baselines, raw pixels and the untrained network, trains, measures the
// last epoch, and writes the results, the predictions of the test images and thumbnails of some. Everything is checked, and the baselines are
// measured, before the folder is a run; if that fails or ctx ends in it, nothing is left behind. From then on the folder always holds a checkpoint that
// Resume and Evaluate take, and Results.Status is "stopped" until the last epoch is measured. When ctx ends in training, what was trained is measured.
func Train(ctx context.Context, backend compute.Backend, cfg idml.Config, dir string, o Options) (*runlog.Results, error) {
	task, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	m, err := idml.NewModel(cfg, len(task.Split.Train.Classes))
	if err != nil {
		return nil, err
	}
	run, err := runlog.Create(dir)
	if err != nil {
		return nil, err
	}
	baselines, err := measureBaselines(ctx, backend, cfg, task, m)
	if err != nil {
		_ = os.Remove(dir) // fails, as it should, if the folder was there before and holds something
		return nil, err
	}
	t := trial{backend, run, cfg, task, m}
	if err := t.begin(baselines); err != nil {
		return nil, err
	}
	return t.finish(ctx, idml.State{}, baselines, o)
}

// begin writes what makes a folder a run that can be resumed.
func (t trial) begin(baselines []runlog.Row) error {
	environment := runlog.HostEnvironment()
	environment.Backend, environment.Device = t.backend.Name(), t.backend.Description()
	if err := t.run.WriteConfig(t.config); err != nil {
		return err
	}
	if err := t.run.WriteEnvironment(environment); err != nil {
		return err
	}
	if err := t.run.WriteResults(runlog.Results{Status: runlog.StatusStopped, Rows: baselines}); err != nil {
		return err
	}
	untrained := baselines[len(baselines)-1]
	if err := t.run.AppendRecord(runlog.Record{Kind: runlog.KindEval, Metrics: untrained.Metrics}); err != nil {
		return err
	}
	return t.run.WriteFile(runlog.ModelFile, func(w io.Writer) error { return t.model.Save(w, idml.State{}) })
}

// Resume continues a stopped run, or one that was killed, from its checkpoint to its last epoch. On a CPU, the run ends as it would have without
// the stop. A finished run is an error.
func Resume(ctx context.Context, backend compute.Backend, dir string, o Options) (*runlog.Results, error) {
	t, state, err := openTrial(backend, dir)
	if err != nil {
		return nil, err
	}
	old, err := t.run.Results()
	if err != nil {
		return nil, err
	}
	if old.Status == runlog.StatusFinished {
		return nil, fmt.Errorf("%s is a finished run of %d epochs", dir, old.Epochs)
	}
	if err := dropRecords(t.run, state); err != nil {
		return nil, err
	}
	var baselines []runlog.Row
	for _, row := range old.Rows {
		if row.Name == runlog.RowRawPixels || row.Name == runlog.RowUntrained {
			baselines = append(baselines, row)
		}
	}
	return t.finish(ctx, state, baselines, o)
}

// dropRecords removes from metrics.jsonl what a killed run wrote after its last checkpoint: those steps are taken again.
func dropRecords(run *runlog.Run, state idml.State) error {
	records, err := run.Records()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(records), func(r runlog.Record) bool { return r.Step > state.Step })
	if len(kept) == len(records) {
		return nil
	}
	return run.WriteFile(runlog.MetricsFile, func(w io.Writer) error {
		e := json.NewEncoder(w)
		for _, r := range kept {
			if err := e.Encode(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish trains to the last epoch and writes what the run came to.
func (t trial) finish(ctx context.Context, state idml.State, baselines []runlog.Row, o Options) (*runlog.Results, error) {
	trained, err := idml.Train(ctx, t.backend, t.model, state, t.task.Data(), idml.TrainOptions{Run: t.run, Progress: o.Progress})
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
	last, err := t.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	results.Rows = append(results.Rows, runlog.Row{Name: runlog.RowLast, Epoch: trained.State.Epoch, Metrics: last.Metrics()})
	if best := trained.State.Best; best.Metrics != nil {
		results.Rows = append(results.Rows, runlog.Row{Name: runlog.RowBest, Epoch: best.Epoch, Metrics: best.Metrics})
	}
	return results, t.run.WriteResults(*results)
}

// evaluate measures the model on the test images and writes predictions and thumbnails.
func (t trial) evaluate(ctx context.Context) (*retrieval.Result, error) {
	embedder, err := idml.NewEmbedder(t.backend, t.model)
	if err != nil {
		return nil, err
	}
	embedded, err := embedder.Embed(ctx, t.task.test.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	o := retrieval.DefaultOptions()
	o.Seed = t.config.Seed
	result, err := retrieval.Evaluate(ctx, t.backend, embedded.Semantic, embedded.Labels, o)
	if err != nil {
		return nil, err
	}
	return result, writePredictions(t.run, t.task, t.model, embedded, result)
}

// Evaluate measures the checkpoint of a run on its test images, and renews its predictions and thumbnails.
func Evaluate(ctx context.Context, backend compute.Backend, dir string) (*retrieval.Result, error) {
	t, _, err := openTrial(backend, dir)
	if err != nil {
		return nil, err
	}
	return t.evaluate(ctx)
}

// openTrial opens a run folder, its images and its checkpoint.
func openTrial(backend compute.Backend, dir string) (trial, idml.State, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	task, err := Open(cfg)
	if err != nil {
		return trial{}, idml.State{}, err
	}
	m, state, err := loadModel(run, cfg)
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
