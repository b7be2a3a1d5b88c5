// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// A run whose newest checkpoint is damaged or lost goes on from the one before, says so, and ends as the unbroken run does.
func TestResumeFromTheCheckpointBefore(t *testing.T) {
	cfg, backend := tiny(writeImages(t, 6, 6, 6, 3, 3, 3)), backendtest.Open(t)
	cfg.CheckpointMinutes = 0
	unbroken, stopped := filepath.Join(t.TempDir(), "unbroken"), filepath.Join(t.TempDir(), "stopped")
	if _, err := experiment.Train(t.Context(), backend, cfg, unbroken, experiment.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, o := stopAfter(t, 5)
	if _, err := experiment.Train(ctx, backend, cfg, stopped, o); err != nil {
		t.Fatal(err)
	}
	want := checkpointArrays(t, unbroken)
	for name, damage := range map[string]func(path string) error{
		"lost": os.Remove,
		"torn": func(path string) error { return os.Truncate(path, 5000) },
		"one bit": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)-100] ^= 1
			return os.WriteFile(path, data, 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(stopped)); err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(dir, runlog.ModelFile)); err != nil {
				t.Fatal(err)
			}
			var warnings []string
			first := 0
			results, err := experiment.Resume(t.Context(), backend, dir, experiment.Options{
				Warn: func(text string) { warnings = append(warnings, text) },
				Progress: func(p idml.Progress) {
					if first == 0 {
						first = p.Step
					}
				},
			})
			if err != nil || results.Status != runlog.StatusFinished {
				t.Fatalf("%+v, %v", results, err)
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], runlog.ModelFile) || !strings.Contains(warnings[0], "step 4") {
				t.Errorf("warnings: %q, want one that names the file and the step", warnings)
			}
			if first != 5 {
				t.Errorf("the first step taken is %d, want 5 again", first)
			}
			if got := checkpointArrays(t, dir); !maps.Equal(got, want) {
				t.Error("the weights are not those of the unbroken run")
			}
			if _, err := os.Stat(filepath.Join(dir, "model-damaged.safetensors")); (err == nil) != (name != "lost") {
				t.Errorf("the damaged checkpoint, set aside: %v", err)
			}
		})
	}
}

// The damaged checkpoint of a resumed run doesn't take the place of the one before when the next is written.
func TestDamagedCheckpointIsSetAside(t *testing.T) {
	cfg, backend := tiny(writeImages(t, 6, 6, 6, 3, 3, 3)), backendtest.Open(t)
	cfg.CheckpointMinutes = 0
	dir := filepath.Join(t.TempDir(), "run")
	for _, steps := range []int{3, 1} { // begun, and resumed after the damage: in its first step, the next checkpoint is written
		ctx, o := stopAfter(t, steps)
		var err error
		if steps == 3 {
			_, err = experiment.Train(ctx, backend, cfg, dir, o)
		} else {
			_, err = experiment.Resume(ctx, backend, dir, o)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, runlog.ModelFile), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := experiment.Resume(t.Context(), backend, dir, experiment.Options{}); err != nil {
		t.Errorf("damaged twice, with a step between: %v", err)
	}
}

// A damaged model of the best epoch costs its row, with a warning, and not the results.
func TestDamagedBest(t *testing.T) {
	cfg, backend := tiny(writeImages(t, 6, 6, 6, 3, 3, 3)), backendtest.Open(t)
	dir := filepath.Join(t.TempDir(), "run")
	ctx, o := stopAfter(t, 4)
	if _, err := experiment.Train(ctx, backend, cfg, dir, o); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, runlog.BestFile), 1000); err != nil {
		t.Fatal(err)
	}
	ctx, o = stopAfter(t, 1)
	var warnings []string
	o.Warn = func(text string) { warnings = append(warnings, text) }
	results, err := experiment.Resume(ctx, backend, dir, o)
	if err != nil || len(results.Rows) != 3 || results.Rows[2].Name != runlog.RowLast {
		t.Fatalf("%+v, %v; want no row of the best epoch", results, err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], runlog.BestFile) {
		t.Errorf("warnings: %q", warnings)
	}
}

