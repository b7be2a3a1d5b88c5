// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

// Options are what a run runs on, and reports to while it runs. A nil function is not called.
type Options struct {
	// Devices is the number of devices that share each batch of training; 0 is one.
	Devices int
	// Progress is called after each step and evaluation.
	Progress func(idml.Progress)
	// Data is the folder of the images of a run that is opened, where it has moved; "" takes it from the run.
	Data string
	// HeldOut lets Uncertainty measure the images that were held out of training in place of the test images, to choose settings by.
	HeldOut bool
	// Stage is called when something begins that may take minutes, with what it is.
	Stage func(string)
	// Warn is called with what a person should know and need not act upon at once, as one sentence.
	Warn func(string)
	// Resident keeps what the next call may need, and has what was kept; nil keeps nothing.
	Resident *Resident
}

// warn hands a warning on.
func (o Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// devices is the number of devices that training runs on.
func (o Options) devices() int {
	if o.Devices == 0 {
		return 1
	}
	return o.Devices
}

// stage tells what begins.
func (o Options) stage(format string, args ...any) {
	if o.Stage != nil {
		o.Stage(fmt.Sprintf(format, args...))
	}
}

// trial is a run folder and what is trained in it.
type trial struct {
	backend compute.Backend
	run     *runlog.Run
	config  idml.Config
	task    *Task
	model   *idml.Model
	damaged bool // the newest checkpoint was, and the model is of the one before
}

// Train makes the run folder dir and trains in it: it measures both baselines, raw pixels and the untrained network, trains, measures the
// last epoch, and writes the results, the predictions of the test images and thumbnails of some. Everything is checked, and the baselines are
// measured, before the folder is a run; if that fails or ctx ends in it, nothing is left behind. From then on the folder always holds a checkpoint that
// Resume and Evaluate take, and Results.Status is "stopped" until the last epoch is measured. When ctx ends in training, what was trained is measured.
func Train(ctx context.Context, backend compute.Backend, cfg idml.Config, dir string, o Options) (results *runlog.Results, err error) {
	if cfg.Data.Folder != "" { // so that the run can be opened from another folder
		if cfg.Data.Folder, err = filepath.Abs(cfg.Data.Folder); err != nil {
			return nil, err
		}
	}
	task, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.CheckDevices(backend, o.devices()); err != nil {
		return nil, err
	}
	book, o := newLogbook("training", backend, o)
	if task.incomplete != nil {
		o.warn("%v", task.incomplete)
	}
	if cfg.Model.BatchNorm == idml.FrozenBatchNorm && cfg.Model.Weights == idml.RandomWeights {
		o.warn("the weights are random, and model.batch_norm is frozen: nothing is ever normalized; set model.weights, or model.batch_norm=trained")
	}
	m, err := newModel(cfg, len(task.Split.Train.Classes))
	if err != nil {
		return nil, err
	}
	run, err := runlog.Create(dir)
	if err != nil {
		return nil, err
	}
	m = o.Resident.adopt(m)
	baselines, err := measureBaselines(ctx, backend, cfg, task, m, o)
	if err != nil {
		_ = os.Remove(dir) // fails, as it should, if the folder was there before and holds something
		return nil, err
	}
	t := trial{backend: backend, run: run, config: cfg, task: task, model: m}
	if err := t.begin(baselines, o.devices()); err != nil {
		return nil, err
	}
	if err := book.open(run, cfg, idml.State{}); err != nil {
		return nil, err
	}
	defer func() { book.end(results, err) }()
	return t.finish(ctx, idml.State{}, baselines, o)
}

// begin writes what makes a folder a run that can be resumed; the configuration, by which it is known as one, comes last.
func (t trial) begin(baselines []runlog.Row, devices int) error {
	environment := runlog.HostEnvironment()
	environment.Backend, environment.Device, environment.Devices = t.backend.Name(), t.backend.Description(), devices
	environment.JPEG = datasets.JPEGDecoder
	if err := t.run.WriteEnvironment(environment); err != nil {
		return err
	}
	if err := t.run.WriteResults(runlog.Results{Status: runlog.StatusStopped, Rows: baselines}); err != nil {
		return err
	}
	if t.task.evaluation == t.task.test { // else epochs are judged by other classes than the baselines
		untrained := baselines[len(baselines)-1]
		if err := t.run.AppendRecord(runlog.Record{Kind: runlog.KindEval, Metrics: untrained.Metrics}); err != nil {
			return err
		}
	}
	if err := t.run.WriteModel(func(w io.Writer) error { return t.model.Save(w, idml.State{}) }); err != nil {
		return err
	}
	return t.run.WriteConfig(t.config)
}

// Resume continues a stopped run, or one that was killed, from its checkpoint to its last epoch. On a CPU, the run ends as it would have without
// the stop; Options.Devices may be another number than before, and then it ends so but for rounding. A finished run is an error.
func Resume(ctx context.Context, backend compute.Backend, dir string, o Options) (results *runlog.Results, err error) {
	book, o := newLogbook("training resumed", backend, o)
	fresh := o
	fresh.Resident = nil // training changes the model
	t, state, err := openTrial(backend, dir, fresh)
	if err != nil {
		return nil, err
	}
	if err := t.config.CheckDevices(backend, o.devices()); err != nil {
		return nil, err
	}
	lock, err := openLog(t.run.Path(runlog.LogFile))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%s is being trained by another program", dir)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := t.run.RemoveLeftovers(); err != nil {
		return nil, err
	}
	if t.damaged {
		if err := t.run.SetAsideModel(); err != nil {
			return nil, err
		}
	}
	if o.Data != "" { // where the images are now
		if err := t.run.WriteConfig(t.config); err != nil {
			return nil, err
		}
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
	if e, err := t.run.Environment(); err == nil && e.JPEG != "" && e.JPEG != datasets.JPEGDecoder && t.task.hasJPEG() {
		o.warn("the run began with JPEG images decoded by %s, and goes on with %s: pixels differ by few levels", e.JPEG, datasets.JPEGDecoder)
	}
	t.model = o.Resident.adopt(t.model)
	if err := book.open(t.run, t.config, state); err != nil {
		return nil, err
	}
	defer func() { book.end(results, err) }()
	return t.finish(ctx, state, baselines, o)
}

// dropRecords removes from metrics.jsonl what a killed run wrote after its last checkpoint: those steps are taken, and those epochs evaluated, again.
func dropRecords(run *runlog.Run, state idml.State) error {
	records, err := run.Records()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(records), func(r runlog.Record) bool {
		return r.Step > state.Step || r.Kind == runlog.KindEval && r.Epoch > state.Epoch
	})
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
	progress := func(p idml.Progress) {
		if p.Warning != "" {
			o.warn("%s", p.Warning)
		}
		if o.Progress != nil {
			o.Progress(p)
		}
	}
	trained, err := idml.Train(ctx, t.backend, t.model, state, t.task.Data(), idml.TrainOptions{Devices: o.devices(), Run: t.run, Progress: progress})
	if err != nil {
		return nil, err
	}
	results := &runlog.Results{
		Status: runlog.StatusFinished, Epochs: trained.State.Epoch, Steps: trained.State.Step, Seconds: trained.State.Seconds, Rows: baselines,
		BestChosenOn: t.task.chosenOn(),
	}
	if trained.Stopped {
		results.Status = runlog.StatusStopped
		ctx = context.WithoutCancel(ctx) // what was trained is measured all the same
	}
	o.stage("measuring the last epoch on %d test images", len(t.task.Split.Test.Examples))
	last, err := t.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	if published := t.config.Published(); published != nil {
		results.Published, results.PublishedSource = published, t.config.PublishedSource()
	}
	results.Rows = append(results.Rows, runlog.Row{Name: runlog.RowLast, Epoch: trained.State.Epoch, Metrics: last.Metrics()})
	behind := len(results.Rows)
	if t.config.Task == idml.Classification && !trained.Stopped {
		if err := t.classified(ctx, results, o); err != nil {
			return nil, err
		}
	}
	best, err := t.measureBest(ctx, trained.State, last, o) // which the model becomes
	if err != nil {
		return nil, err
	}
	results.Rows = slices.Insert(results.Rows, behind, best...)
	if note := t.task.badNote(); note != "" {
		o.warn("%s", note)
	}
	return results, t.run.WriteResults(*results)
}

