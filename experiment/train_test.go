// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
	"introspection/plots"
)

// stopAfter returns a context and options that end it after so many steps.
func stopAfter(t *testing.T, steps int) (context.Context, experiment.Options) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	taken := 0
	return ctx, experiment.Options{Progress: func(p idml.Progress) {
		if p.Metrics == nil {
			taken++
		}
		if taken == steps {
			cancel()
		}
	}}
}

func openRun(t *testing.T, dir string) *runlog.Run {
	t.Helper()
	run, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// checkpointArrays returns the bytes of each array of a run's checkpoint.
func checkpointArrays(t *testing.T, dir string) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, runlog.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := weights.ReadSafetensors(f)
	if err != nil {
		t.Fatal(err)
	}
	arrays := map[string]string{}
	for _, a := range file.Tensors {
		arrays[a.Name] = string(a.Data)
	}
	return arrays
}

// measured returns the evaluations in metrics.jsonl, and the numbers of the steps.
func measured(t *testing.T, dir string) (evaluations []runlog.Record, steps []int) {
	t.Helper()
	records, err := openRun(t, dir).Records()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Kind == runlog.KindStep {
			steps = append(steps, r.Step)
			continue
		}
		r.Seconds = 0
		evaluations = append(evaluations, r)
	}
	return evaluations, steps
}

// testImages is the number of test images of each of the three classes.
const testImages = 8

// A run from start to end, and another that is stopped and resumed at every kind of place, come to the same, bit for bit.
func TestTrainAndResume(t *testing.T) {
	images, dir := writeImages(t, 6, 6, 6, testImages, testImages, testImages), t.TempDir()
	whole := filepath.Join(dir, "whole")
	results, err := experiment.Train(t.Context(), backendtest.Open(t), tiny(images), whole, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, whole, results)
	t.Run("evaluate", func(t *testing.T) { checkEvaluate(t, whole, results) })
	t.Run("predictions", func(t *testing.T) { checkPredictions(t, whole, results) })
	t.Run("report", func(t *testing.T) { checkReport(t, whole) })
	t.Run("again", func(t *testing.T) { checkNotWrittenOver(t, whole, tiny(images)) })
	t.Run("resume", func(t *testing.T) { checkResume(t, tiny(images), whole, results) })
}

func checkResults(t *testing.T, dir string, results *runlog.Results) {
	t.Helper()
	var names []string
	for _, row := range results.Rows {
		names = append(names, row.Name)
		for metric, v := range row.Metrics {
			if !(v >= 0 && v <= 1) && !(metric == "ami" && v > -1) { // below 0: worse than by chance
				t.Errorf("%s of %s is %v", metric, row.Name, v)
			}
		}
	}
	if want := []string{runlog.RowRawPixels, runlog.RowUntrained, runlog.RowLast, runlog.RowBest}; !slices.Equal(names, want) {
		t.Errorf("rows %v, want %v", names, want)
	}
	if results.Status != runlog.StatusFinished || results.Epochs != 2 || results.Steps != 6 || !(results.Seconds > 0) {
		t.Errorf("results: %+v", results)
	}
	run := openRun(t, dir)
	if read, err := run.Results(); err != nil || !cmp.Equal(*results, read) {
		t.Errorf("results.json (%v):\n%s", err, cmp.Diff(*results, read))
	}
	if e, err := run.Environment(); err != nil || e.Backend == "" || e.Device == "" || e.CPUs < 1 {
		t.Errorf("environment: %+v, %v", e, err)
	}
	evaluations, steps := measured(t, dir)
	if !slices.Equal(steps, []int{1, 2, 3, 4, 5, 6}) || len(evaluations) != 3 || evaluations[0].Epoch != 0 || evaluations[2].Epoch != 2 {
		t.Errorf("metrics.jsonl: steps %v, evaluations %v", steps, evaluations)
	}
	for metric, v := range evaluations[2].Metrics {
		if last := results.Rows[2].Metrics[metric]; last != v {
			t.Errorf("%s of the last epoch is %v, in training it was %v", metric, last, v)
		}
	}
}

func checkEvaluate(t *testing.T, dir string, results *runlog.Results) {
	got, err := experiment.Evaluate(t.Context(), backendtest.Open(t), dir, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results.Rows[2].Metrics, got.Metrics()); diff != "" {
		t.Errorf("after training, and from the checkpoint:\n%s", diff)
	}
	if r, ok := got.(*retrieval.Result); !ok || r.Queries != 3*testImages || r.Classes != 3 || r.LoneQueries != 0 {
		t.Errorf("measured %+v", got)
	}
}

