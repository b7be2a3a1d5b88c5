// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// writePhotographs makes a folder with the folders train and test, of three classes each: JPEG images of several sizes, one gray, and a PNG.
func writePhotographs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for half, classes := range map[string][]string{"train": {"ash", "birch", "cedar"}, "test": {"elm", "fir", "oak"}} {
		for class, name := range classes {
			for i := range 4 {
				var data bytes.Buffer
				if err := jpeg.Encode(&data, photograph(class, i), nil); err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(dir, half, name, fmt.Sprintf("%d.jpg", i)), data.Bytes())
			}
		}
	}
	for path, data := range files(t, writeImages(t, 1)) {
		writeFile(t, filepath.Join(dir, "test", "elm", filepath.Base(path)+".png"), []byte(data))
	}
	return dir
}

// photograph returns image i of a class: upright or lying, the first of each class gray.
func photograph(class, i int) image.Image {
	rng := rand.New(rand.NewPCG(uint64(class), uint64(i)))
	bounds := image.Rect(0, 0, 14+3*i, 20-2*i)
	if i == 0 {
		img := image.NewGray(bounds)
		for k := range img.Pix {
			img.Pix[k] = uint8(rng.IntN(256))
		}
		return img
	}
	img := image.NewRGBA(bounds)
	for k := range bounds.Dx() * bounds.Dy() {
		img.SetRGBA(k%bounds.Dx(), k/bounds.Dx(), color.RGBA{uint8(80 * class), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255})
	}
	return img
}

// photographConfig is one epoch of two steps, without mixing or warm-up.
func photographConfig(folder string) idml.Config {
	c := tiny(folder)
	c.Epochs, c.WarmupEpochs, c.Mixing.Method = 1, 0, idml.NoMixing
	return c
}

// A folder of photographs trains end to end, though its context ends after the last step and again in the last measurement: no step is taken
// twice. Measured again by other workers, the run's predictions are the same.
func TestTrainPhotographs(t *testing.T) {
	dir, backend := filepath.Join(t.TempDir(), "run"), backendtest.Open(t)
	cfg := photographConfig(writePhotographs(t))
	ctx, o := stopAfter(t, 2)
	stopped, err := experiment.Train(ctx, backend, cfg, dir, o)
	if err != nil || stopped.Status != runlog.StatusStopped || stopped.Steps != 2 || stopped.Epochs != 0 {
		t.Fatalf("stopped after the last step: %+v, %v", stopped, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = experiment.Resume(ctx, backend, dir, experiment.Options{Progress: func(p idml.Progress) {
		if p.Metrics == nil {
			t.Errorf("step %d is taken again", p.Step)
		}
		cancel() // all steps are taken and their end evaluated: the last measurement is to come
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the context ended in the last measurement: %v", err)
	}
	expectStopped(t, dir, 2, 3) // as it stood after the last step: nothing is evaluated there, so there is no best epoch
	results, err := experiment.Resume(t.Context(), backend, dir, experiment.Options{Progress: func(p idml.Progress) { t.Errorf("progress: %+v", p) }})
	if err != nil {
		t.Fatal(err)
	}
	if results.Status != runlog.StatusFinished || results.Epochs != 1 || results.Steps != 2 || len(results.Rows) != 4 {
		t.Errorf("results: %+v", results)
	}
	if diff := cmp.Diff(stopped.Rows[2].Metrics, results.Rows[2].Metrics); diff != "" {
		t.Errorf("the same weights, measured when stopped and at the end:\n%s", diff)
	}
	evaluations, steps := measured(t, dir)
	if len(evaluations) != 2 || evaluations[1].Epoch != 1 || !slices.Equal(steps, []int{1, 2}) {
		t.Errorf("metrics.jsonl: steps %v, evaluations %+v", steps, evaluations)
	}
	if _, err := experiment.Report(dir); err != nil {
		t.Error(err)
	}
	checkMeasuredAgain(t, dir, cfg)
}

// checkMeasuredAgain changes the number of workers of a run and compares the predictions.
func checkMeasuredAgain(t *testing.T, dir string, cfg idml.Config) {
	t.Helper()
	run := openRun(t, dir)
	before, err := run.Predictions()
	if err != nil || len(before) != 13 || before[0].Name != "test/elm/0.jpg" || before[12].Name != "test/oak/3.jpg" {
		t.Fatalf("%d predictions, %v: %+v", len(before), err, before)
	}
	cfg.Data.Workers += 2
	if err := run.WriteConfig(cfg); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(run.Path(runlog.PredictionsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Evaluate(t.Context(), backendtest.Open(t), dir, experiment.Options{}); err != nil {
		t.Fatal(err)
	}
	after, err := run.Predictions()
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("predictions, %v (-before +after):\n%s", err, diff)
	}
}