// measureBest returns the row of the best epoch: its model, which the run keeps, is measured on the test images by the trial's programs. There is no row before the
// first evaluation, nor, with a warning, if the kept model is damaged.
func (t trial) measureBest(ctx context.Context, state idml.State, last Result, o Options) ([]runlog.Row, error) {
	if state.Best.Metrics == nil {
		return nil, nil
	}
	row := runlog.Row{Name: runlog.RowBest, Epoch: state.Best.Epoch, Metrics: last.Metrics()}
	if state.Best.Epoch == state.Epoch && state.Batch == 0 {
		return []runlog.Row{row}, nil
	}
	best, saved, err := (*Resident)(nil).readModel(t.run.Path(runlog.BestFile), t.config)
	if err != nil {
		o.warn("the best epoch, %d, is not measured: %v", state.Best.Epoch, err)
		return nil, nil
	}
	o.stage("measuring the best epoch, %d", saved.Best.Epoch)
	if ok, err := t.model.TakeOver(best); !ok || err != nil {
		t.model = best
	}
	row.Epoch = saved.Best.Epoch
	_, result, err := t.measure(ctx)
	if err != nil {
		return nil, err
	}
	row.Metrics = result.Metrics()
	return []runlog.Row{row}, nil
}

// Result is what the test images came to: a *retrieval.Result, or in classification a *classify.Result.
type Result interface {
	Metrics() map[string]float64
}