// What predictions.jsonl says agrees with itself and with the results.
func checkPredictions(t *testing.T, dir string, results *runlog.Results) {
	run := openRun(t, dir)
	predictions, err := run.Predictions()
	if err != nil || len(predictions) != 3*testImages {
		t.Fatalf("%d predictions, %v", len(predictions), err)
	}
	correct := 0.0
	for i, p := range predictions {
		if p.Index != i || !strings.HasPrefix(p.Name, p.Class+"/") || p.Label != i/testImages || !(p.Uncertainty > 0) {
			t.Errorf("prediction %d: %+v", i, p)
		}
		if len(p.Nearest) != 8 || p.Correct != p.Nearest[0].Correct {
			t.Fatalf("prediction %d has neighbors %+v", i, p.Nearest)
		}
		for k, n := range p.Nearest {
			if n.Index == i || n.Correct != (predictions[n.Index].Label == p.Label) || k > 0 && n.Alpha < p.Nearest[k-1].Alpha-1e-6 {
				t.Errorf("neighbor %d of %d: %+v", k, i, n)
			}
			for _, back := range predictions[n.Index].Nearest {
				if back.Index == i && (math.Abs(back.Alpha-n.Alpha) > 1e-6 || math.Abs(back.Beta-n.Beta) > 1e-6) {
					t.Errorf("α or β of %d and %d isn't symmetric", i, n.Index)
				}
			}
		}
		if p.Correct {
			correct++
		}
	}
	if want := results.Rows[2].Metrics["recall@1"]; math.Abs(correct/(3*testImages)-want) > 1e-12 {
		t.Errorf("%v of %d are correct, R@1 is %v", correct, 3*testImages, want)
	}
	for _, i := range plots.Shown(predictions) {
		if img, err := run.Thumbnail(i); err != nil || img.Bounds().Dx() != 8 || img.Bounds().Dy() != 8 {
			t.Errorf("thumbnail %d: %v", i, err)
		}
	}
}

func checkReport(t *testing.T, dir string) {
	t.Helper()
	path, err := experiment.Report(dir)
	if err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(path)
	if err != nil || path != filepath.Join(dir, "report.html") || !strings.Contains(string(html), "folder: proxy-anchor, paper metric, mixup") {
		t.Errorf("%s: %v, %.200q", path, err, html)
	}
}

func checkNotWrittenOver(t *testing.T, dir string, cfg idml.Config) {
	before := files(t, dir)
	if _, err := experiment.Train(t.Context(), backendtest.Open(t), cfg, dir, experiment.Options{}); !errors.Is(err, runlog.ErrExists) {
		t.Errorf("Train: %v", err)
	}
	if _, err := experiment.Resume(t.Context(), backendtest.Open(t), dir, experiment.Options{}); err == nil || !strings.Contains(err.Error(), "finished") {
		t.Errorf("Resume: %v", err)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("files changed:\n%s", diff)
	}
}

// files returns the contents of a folder's files.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkResume stops a run within an epoch, kills another in its first epoch, and compares their ends with the unbroken one's.
func checkResume(t *testing.T, cfg idml.Config, whole string, want *runlog.Results) {
	backend := backendtest.Open(t)
	stopped, killed := filepath.Join(t.TempDir(), "stopped"), filepath.Join(t.TempDir(), "killed")
	ctx, o := stopAfter(t, 2)
	stop := o.Progress
	o.Progress = func(p idml.Progress) {
		if p.Step == 1 { // what lies in the folder now is what a program that is killed leaves behind
			if err := os.CopyFS(killed, os.DirFS(stopped)); err != nil {
				t.Error(err)
			}
		}
		stop(p)
	}
	results, err := experiment.Train(ctx, backend, cfg, stopped, o)
	if err != nil {
		t.Fatal(err)
	}
	expectStopped(t, stopped, 2, 3) // no epoch was evaluated, so that none is the best
	if r, err := experiment.Evaluate(t.Context(), backend, stopped, experiment.Options{}); err != nil || !cmp.Equal(r.Metrics(), results.Rows[2].Metrics) {
		t.Errorf("evaluating the stopped run: %v", err)
	}
	expectStopped(t, killed, 0, 2)
	untrained, err := experiment.Evaluate(t.Context(), backend, killed, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Rows[1].Metrics, untrained.Metrics()); diff != "" {
		t.Errorf("the untrained network, and the checkpoint before the first step:\n%s", diff)
	}
	for _, dir := range []string{stopped, killed} {
		checkReport(t, dir)
		// A run that is killed has written records of steps and evaluations that its checkpoint knows nothing of.
		for _, kind := range []string{runlog.KindStep, runlog.KindEval} {
			if err := openRun(t, dir).AppendRecord(runlog.Record{Kind: kind, Epoch: 1, Step: 3, Loss: 99}); err != nil {
				t.Fatal(err)
			}
		}
		if results, err = experiment.Resume(t.Context(), backend, dir, experiment.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, results, cmpopts.IgnoreFields(runlog.Results{}, "Seconds")); diff != "" {
			t.Errorf("results (-unbroken +resumed):\n%s", diff)
		}
		arrays, wanted := checkpointArrays(t, dir), checkpointArrays(t, whole)
		if !maps.Equal(arrays, wanted) {
			t.Errorf("the final weights differ from those of the unbroken run (%d and %d arrays)", len(arrays), len(wanted))
		}
		evaluations, steps := measured(t, dir)
		wantEvaluations, wantSteps := measured(t, whole)
		if diff := cmp.Diff(wantEvaluations, evaluations); diff != "" || !slices.Equal(steps, wantSteps) {
			t.Errorf("metrics.jsonl: steps %v; evaluations (-unbroken +resumed):\n%s", steps, diff)
		}
	}
}

