// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// readSafetensors reads a safetensors file.
func readSafetensors(t *testing.T, path string) *weights.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := weights.ReadSafetensors(f)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// search runs the program's search and returns what it found.
func search(t *testing.T, args ...string) (found experiment.Found) {
	t.Helper()
	printed := succeed(t, append([]string{"search", "--json"}, args...)...)
	d := json.NewDecoder(strings.NewReader(printed))
	d.DisallowUnknownFields()
	if err := d.Decode(&found); err != nil || d.More() {
		t.Fatalf("not one object: %v: %s", err, printed)
	}
	return found
}

// checkEmbedAndSearch embeds images by a trained run on glyphs, and searches among them; other is a run of another model.
func checkEmbedAndSearch(t *testing.T, run, other string) {
	dir := t.TempDir()
	letters := filepath.Join(dir, "letters.safetensors")
	if got, want := succeed(t, "embed", "--run", run, "--split", "test", "--out", letters), "1680 images, 84 classes, 8 dimensions: "+letters+"\n"; got != want {
		t.Errorf("embed prints %q, want %q", got, want)
	}
	t.Run("eval", func(t *testing.T) {
		got := evalJSON(t, succeed(t, "eval", "--json", "--embeddings", letters))
		if diff := cmp.Diff(evalJSON(t, succeed(t, "eval", "--json", run)), got); diff != "" {
			t.Errorf("the run's test images (-run +embedded):\n%s", diff)
		}
	})
	t.Run("predictions", func(t *testing.T) { checkSearchAgainstPredictions(t, run, letters) })
	t.Run("folder", func(t *testing.T) { checkSearchInFolder(t, run, dir) })
	t.Run("train", func(t *testing.T) {
		got := succeed(t, "embed", "--run", run, "--split", "train", "--out", filepath.Join(dir, "train.safetensors"))
		if !strings.HasPrefix(got, "3360 images, ") {
			t.Errorf("embed prints %q", got)
		}
	})
	t.Run("bad input", func(t *testing.T) { checkSearchBadInput(t, run, other, letters) })
}

// checkSearchAgainstPredictions searches by the thumbnail of a test image, which has all its pixels: first is the image itself, then come the nearest
// that predictions.jsonl has, with the same α, β and similarity.
func checkSearchAgainstPredictions(t *testing.T, dir, index string) {
	run, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := run.Predictions()
	if err != nil {
		t.Fatal(err)
	}
	thumbnails, err := filepath.Glob(run.Path("thumbnails/*.png"))
	if err != nil || len(thumbnails) == 0 {
		t.Fatalf("no thumbnails: %v", err)
	}
	close := func(a, b float64) bool { return math.Abs(a-b) <= 1e-4 }
	for _, query := range thumbnails[:3] {
		i := slices.IndexFunc(predictions, func(p runlog.Prediction) bool { return run.ThumbnailPath(p.Index) == query })
		p := predictions[i]
		found := search(t, "--index", index, "--run", dir, "--k", "9", query)
		if self := found.Nearest[0]; self.Path != p.Name || self.Rank != 1 || self.Class != p.Class || !close(self.Alpha, 0) ||
			!close(self.Similarity, 1) || !close(self.Uncertainty, p.Uncertainty) || !close(found.Uncertainty, p.Uncertainty) || !close(self.Beta, 2*p.Uncertainty) {
			t.Errorf("%s: first is %+v, the image is %+v", query, self, p)
		}
		for r, want := range p.Nearest {
			got := found.Nearest[r+1]
			if got.Path != predictions[want.Index].Name || !close(got.Alpha, want.Alpha) || !close(got.Beta, want.Beta) || !close(got.Similarity, want.Similarity) {
				t.Errorf("%s: number %d is %+v, want %s, %+v", query, r+2, got, predictions[want.Index].Name, want)
			}
		}
	}
}

// checkSearchInFolder embeds photographs of any size in class folders, then all in one folder.
func checkSearchInFolder(t *testing.T, run, dir string) {
	images := writeImages(t, 3, 4)
	index, query := filepath.Join(dir, "photos.safetensors"), filepath.Join(images, "class1", "2.png")
	succeed(t, "embed", "--run", run, "--data", images, "--out", index)
	f := readSafetensors(t, index)
	var shapes []string
	for _, tensor := range f.Tensors {
		shapes = append(shapes, tensor.Name)
	}
	if !slices.Equal(shapes, []string{"embeddings", "uncertainties", "labels"}) || !slices.Equal(f.Tensors[0].Shape, []int{7, 8}) {
		t.Errorf("tensors %v", shapes)
	}
	want := map[string]string{
		"paths":   `["class0/0.png","class0/1.png","class0/2.png","class1/0.png","class1/1.png","class1/2.png","class1/3.png"]`,
		"classes": `["class0","class1"]`, "source": images, "run": run, "epoch": "1", "step": "56", "format": "pt", "model": f.Metadata["model"],
	}
	if diff := cmp.Diff(want, f.Metadata); diff != "" || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(f.Metadata["model"]) {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	found := search(t, "--index", index, "--run", run, query)
	if len(found.Nearest) != 7 || found.Query != query || found.Nearest[0].Path != "class1/2.png" || found.Metric.Form != idml.Released {
		t.Errorf("found %+v", found)
	}
	for r := range found.Nearest[1:] {
		if found.Nearest[r].Alpha > found.Nearest[r+1].Alpha {
			t.Errorf("not in the order of α: %+v", found.Nearest)
		}
	}
	table := succeed(t, "search", "--index", index, "--run", filepath.Join(run, runlog.ModelFile), "-k", "2", query)
	if lines := strings.Split(table, "\n"); len(lines) != 5 || !regexp.MustCompile(`^1 +1\.0000 +0\.000\d +\d.* class1 +class1/2\.png$`).MatchString(lines[2]) {
		t.Errorf("the table:\n%s", table)
	}

	loose := filepath.Join(images, "loose.png")
	data, err := os.ReadFile(query)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, loose, data)
	if got := succeed(t, "embed", "--run", run, "--data", images, "--out", index); !strings.HasPrefix(got, "8 images, no classes, ") {
		t.Errorf("embed prints %q", got)
	}
	f = readSafetensors(t, index)
	if keys := slices.Sorted(maps.Keys(f.Metadata)); len(f.Tensors) != 2 || slices.Contains(keys, "classes") {
		t.Errorf("without classes, it has %d tensors and %v", len(f.Tensors), keys)
	}
	if first := search(t, "--index", index, "--run", run, query).Nearest[:2]; first[0].Path != "class1/2.png" || first[1].Path != "loose.png" || first[0].Class != "" {
		t.Errorf("of equal images the first by path comes first: %+v", first)
	}
}