// evaluate measures the model on the test images and writes predictions and thumbnails.
func (t trial) evaluate(ctx context.Context) (Result, error) {
	embedded, result, err := t.measure(ctx)
	if err != nil {
		return nil, err
	}
	return result, writePredictions(t.run, t.task, t.model, embedded, result)
}

// measure embeds the test images and measures how they are retrieved, or classified.
func (t trial) measure(ctx context.Context) (*idml.Embedded, Result, error) {
	embedder, err := idml.NewEmbedder(t.backend, t.model)
	if err != nil {
		return nil, nil, err
	}
	embedded, err := embedder.Embed(ctx, t.task.test.Epoch(0, 0))
	if err != nil {
		return nil, nil, err
	}
	t.task.dropBadTests()
	result, err := resultOf(ctx, t.backend, t.config, embedded)
	return embedded, result, err
}

// resultOf measures images that were embedded.
func resultOf(ctx context.Context, backend compute.Backend, cfg idml.Config, e *idml.Embedded) (Result, error) {
	if cfg.Task == idml.Classification {
		return classify.Evaluate(e.Logits, e.Labels)
	}
	return retrieval.Evaluate(ctx, backend, e.Semantic, e.Labels, evaluation(cfg))
}

// evaluation is how a run's images are evaluated.
func evaluation(cfg idml.Config) retrieval.Options {
	o := retrieval.DefaultOptions()
	o.Ks, o.Seed = cfg.Recalls, cfg.Seed
	return o
}

// Evaluate measures the checkpoint of a run on its test images, and renews its predictions and thumbnails.
func Evaluate(ctx context.Context, backend compute.Backend, dir string, o Options) (Result, error) {
	t, _, err := openTrial(backend, dir, o)
	if err != nil {
		return nil, err
	}
	result, err := t.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	if note := t.task.badNote(); note != "" {
		o.warn("%s", note)
	}
	return result, nil
}