// expectStopped checks results.json of a stopped run.
func expectStopped(t *testing.T, dir string, steps, rows int) {
	t.Helper()
	r, err := openRun(t, dir).Results()
	if err != nil || r.Status != runlog.StatusStopped || r.Epochs != 0 || r.Steps != steps || len(r.Rows) != rows {
		t.Errorf("results of the stopped run: %+v, %v; want %d steps and %d rows", r, err, steps, rows)
	}
}

// Where the context ends, or a test image turns out to be broken, before the training, nothing is left behind.
func TestTrainLeavesNothingBehind(t *testing.T) {
	cut := tiny(writeImages(t, 6, 6, 3, 3))
	path := filepath.Join(cut.Data.Folder, "class3", "1.png")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, whole[:len(whole)/2])
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		cfg  idml.Config
		want string
	}{
		{"ended", ended, tiny(writeImages(t, 6, 6, 3, 3)), "context canceled"},
		{"broken image", t.Context(), cut, "class3/1.png"},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := experiment.Train(test.ctx, backendtest.Open(t), test.cfg, dir, experiment.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a folder is left", test.name)
		}
		writeFile(t, filepath.Join(dir, "notes.txt"), []byte("mine"))
		if _, err := experiment.Train(test.ctx, backendtest.Open(t), test.cfg, dir, experiment.Options{}); err == nil {
			t.Errorf("%s: no error", test.name)
		}
		if left := files(t, dir); len(left) != 1 {
			t.Errorf("%s: in a folder with notes, %d files are left", test.name, len(left))
		}
	}
}

// A damaged run folder is an error that names the file.
func TestDamagedRun(t *testing.T) {
	cfg, backend := tiny(writeImages(t, 6, 6, 3, 3)), backendtest.Open(t)
	whole := filepath.Join(t.TempDir(), "whole")
	ctx, o := stopAfter(t, 1)
	if _, err := experiment.Train(ctx, backend, cfg, whole, o); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		damage     func(t *testing.T, dir string)
	}{
		{"no folder", "does not exist", func(t *testing.T, dir string) { remove(t, dir) }},
		{"no settings", runlog.ConfigFile, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, runlog.ConfigFile)) }},
		{"wrong settings", "epochs is 0", func(t *testing.T, dir string) {
			wrong := cfg
			wrong.Epochs = 0
			if err := openRun(t, dir).WriteConfig(wrong); err != nil {
				t.Fatal(err)
			}
		}},
		{"unknown settings", "speed", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, runlog.ConfigFile), []byte(`{"speed": 1}`))
		}},
		{"no checkpoint", "has no checkpoint", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, runlog.ModelFile))
			remove(t, filepath.Join(dir, runlog.PreviousModelFile))
		}},
		{"torn checkpoints", runlog.ModelFile, func(t *testing.T, dir string) {
			for _, name := range []string{runlog.ModelFile, runlog.PreviousModelFile} {
				if err := os.Truncate(filepath.Join(dir, name), 1000); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"another network", "conv1.weight has shape", func(t *testing.T, dir string) {
			other := cfg
			other.Model.Backbone.Width = 5
			if err := openRun(t, dir).WriteConfig(other); err != nil {
				t.Fatal(err)
			}
		}},
		{"other images", "trained on 2 classes, its images have 3", func(t *testing.T, dir string) {
			other := cfg
			other.Data.Folder = writeImages(t, 6, 6, 6, 3, 3, 3)
			if err := openRun(t, dir).WriteConfig(other); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			if _, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Evaluate: %v, want an error with %q", err, test.want)
			}
			if _, err := experiment.Resume(t.Context(), backend, dir, experiment.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Resume: %v, want an error with %q", err, test.want)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
