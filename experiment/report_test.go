// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// noted adds the records of three epochs to a run, whose loss falls to its seed, and what the uncertainty is worth.
func noted(t *testing.T, dir string, seed uint64, measured bool) string {
	t.Helper()
	run, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range 4 {
		for _, r := range []runlog.Record{
			{Kind: runlog.KindStep, Epoch: epoch, Step: epoch, Loss: 10 - float64(epoch) + float64(seed)},
			{Kind: runlog.KindEval, Epoch: epoch, Step: epoch, Metrics: map[string]float64{"recall@1": 0.1 * float64(epoch)}},
		} {
			if r.Kind == runlog.KindStep && epoch == 0 {
				continue
			}
			if err := run.AppendRecord(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !measured {
		return dir
	}
	nan := math.NaN()
	err = run.WriteUncertainty(runlog.Uncertainty{
		Seed: seed, Right: 0.5, Wrong: "wrong R@1", Over: runlog.OverClasses, Scores: []runlog.UncertaintyScore{{Name: "norm", Title: "‖u‖"}},
		Measures: []runlog.UncertaintyMeasure{
			{Quantity: runlog.QuantityAUROC, Of: "wrong R@1", Chance: 0.5, Values: map[string]uncertainty.Estimate{"norm": {Value: 0.6 + 0.1*float64(seed), Low: nan, High: nan}}},
			{Quantity: runlog.QuantityAUROC, Of: "noise 3", Chance: 0.5, Values: map[string]uncertainty.Estimate{"norm": {Value: 0.9, Low: nan, High: nan}}},
		},
		Reject: map[string]uncertainty.Reject{"norm": uncertainty.NewReject([]float64{1, 2, 3}, []bool{false, true, true}, 3, uncertainty.Bootstrap{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// One report on several runs has curves with seeds as bands, and what the uncertainty is worth of those of which that was measured; it repeats byte for byte, and its
// figures are saved.
func TestReportOnRuns(t *testing.T) {
	var dirs []string
	for _, f := range []idml.Form{idml.Paper, idml.Plain} {
		for seed := range uint64(2) {
			dir := predictedRun(t, randomQueries(seed, 0.5), form(f, seed))
			dirs = append(dirs, noted(t, dir, seed, f == idml.Paper))
		}
	}
	out, figures := filepath.Join(t.TempDir(), "report.html"), filepath.Join(t.TempDir(), "figures")
	write := func() string {
		t.Helper()
		if err := experiment.ReportOnRuns(dirs, []string{"a note"}, experiment.ReportOptions{Out: out, Figures: figures}); err != nil {
			t.Fatal(err)
		}
		html, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(html)
	}
	html := write()
	for _, want := range []string{
		"a note", "glyphs: settings", "glyphs: differences", "glyphs: training", "R@1 in training", "training loss, proxy-anchor", "glyphs: what the uncertainty is worth",
		"<td>‖u‖</td><td>2</td><td>0.650\u00a0±\u00a00.071</td><td>–</td>", "<td>0.900\u00a0±\u00a00.000</td>", "Of 2 of 4 runs it was not measured",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"NaN", "<script", filepath.Dir(dirs[0])} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
	if write() != html {
		t.Error("a second report differs")
	}
	for _, name := range []string{"settings", "differences", "evaluations", "loss-proxy-anchor", "rejections-1"} {
		for _, kind := range []string{".svg", ".png"} {
			if info, err := os.Stat(filepath.Join(figures, name+kind)); err != nil || info.Size() == 0 {
				t.Errorf("%v", err)
			}
		}
	}
	if err := experiment.ReportOnRuns(dirs, nil, experiment.ReportOptions{}); err == nil || !strings.Contains(err.Error(), "name its file") {
		t.Errorf("without a file: %v", err)
	}
}

// A report of one run goes where it is told to.
func TestReportOf(t *testing.T) {
	dir := fakeRun(t, 0.5, runlog.StatusFinished, func(*idml.Config) {})
	out := filepath.Join(t.TempDir(), "elsewhere.html")
	if path, err := experiment.ReportOf(dir, experiment.ReportOptions{Out: out}); err != nil || path != out {
		t.Fatalf("%q, %v", path, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err == nil {
		t.Error("the run folder has a report, too")
	}
	at, err := experiment.Report(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(at); err != nil || string(again) != string(first) {
		t.Errorf("the reports differ: %v", err)
	}
}
