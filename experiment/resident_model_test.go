// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
	"introspection/internal/sampletree"
)

// smallModel is the configuration of a model that is made in no time.
func smallModel() idml.Config {
	c := idml.Folder()
	c.Data.ImageSize, c.Model.EmbeddingSize = 8, 4
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Basic, Width: 4, Blocks: []int{1}}
	return c
}

// untrainedFile returns a checkpoint of an untrained model.
func untrainedFile(t *testing.T, cfg idml.Config, seed uint64) []byte {
	t.Helper()
	cfg.Seed = seed
	m, err := idml.NewModel(cfg, 3)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Save(&b, idml.State{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replace puts a new file in the place of another one, of the same time.
func replace(t *testing.T, path string, data []byte, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// A model is the one that was read before as long as its file and the settings are the same.
func TestResidentModels(t *testing.T) {
	cfg := smallModel()
	path, now := filepath.Join(t.TempDir(), "model.safetensors"), time.Now()
	first, second := untrainedFile(t, cfg, 1), untrainedFile(t, cfg, 2)
	if len(first) != len(second) || bytes.Equal(first, second) {
		t.Fatalf("%d and %d bytes", len(first), len(second))
	}
	replace(t, path, first, now)
	r := NewResident(nil)
	var last *idml.Model
	expect := func(what string, anew bool) {
		t.Helper()
		m, _, err := r.readModel(path, cfg)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if (m != last) != anew {
			t.Errorf("%s: read anew: %t, want %t", what, m != last, anew)
		}
		last = m
	}
	expect("first", true)
	expect("again", false)
	t.Chdir(filepath.Dir(path))
	whole := path
	path = filepath.Base(path)
	expect("by another path", false)
	path = whole
	replace(t, path, second, now)
	expect("another file of the same size and time", true)
	expect("again", false)
	if err := os.Chtimes(path, now.Add(time.Second), now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	expect("touched", true)
	cfg.Data.ImageSize = 16
	expect("other settings", true)
	cfg.Data.ImageSize = 8
	expect("the first settings again", true) // one model a checkpoint
	if got := r.Counts().Models; got != 5 {
		t.Errorf("%d models were read, want 5", got)
	}
}

// The last models are kept, and their embedders with them. What can't be read isn't, and leaves those that are.
func TestResidentIsBounded(t *testing.T) {
	cfg, dir := smallModel(), t.TempDir()
	var paths []string
	for i := range mostNetworks + 1 {
		paths = append(paths, filepath.Join(dir, string(rune('a'+i))))
		replace(t, paths[i], untrainedFile(t, cfg, uint64(i)), time.Now())
	}
	r := NewResident(nil)
	for _, step := range []struct{ model, read int }{{0, 1}, {1, 2}, {0, 2}, {2, 3}, {0, 3}, {1, 4}, {0, 4}, {2, 5}} {
		if _, _, err := r.readModel(paths[step.model], cfg); err != nil {
			t.Fatal(err)
		}
		if got := r.Counts().Models; got != step.read {
			t.Errorf("after model %d: %d were read, want %d", step.model, got, step.read)
		}
	}
	damaged := untrainedFile(t, cfg, 1)
	damaged[len(damaged)-1] ^= 1
	replace(t, paths[1], damaged, time.Now())
	for range 2 {
		if _, _, err := r.readModel(paths[1], cfg); err == nil {
			t.Error("a damaged checkpoint is read")
		}
	}
	if _, _, err := r.readModel(paths[2], cfg); err != nil || r.Counts().Models != 5 {
		t.Errorf("%v, %d models were read, want 5", err, r.Counts().Models)
	}
}

// The best epoch is measured by the programs that the last one was trained with.
func TestBestHasPrograms(t *testing.T) {
	cfg := smallModel()
	cfg.Data.Name, cfg.Data.Folder, cfg.Data.BatchSize = "cub", t.TempDir(), 6
	if err := sampletree.Write(cfg.Data.Folder, cfg.Data.Name, sampletree.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	task, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	var models []*idml.Model // of the last and of the best epoch
	for seed := range uint64(2) {
		cfg.Seed = seed
		m, err := idml.NewModel(cfg, len(task.Split.Train.Classes))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	state := idml.State{Epoch: 2, Best: idml.Evaluation{Epoch: 1, Metrics: map[string]float64{"recall@1": 0}}}
	if err := run.WriteFile(runlog.BestFile, func(w io.Writer) error { return models[1].Save(w, state) }); err != nil {
		t.Fatal(err)
	}
	last, best := trial{backendtest.Open(t), run, cfg, task, models[0], false}, trial{backendtest.Open(t), run, cfg, task, models[1], false}
	_, want, err := best.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := last.measureBest(t.Context(), state, &retrieval.Result{}, Options{})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	if diff := cmp.Diff(want.Metrics(), rows[0].Metrics); diff != "" || models[0].Programs() != 1 {
		t.Errorf("%d programs; (-want +got):\n%s", models[0].Programs(), diff)
	}
}