// checkSearchBadInput: each fault is told in one line, and no file is written.
func checkSearchBadInput(t *testing.T, run, other, letters string) {
	dir, images := t.TempDir(), writeImages(t, 2, 2)
	query := filepath.Join(images, "class0", "1.png")
	text, out, foreign := filepath.Join(dir, "text.png"), filepath.Join(dir, "out.safetensors"), filepath.Join(dir, "foreign.safetensors")
	writeFile(t, text, []byte("no image"))
	writeFile(t, foreign, embeddingsFile(t, 4, 2, nil))
	small := filepath.Join(dir, "small.safetensors")
	x, err := readIndex(letters)
	if err != nil {
		t.Fatal(err)
	}
	x.Semantic.Cols, x.Semantic.Data = 4, x.Semantic.Data[:4*x.Semantic.Rows]
	x.Uncertainty.Cols, x.Uncertainty.Data = 4, x.Uncertainty.Data[:4*x.Uncertainty.Rows]
	file, err := os.Create(small)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Write(file); err != nil {
		t.Fatal(err)
	}
	file.Close()
	broken := writeImages(t, 2, 2)
	writeFile(t, filepath.Join(broken, "class1", "1.png"), []byte("no image"))
	empty := t.TempDir()

	embed := func(args ...string) []string { return append([]string{"embed", "--out", out}, args...) }
	find := func(args ...string) []string { return append([]string{"search"}, args...) }
	for _, test := range []struct {
		name   string
		status int
		text   string
		args   []string
	}{
		{"no run", exitUsage, "--run", embed("--split", "test")},
		{"no images", exitUsage, "--data", embed("--run", run)},
		{"both", exitUsage, "--data", embed("--run", run, "--data", images, "--split", "test")},
		{"no file", exitUsage, "--out", []string{"embed", "--run", run, "--data", images}},
		{"unknown split", exitUsage, `"all"`, embed("--run", run, "--split", "all")},
		{"unknown policy", exitUsage, `"warn"`, embed("--run", run, "--data", images, "--on-bad-image", "warn")},
		{"missing run", exitError, "nowhere", embed("--run", filepath.Join(dir, "nowhere"), "--data", images)},
		{"missing folder", exitError, "nowhere is not a folder", embed("--run", run, "--data", filepath.Join(dir, "nowhere"))},
		{"empty folder", exitError, "no image in it", embed("--run", run, "--data", empty)},
		{"a broken image", exitError, "class1/1.png", embed("--run", run, "--data", broken)},
		{"no place for the file", exitError, "nowhere", []string{"embed", "--run", run, "--data", images, "--out", filepath.Join(dir, "nowhere", "x")}},
		{"checkpoint without a run", exitError, "config.json", embed("--run", letters, "--data", images)},

		{"no index", exitUsage, "--index", find("--run", run, query)},
		{"search without run", exitUsage, "--run", find("--index", letters, query)},
		{"no query", exitUsage, "image", find("--index", letters, "--run", run)},
		{"two queries", exitUsage, "unexpected", find("--index", letters, "--run", run, query, query)},
		{"k", exitUsage, "--k 0", find("--index", letters, "--run", run, "--k", "0", query)},
		{"missing index", exitError, "none", find("--index", filepath.Join(dir, "none"), "--run", run, query)},
		{"index of something else", exitError, "idml embed", find("--index", foreign, "--run", run, query)},
		{"index that is none", exitError, "text.png", find("--index", text, "--run", run, query)},
		{"missing query", exitError, "none.png", find("--index", letters, "--run", run, filepath.Join(dir, "none.png"))},
		{"query that is no image", exitError, "text.png", find("--index", letters, "--run", run, text)},
		{"another model", exitError, "another model", find("--index", letters, "--run", other, query)},
		{"another dimension", exitError, "4 dimensions", find("--index", small, "--run", run, query)},
	} {
		t.Run(test.name, func(t *testing.T) { fail(t, test.status, test.text, test.args...) })
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*out*")); err != nil || len(left) > 0 {
		t.Errorf("failed commands left %v", left)
	}
	if hidden, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(hidden) > 0 {
		t.Errorf("failed commands left %v", hidden)
	}
	stdout, stderr, status := program(t, embed("--run", run, "--data", broken, "--on-bad-image", "skip")...)
	if status != exitOK || !strings.HasPrefix(stdout, "3 images, 2 classes, ") || !strings.HasPrefix(stderr, "warning: 1 of 4 images were left out") || !strings.Contains(stderr, "class1/1.png") {
		t.Errorf("with a broken image skipped: status %d, %q, %q", status, stdout, stderr)
	}
	if paths := readSafetensors(t, out).Metadata["paths"]; paths != `["class0/0.png","class0/1.png","class1/0.png"]` {
		t.Errorf("paths %s", paths)
	}
}
