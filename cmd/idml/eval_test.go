// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// evalKeys are what eval --json prints.
var evalKeys = []string{
	"ami", "classes", "f1", "lone_queries", "map@r", "nmi", "queries", "r_precision", "recall@1", "recall@2", "recall@4", "recall@8",
}

// evalJSON parses what eval --json printed: one object of numbers and nothing else.
func evalJSON(t *testing.T, printed string) map[string]float64 {
	t.Helper()
	var got map[string]float64
	d := json.NewDecoder(strings.NewReader(printed))
	if err := d.Decode(&got); err != nil || d.More() {
		t.Fatalf("not one object of numbers: %v: %s", err, printed)
	}
	return got
}

// checkEvalOfRun measures a trained run on glyphs: eval must find what training ended with.
func checkEvalOfRun(t *testing.T, dir string) {
	got := evalJSON(t, succeed(t, "eval", "--json", dir))
	if diff := cmp.Diff(evalKeys, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got["queries"] != 1680 || got["classes"] != 84 || got["lone_queries"] != 0 {
		t.Errorf("counts: %v", got)
	}
	for _, row := range results(t, dir).Rows {
		if row.Name != runlog.RowLast {
			continue
		}
		for key, want := range row.Metrics {
			if v, ok := got[key]; ok && v != want {
				t.Errorf("%s is %v, after training it was %v", key, v, want)
			}
		}
	}
	for key, v := range got {
		if !slices.Contains([]string{"queries", "classes", "lone_queries"}, key) && !(v >= 0 && v <= 1) && !(key == "ami" && v > -1) {
			t.Errorf("%s is %v, want a fraction", key, v)
		}
	}
	table := succeed(t, "eval", dir)
	if !strings.Contains(table, "R@8") || !strings.HasSuffix(table, "\n1680 queries of 84 classes, 0 without another image of their class\n") {
		t.Errorf("the table:\n%s", table)
	}
	before := snapshot(t, dir)
	for _, name := range []string{runlog.ModelFile, runlog.BestFile} { // of one epoch, both are the same
		if diff := cmp.Diff(got, evalJSON(t, succeed(t, "eval", "--json", filepath.Join(dir, name)))); diff != "" {
			t.Errorf("%s (-run +checkpoint):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("measuring a checkpoint changed files:\n%s", diff)
	}
}

// embeddingsFile returns a safetensors file of n random embeddings, two of each class, after a change of its tensors.
func embeddingsFile(t *testing.T, n, dim int, change func(*weights.File)) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	data, labels := make([]float32, n*dim), make([]int32, n)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	for i := range labels {
		labels[i] = int32(i / 2)
	}
	f := &weights.File{Tensors: []weights.Tensor{
		weights.FromFloat32("embeddings", []int{n, dim}, data), weights.FromInt32("labels", []int{n}, labels),
	}}
	if change != nil {
		change(f)
	}
	var out bytes.Buffer
	if err := weights.WriteSafetensors(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Embeddings made elsewhere: pairs that lie together are found, and given clusters are measured instead of k-means.
func TestEvalEmbeddings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.safetensors")
	writeFile(t, file, embeddingsFile(t, 20, 10, func(f *weights.File) {
		pairs := make([]float32, 200)
		clusters := make([]int32, 20)
		for i := range 20 {
			pairs[i*10+i/2], clusters[i] = 1+float32(i), int32(i/2) // both of a pair in one direction of their own
		}
		f.Tensors[0] = weights.FromFloat32("embeddings", []int{20, 10}, pairs)
		f.Tensors = append(f.Tensors, weights.FromInt32("clusters", []int{20}, clusters))
	}))
	got := evalJSON(t, succeed(t, "eval", "--json", "--embeddings", file))
	if diff := cmp.Diff(evalKeys, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for _, key := range []string{"recall@1", "r_precision", "map@r", "nmi", "ami", "f1"} {
		if math.Abs(got[key]-1) > 1e-9 {
			t.Errorf("%s is %v, want 1", key, got[key])
		}
	}
	table := succeed(t, "eval", "--ks", "1,3", "--embeddings", file)
	if heading := strings.Fields(table)[:3]; !slices.Equal(heading, []string{"R@1", "R@3", "RP"}) || !regexp.MustCompile(`\btest images +1\.000 +1\.000 `).MatchString(table) {
		t.Errorf("the table with --ks 1,3:\n%s", table)
	}
}

func TestEvalBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, data)
		return path
	}
	embeddings := func(name string, change func(*weights.File)) []string {
		return []string{"--embeddings", file(name, embeddingsFile(t, 8, 3, change))}
	}
	whole := embeddingsFile(t, 8, 3, nil)
	for _, test := range []struct {
		name   string
		status int
		text   string
		args   []string
	}{
		{"nothing", exitUsage, "--embeddings", nil},
		{"both", exitUsage, "--embeddings", []string{"--embeddings", "x", "run"}},
		{"two runs", exitUsage, `"b"`, []string{"a", "b"}},
		{"ks", exitUsage, `"1,x"`, []string{"--ks", "1,x", "--embeddings", "x"}},
		{"ks of a run", exitUsage, "--ks", []string{"--ks", "1", "run"}},
		{"seed of a run", exitUsage, "--seed", []string{"--seed", "1", "run"}},
		{"missing run", exitError, "nowhere", []string{filepath.Join(dir, "nowhere")}},
		{"folder without a run", exitError, "config.json", []string{dir}},
		{"checkpoint without a run", exitError, "config.json", []string{file("loose.safetensors", whole)}},
		{"missing file", exitError, "none.safetensors", []string{"--embeddings", filepath.Join(dir, "none.safetensors")}},
		{"no safetensors file", exitError, "text", []string{"--embeddings", file("text", []byte("no tensors here, only a text"))}},
		{"cut off", exitError, "cut", []string{"--embeddings", file("cut", whole[:len(whole)-5])}},
		{"NaN", exitError, "row 2, column 1", embeddings("nan", func(f *weights.File) {
			data, _ := f.Tensors[0].Float32()
			data[7] = float32(math.NaN())
			f.Tensors[0] = weights.FromFloat32("embeddings", []int{8, 3}, data)
		})},
		{"fewer labels", exitError, "labels", embeddings("labels", func(f *weights.File) {
			f.Tensors[1] = weights.FromInt32("labels", []int{7}, make([]int32, 7))
		})},
		{"no labels", exitError, `"labels"`, embeddings("none", func(f *weights.File) { f.Tensors = f.Tensors[:1] })},
		{"flat embeddings", exitError, "[n, d]", embeddings("flat", func(f *weights.File) { f.Tensors[0].Shape = []int{24} })},
		{"more uncertainties", exitError, "uncertainties", embeddings("uncertainties", func(f *weights.File) {
			f.Tensors = append(f.Tensors, weights.FromFloat32("uncertainties", []int{9, 3}, make([]float32, 27)))
		})},
		{"fewer clusters", exitError, "clusters", embeddings("clusters", func(f *weights.File) {
			f.Tensors = append(f.Tensors, weights.FromInt32("clusters", []int{5}, make([]int32, 5)))
		})},
	} {
		t.Run(test.name, func(t *testing.T) { fail(t, test.status, test.text, append([]string{"eval"}, test.args...)...) })
	}
}
