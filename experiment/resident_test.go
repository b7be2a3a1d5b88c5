// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/gomlx/compute"
	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// countingBackend counts the programs that are compiled. Training can't use it, for it gives its results to the backend under it.
type countingBackend struct {
	compute.Backend
	programs int
}

// Builder is called for each program that is compiled.
func (b *countingBackend) Builder(name string) compute.Builder {
	b.programs++
	return b.Backend.Builder(name)
}

// trained trains a small run on some images, and returns its folder.
func trained(t *testing.T, images string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := experiment.Train(t.Context(), backendtest.Open(t), tiny(images), dir, experiment.Options{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// evaluated measures a run, with what r keeps, which may be nil.
func evaluated(t *testing.T, r *experiment.Resident, dir string) map[string]float64 {
	t.Helper()
	b := backendtest.Open(t)
	if r != nil {
		var err error
		if b, err = r.Backend(); err != nil {
			t.Fatal(err)
		}
	}
	result, err := experiment.Evaluate(t.Context(), b, dir, experiment.Options{Resident: r})
	if err != nil {
		t.Fatal(err)
	}
	return result.Metrics()
}

// The programs of an evaluation that depend on the number of images, not on the model: distances of neighbors, and of k-means.
const measuring = 2

// A second command on a run reads no checkpoint and compiles no network, whatever the command, and comes to what one does that keeps nothing.
func TestResident(t *testing.T) {
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	dir := trained(t, images)
	want := evaluated(t, nil, dir)
	b := &countingBackend{Backend: backendtest.Open(t)}
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	o := experiment.Options{Resident: r}
	expect := func(what string, programs int, counts experiment.ResidentCounts) {
		t.Helper()
		if diff := cmp.Diff(counts, r.Counts()); diff != "" || b.programs != programs {
			t.Errorf("%s: %d programs were compiled, want %d; counts (-want +got):\n%s", what, b.programs, programs, diff)
		}
	}
	for i := range 3 { // class folders are listed anew each time
		if diff := cmp.Diff(want, evaluated(t, r, dir)); diff != "" {
			t.Errorf("evaluation %d (-want +got):\n%s", i+1, diff)
		}
		expect("evaluation", 1+(i+1)*measuring, experiment.ResidentCounts{Backends: 1, Models: 1, Programs: 1, Datasets: i + 1})
	}
	x, err := experiment.Embed(t.Context(), b, dir, experiment.EmbedOptions{Split: "test", OnBadImage: datasets.StopOnBadImage}, o)
	if err != nil {
		t.Fatal(err)
	}
	expect("embedding", 1+3*measuring, experiment.ResidentCounts{Backends: 1, Models: 1, Programs: 1, Datasets: 4})
	query := filepath.Join(images, "class5", "0.png")
	var found []*experiment.Found
	for range 2 {
		f, err := experiment.Search(t.Context(), b, dir, x, query, 3, o)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, f) // one program is for a batch of one image
		expect("search", 2+3*measuring, experiment.ResidentCounts{Backends: 1, Models: 1, Programs: 1, Datasets: 4})
	}
	if diff := cmp.Diff(found[0], found[1]); diff != "" || len(found[0].Nearest) != 3 {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// trainingPrograms are the steps of a training, with and without the warm-up, and its embedding.
const trainingPrograms = 3

// A second training that differs in seed, rate and epochs alone compiles nothing, and comes to what it does in a process of its own; another is not held up by the first.
func TestResidentTrains(t *testing.T) {
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	train := func(cfg idml.Config, r *experiment.Resident) *runlog.Results {
		t.Helper()
		results, err := experiment.Train(t.Context(), b, cfg, filepath.Join(t.TempDir(), "run"), experiment.Options{Resident: r})
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	first, other := tiny(images), tiny(images)
	other.Seed, other.Epochs, other.Optimizer.LearningRate = 5, first.Epochs+1, first.Optimizer.LearningRate/2
	wider := other
	wider.Model.EmbeddingSize *= 2
	for i, cfg := range []idml.Config{first, other, first, wider} {
		want, got := train(cfg, nil), train(cfg, r)
		if diff := cmp.Diff(want.Rows, got.Rows); diff != "" {
			t.Errorf("seed %d, %d dimensions (-alone +after others):\n%s", cfg.Seed, cfg.Model.EmbeddingSize, diff)
		}
		if counts := r.Counts(); counts.Trainings != 1+i/3 || counts.Programs != trainingPrograms {
			t.Errorf("seed %d, %d dimensions: %+v, want %d programs", cfg.Seed, cfg.Model.EmbeddingSize, counts, trainingPrograms)
		}
	}
}

// A run that was trained on is read anew, and training in the same process takes no model that was read.
func TestResidentSeesTraining(t *testing.T) {
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	b := backendtest.Open(t)
	r := experiment.NewResident(func() (compute.Backend, error) { return b, nil })
	stopped, stop := context.WithCancel(t.Context())
	dir := filepath.Join(t.TempDir(), "run")
	_, err := experiment.Train(stopped, b, tiny(images), dir, experiment.Options{Resident: r, Progress: func(idml.Progress) { stop() }})
	if err != nil {
		t.Fatal(err)
	}
	before := evaluated(t, r, dir)
	if _, err := experiment.Resume(t.Context(), b, dir, experiment.Options{Resident: r}); err != nil {
		t.Fatal(err)
	}
	if got := r.Counts(); got.Models != 1 || got.Trainings != 1 || got.Programs != 1+trainingPrograms {
		t.Errorf("the training that went on prepared programs of its own: %+v", got)
	}
	after := evaluated(t, r, dir)
	if got := r.Counts(); got.Models != 2 || got.Programs != 1+trainingPrograms {
		t.Errorf("the trained model was not read: %+v", got)
	}
	if diff := cmp.Diff(before, after); diff == "" {
		t.Error("training changed nothing that could be seen")
	}
	if diff := cmp.Diff(evaluated(t, nil, dir), after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
