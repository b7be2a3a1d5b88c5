// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// untrained makes a run folder with an untrained model for so many classes, after a change of it.
func untrained(t *testing.T, cfg idml.Config, classes int, change func(*idml.Model)) string {
	t.Helper()
	m, err := idml.NewModel(cfg, classes)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(run.WriteConfig(cfg), run.WriteModel(func(w io.Writer) error { return m.Save(w, idml.State{}) })); err != nil {
		t.Fatal(err)
	}
	return run.Dir()
}

// uncertain gives the uncertainty head weights that matter.
func uncertain(cfg idml.Config) idml.Config {
	cfg.Model.UncertaintyInit = 1
	return cfg
}

func embedFolder(t *testing.T, run, folder string) *experiment.Index {
	t.Helper()
	x, err := experiment.Embed(t.Context(), backendtest.Open(t), run, experiment.EmbedOptions{Folder: folder, OnBadImage: datasets.StopOnBadImage}, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// An image of a folder, as a query, finds all images in the order of their distances, with α, β and the paper's similarity computed by hand.
func TestSearch(t *testing.T) {
	images := writeImages(t, 3, 2, 3)
	cfg := uncertain(tiny(images))
	run := untrained(t, cfg, 2, nil)
	x := embedFolder(t, run, images)
	if len(x.Paths) != 8 || x.Semantic.Rows != 8 || x.Source != images || x.Run != run {
		t.Fatalf("index: %+v", x)
	}
	for query, name := range x.Paths[:3] {
		path := filepath.Join(images, filepath.FromSlash(name))
		found, err := experiment.Search(t.Context(), backendtest.Open(t), run, x, path, 100, experiment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Nearest) != 8 || found.Nearest[0].Path != name || found.Query != path || found.Metric != cfg.Metric {
			t.Fatalf("%s finds %+v", name, found)
		}
		before := 0.0
		for r, hit := range found.Nearest {
			i := slices.Index(x.Paths, hit.Path)
			alpha, beta, norm := 0.0, 0.0, 0.0
			for c := range x.Semantic.Cols {
				alpha += math.Pow(float64(x.Semantic.Row(query)[c])-float64(x.Semantic.Row(i)[c]), 2)
				beta += math.Pow(float64(x.Uncertainty.Row(query)[c])+float64(x.Uncertainty.Row(i)[c]), 2)
				norm += math.Pow(float64(x.Uncertainty.Row(i)[c]), 2)
			}
			alpha, beta = math.Sqrt(alpha), math.Sqrt(beta)
			similarity := 1.0
			if i != query {
				similarity = 1 - alpha*alpha/2*math.Exp(-beta/(cfg.Metric.Tau*alpha))
			}
			want := experiment.Hit{Rank: r + 1, Path: hit.Path, Class: x.Classes[x.Labels[i]], Alpha: alpha, Beta: beta, Similarity: similarity, Uncertainty: math.Sqrt(norm)}
			if diff := cmp.Diff(want, hit, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-5 })); diff != "" {
				t.Errorf("%s (-by hand +found):\n%s", name, diff)
			}
			if alpha < before-1e-5 {
				t.Errorf("%s: hit %d is nearer than the one before", name, r+1)
			}
			before = alpha
		}
	}
}

// Embeddings of one network are told from those of another; proxies don't matter.
func TestSearchChecksTheModel(t *testing.T) {
	images := writeImages(t, 2, 2)
	cfg := tiny(images)
	x := embedFolder(t, untrained(t, cfg, 2, nil), images)
	set := func(name string, at int) func(*idml.Model) {
		return func(m *idml.Model) {
			values, err := m.Values(name)
			if err != nil {
				t.Fatal(err)
			}
			values[at] += 0.25
			if err := m.SetValues(name, values); err != nil {
				t.Fatal(err)
			}
		}
	}
	larger, wider := cfg, cfg
	larger.Data.ImageSize += 2
	wider.Model.EmbeddingSize += 2
	for _, test := range []struct {
		name   string
		run    string
		reason string // why it is refused; "" if it isn't
	}{
		{"the same again", untrained(t, cfg, 2, nil), ""},
		{"other proxies", untrained(t, cfg, 2, set(idml.ProxiesName, 3)), ""},
		{"other weights", untrained(t, cfg, 2, set("uncertainty.bias", 1)), "another model"},
		{"other statistics", untrained(t, cfg, 2, set("bn1.running_mean", 0)), "another model"},
		{"other size of images", untrained(t, larger, 2, nil), "another model"},
		{"other dimension", untrained(t, wider, 2, nil), "8 dimensions"},
	} {
		query := filepath.Join(images, "class0", "0.png")
		_, err := experiment.Search(t.Context(), backendtest.Open(t), test.run, x, query, 1, experiment.Options{})
		if (err == nil) != (test.reason == "") || err != nil && !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.reason)
		}
	}
}

func TestIndexRoundTrip(t *testing.T) {
	m := retrieval.Matrix{Rows: 2, Cols: 1, Data: []float32{1, -2}}
	for _, want := range []*experiment.Index{
		{Semantic: m, Uncertainty: m, Paths: []string{"a/é \"1\".png", "b.png"}, Source: "photos", Run: "runs/x", Epoch: 3, Step: 70, Model: "ab"},
		{Semantic: m, Uncertainty: m, Paths: []string{"1", "2"}, Labels: []int{1, 0}, Classes: []string{"x", "y"}, Model: "ab"},
	} {
		var file bytes.Buffer
		if err := want.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := experiment.ReadIndex(&file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadIndexErrors(t *testing.T) {
	for _, test := range []struct {
		name, text string
		change     func(*weights.File)
	}{
		{"no model", "idml embed", func(f *weights.File) { delete(f.Metadata, "model") }},
		{"no paths", "idml embed", func(f *weights.File) { delete(f.Metadata, "paths") }},
		{"paths that are no list", "metadata paths", func(f *weights.File) { f.Metadata["paths"] = `{}` }},
		{"fewer paths", "1 paths", func(f *weights.File) { f.Metadata["paths"] = `["a"]` }},
		{"no uncertainties", `"uncertainties"`, func(f *weights.File) { f.Tensors[1].Name = "other" }},
		{"NaN", "NaN in row 1", func(f *weights.File) {
			f.Tensors[0] = weights.FromFloat32("embeddings", []int{2, 1}, []float32{1, float32(math.NaN())})
		}},
		{"no classes", "metadata classes", func(f *weights.File) { delete(f.Metadata, "classes") }},
		{"fewer classes", "labels holds 1 in row 0", func(f *weights.File) { f.Metadata["classes"] = `["x"]` }},
	} {
		m := retrieval.Matrix{Rows: 2, Cols: 1, Data: []float32{1, -2}}
		x := &experiment.Index{Semantic: m, Uncertainty: m, Paths: []string{"1", "2"}, Labels: []int{1, 0}, Classes: []string{"x", "y"}, Model: "ab"}
		var whole, changed bytes.Buffer
		if err := x.Write(&whole); err != nil {
			t.Fatal(err)
		}
		f, err := weights.ReadSafetensors(&whole)
		if err != nil {
			t.Fatal(err)
		}
		test.change(f)
		if err := weights.WriteSafetensors(&changed, f); err != nil {
			t.Fatal(err)
		}
		if _, err := experiment.ReadIndex(&changed); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.text)
		}
	}
}
