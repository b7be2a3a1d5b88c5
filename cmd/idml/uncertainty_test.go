// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"introspection/experiment"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// A run on photographs of one's own has the table, the CSV and the JSON, and its folder stays as it is if it is to.
func TestUncertainty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	succeed(t, append([]string{"train", "--data", writeImages(t, 4, 4, 4, 4), "--out", dir, "--metric", "paper"}, tiny(sets("data.batch_size=8")...)...)...)
	before := tree(t, dir)
	table := filepath.Join(t.TempDir(), "table.csv")
	figures := t.TempDir()
	printed := succeed(t, "uncertainty", "--no-save", "--bootstrap", "40", "--csv", table, "--figures", figures, dir)
	for _, name := range []string{"reject", "histograms", "mixing", "plane", "corruptions-norm", "corruptions-mean-beta", "corruptions-features", "corruptions-proxy"} {
		if data, err := os.ReadFile(filepath.Join(figures, name+".svg")); err != nil || !bytes.Contains(data, []byte("<svg")) {
			t.Errorf("%s.svg: %v, %.80q", name, err, data)
		}
	}
	for _, pattern := range []string{
		`^folder in .*, 1 seed: 8 images of 2 classes, \d\.\d{3} right; the other domain: glyphs to retrieve; 95 % intervals over classes\n`,
		`(?m)^ +chance +‖u‖ +mean β +−‖features‖ +proxy distance$`,
		`(?m)^AUROC, crop 3 +0\.500 +[01]\.\d{3} \[[01]\.\d{3}, [01]\.\d{3}\] `,
		`(?m)^AUROC, another domain +0\.500 +[01]\.\d{3} `,
		`(?m)^growth, noise +0\.500 +[01]\.\d{3} `,
	} {
		if !regexp.MustCompile(pattern).MatchString(printed) {
			t.Errorf("no %s in\n%s", pattern, printed)
		}
	}
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var groups []experiment.UncertaintyGroup
	if err := json.Unmarshal([]byte(succeed(t, "uncertainty", "--json", "--no-save", "--bootstrap", "40", dir)), &groups); err != nil {
		t.Fatal(err)
	}
	r := groups[0].Reports[0]
	if want := 1 + len(r.Measures)*len(r.Scores); len(rows) != want || len(r.Scores) != 4 || len(r.Reject["proxy"].Curve) == 0 {
		t.Errorf("%d rows, want %d; %d scores", len(rows), want, len(r.Scores))
	}
	if len(r.Measures) < 20 {
		t.Errorf("%d measures", len(r.Measures))
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	fail(t, exitError, "repeats the settings and the seed", "uncertainty", dir, copied)
	fail(t, exitError, "named twice", "uncertainty", dir, dir+"/.")
	fail(t, exitError, "nowhere", "uncertainty", "--csv", filepath.Join(figures, "nowhere", "table.csv"), dir)
	fail(t, exitError, "not a directory", "uncertainty", "--figures", filepath.Join(table, "figures"), dir)
	if after := tree(t, dir); after != before {
		t.Errorf("the run's files were\n%s\nand are\n%s", before, after)
	}
	checkSavedUncertainty(t, dir)
}

// checkSavedUncertainty measures a run twice, to the same bytes, and finds that in its report, and there that it is out of date once there is another checkpoint.
func checkSavedUncertainty(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, runlog.UncertaintyFile)
	var first []byte
	for range 2 {
		succeed(t, "uncertainty", "--bootstrap", "40", dir)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(first, data) {
			t.Error("the same run was measured to other bytes")
		}
		first = data
	}
	r, err := experiment.ReadUncertainty(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Checkpoint.Step == 0 || len(r.Checkpoint.SHA256) != 64 || r.Over != runlog.OverClasses || r.Resamples != 40 || len(r.Mixing.Pairs) != 8 || len(r.Projection.Points) != 8 {
		t.Errorf("%+v, over %s, %d resamples, %d pairs, %d points", r.Checkpoint, r.Over, r.Resamples, len(r.Mixing.Pairs), len(r.Projection.Points))
	}
	for name, draw := range map[string]func() error{
		"mixing":  func() error { _, err := r.MixingFigure(); return err },
		"classes": func() error { _, err := r.ClassFigure(); return err },
	} {
		if err := draw(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Save(); err == nil || !strings.Contains(err.Error(), "only what was measured") {
		t.Errorf("what was read is saved: %v", err)
	}
	report := func() string {
		t.Helper()
		html, err := os.ReadFile(strings.TrimSpace(succeed(t, "report", dir)))
		if err != nil {
			t.Fatal(err)
		}
		return string(html)
	}
	html := report()
	if !strings.Contains(html, "<h2>What the uncertainty is worth</h2>") || strings.Contains(html, "out of date") || strings.Contains(html, "no picture") {
		t.Error("the report has no such section, says that it is out of date, or lacks pictures")
	}
	previous, err := os.ReadFile(filepath.Join(dir, runlog.PreviousModelFile))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, runlog.ModelFile), previous)
	if html := report(); !strings.Contains(html, "This section is out of date") {
		t.Error("the report doesn't say that there is another checkpoint")
	}
}

// Embeddings made elsewhere are measured by what can be without images.
func TestUncertaintyOfEmbeddings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.safetensors")
	write := func(rows []float32) {
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		err = weights.WriteSafetensors(f, &weights.File{Tensors: []weights.Tensor{
			weights.FromFloat32("embeddings", []int{6, 2}, []float32{1, 0, 2, 0.1, 0.1, 1, 0, 3, 5, 0.2, 0.2, 5}), weights.FromInt32("labels", []int{6}, []int32{0, 0, 1, 1, 1, 1}),
			weights.FromFloat32("uncertainties", []int{len(rows), 1}, rows),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	write([]float32{1, 2, 1, 1, 9, 1}) // the fifth lies among the first two, and is the nearest of either of them: the first, second and fifth are wrong
	printed := succeed(t, "uncertainty", "--embeddings", file)
	for _, pattern := range []string{`, embeddings, 1 seed: 6 images of 2 classes, 0\.500 right; 95 % intervals over classes\n`, `(?m)^AUROC, wrong R@1 +0\.500 +0\.833 \[`, `(?m)^Spearman, distance to the class’s center `} {
		if !regexp.MustCompile(pattern).MatchString(printed) {
			t.Errorf("no %s in\n%s", pattern, printed)
		}
	}
	write([]float32{1, 2})
	fail(t, exitError, "uncertainties has 2 rows, embeddings 6", "uncertainty", "--embeddings", file)
}

// tree lists a folder's files with their sizes and times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			list.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

func TestUncertaintyBadInput(t *testing.T) {
	empty := t.TempDir()
	fail(t, exitUsage, "folders of runs", "uncertainty")
	fail(t, exitUsage, "either", "uncertainty", "--embeddings", "x", "run")
	fail(t, exitUsage, "one run", "uncertainty", "--figures", "x", "a", "b")
	fail(t, exitUsage, "--figure", "uncertainty", "--figure", "x", "a")
	fail(t, exitError, "nowhere", "uncertainty", filepath.Join(empty, "nowhere"))
	fail(t, exitError, "resamples, want at least", "uncertainty", "--bootstrap", "3", empty)
}