// A run whose images have moved says how to tell where, and remembers it once it is resumed; one that another program trains is left alone.
func TestMovedImages(t *testing.T) {
	folder, backend := writeImages(t, 6, 6, 3, 3), backendtest.Open(t)
	t.Chdir(filepath.Dir(folder))
	cfg, dir := tiny(filepath.Base(folder)), filepath.Join(t.TempDir(), "run")
	ctx, o := stopAfter(t, 1)
	if _, err := experiment.Train(ctx, backend, cfg, dir, o); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // the run knows the folder by its whole path
	if _, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{}); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(folder, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("moved: %v, want an error that says --data", err)
	}
	there := experiment.Options{Data: moved}
	if _, err := experiment.Evaluate(t.Context(), backend, dir, there); err != nil {
		t.Error(err)
	}
	log, err := os.Open(filepath.Join(dir, runlog.LogFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(log.Fd()), syscall.LOCK_EX); err != nil {
		t.Skip(err)
	}
	if _, err := experiment.Resume(t.Context(), backend, dir, there); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("locked: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Resume(t.Context(), backend, dir, there); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{}); err != nil {
		t.Errorf("resumed where they are: %v", err)
	}
}

// Held-out classes are not trained on, epochs are judged by them, and both rows of the results are measured on the test classes.
func TestValidation(t *testing.T) {
	cfg, backend := tiny(writeImages(t, 6, 6, 6, 6, 3, 3, 3, 3)), backendtest.Open(t)
	cfg.Data.Validation, cfg.Epochs = 0.5, 3
	task, err := experiment.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(task.Split.Train.Classes); n != 2 || len(task.Split.Train.Examples) != 12 || len(task.Split.Test.Examples) != 12 {
		t.Errorf("%d classes and %d images to train, %d to test", n, len(task.Split.Train.Examples), len(task.Split.Test.Examples))
	}
	if data := task.Data(); data.Classes != 2 || data.Batches != 2 {
		t.Errorf("training gets %d classes, %d batches", data.Classes, data.Batches)
	}
	var judged []int
	for batch, err := range task.Data().Evaluation.Iter() {
		if err != nil {
			t.Fatal(err)
		}
		judged = append(judged, batch.Labels[0].Shape().Dimensions[0])
	}
	if diff := cmp.Diff([]int{6, 6}, judged); diff != "" {
		t.Errorf("batches of the images that epochs are judged by (-want +got):\n%s", diff)
	}

	dir := filepath.Join(t.TempDir(), "run")
	results, err := experiment.Train(t.Context(), backend, cfg, dir, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if results.BestChosenOn != runlog.ChosenOnHeldOut {
		t.Errorf("the best epoch was chosen on %q", results.BestChosenOn)
	}
	best := results.Rows[slices.IndexFunc(results.Rows, func(r runlog.Row) bool { return r.Name == runlog.RowBest })]
	for _, row := range results.Rows {
		if row.Metrics["queries"] != 0 && row.Metrics["queries"] != 12 {
			t.Errorf("%s: %v queries", row.Name, row.Metrics["queries"])
		}
		if _, ok := row.Metrics["nmi"]; !ok {
			t.Errorf("%s is not measured as a whole: %v", row.Name, row.Metrics)
		}
	}
	// The best epoch's checkpoint gives its row.
	if err := os.Rename(filepath.Join(dir, runlog.BestFile), filepath.Join(dir, runlog.ModelFile)); err != nil {
		t.Fatal(err)
	}
	again, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(best.Metrics, again.Metrics()); diff != "" {
		t.Errorf("the best epoch, %d, in the results and measured again:\n%s", best.Epoch, diff)
	}
	cfg.Data.Folder = writeImages(t, 6, 6, 6, 3, 3, 3)
	if _, err := experiment.Open(cfg); err == nil || !strings.Contains(err.Error(), "data.validation") {
		t.Errorf("three training classes: %v", err)
	}
}

// With "skip", images that can't be decoded are left out, of training and of the test, and told; with "stop" the first ends the run.
func TestBadImages(t *testing.T) {
	folder, backend := writeImages(t, 6, 6, 6, 4, 4, 4), backendtest.Open(t)
	for _, name := range []string{"class1/2.png", "class3/1.png", "class5/0.png"} { // one to train, two to test
		path := filepath.Join(folder, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data[:len(data)/2], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg := tiny(folder)
	if _, err := experiment.Train(t.Context(), backend, cfg, filepath.Join(t.TempDir(), "run"), experiment.Options{}); err == nil || !strings.Contains(err.Error(), "class3/1.png") {
		t.Errorf("stop: %v, want an error that names the first image", err)
	}
	cfg.Data.OnBadImage = idml.SkipBadImage
	dir := filepath.Join(t.TempDir(), "run")
	var warnings []string
	o := experiment.Options{Warn: func(text string) { warnings = append(warnings, text) }}
	results, err := experiment.Train(t.Context(), backend, cfg, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if results.Steps != 6 {
		t.Errorf("%d steps, want 6 of full batches", results.Steps)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "3 images") || !strings.Contains(warnings[0], "class1/2.png") {
		t.Errorf("warnings: %q", warnings)
	}
	run := openRun(t, dir)
	predictions, err := run.Predictions()
	if err != nil || len(predictions) != 10 {
		t.Fatalf("%d predictions, %v; want 10", len(predictions), err)
	}
	for i, p := range predictions {
		if p.Name == "class3/1.png" || p.Name == "class5/0.png" || p.Index != i || !strings.HasPrefix(p.Name, p.Class+"/") {
			t.Errorf("prediction %d: %+v", i, p)
		}
	}
	again, err := experiment.Evaluate(t.Context(), backend, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results.Rows[2].Metrics, again.Metrics()); diff != "" {
		t.Errorf("measured again:\n%s", diff)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[1], "2 images") {
		t.Errorf("warnings: %q", warnings)
	}
}

// A run whose images are JPEG files goes on with another decoder, and says so.
func TestResumeWithAnotherDecoder(t *testing.T) {
	backend := backendtest.Open(t)
	for ending, warned := range map[string]bool{".png": false, ".JPEG": true} {
		images, dir := writeImages(t, 6, 6, 6, 3, 3, 3), filepath.Join(t.TempDir(), "run")
		files, err := filepath.Glob(filepath.Join(images, "*", "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.Rename(file, strings.TrimSuffix(file, ".png")+ending); err != nil { // it is told by its first bytes what they are
				t.Fatal(err)
			}
		}
		ctx, o := stopAfter(t, 2)
		if _, err := experiment.Train(ctx, backend, tiny(images), dir, o); err != nil {
			t.Fatal(err)
		}
		run, err := runlog.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		environment, err := run.Environment()
		if err != nil || environment.JPEG != datasets.JPEGDecoder {
			t.Fatalf("environment.json: %+v, %v; want JPEG by %s", environment, err, datasets.JPEGDecoder)
		}
		environment.JPEG = "another"
		if err := run.WriteEnvironment(environment); err != nil {
			t.Fatal(err)
		}
		var warnings []string
		if _, err := experiment.Resume(t.Context(), backend, dir, experiment.Options{Warn: func(text string) { warnings = append(warnings, text) }}); err != nil {
			t.Fatal(err)
		}
		switch {
		case !warned && len(warnings) > 0:
			t.Errorf("%s: warnings: %q", ending, warnings)
		case warned && (len(warnings) != 1 || !strings.Contains(warnings[0], "by another,") || !strings.Contains(warnings[0], "with "+datasets.JPEGDecoder)):
			t.Errorf("%s: warnings: %q, want one that names both decoders", ending, warnings)
		}
	}
}
