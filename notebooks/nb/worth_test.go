// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// score is an UncertaintyScore of one of the names that experiment gives.
func score(name, title string) runlog.UncertaintyScore {
	return runlog.UncertaintyScore{Name: name, Title: title}
}

// measured makes a run folder of a name in which the uncertainty was measured, and returns its path.
func measured(t *testing.T, name string, u runlog.Uncertainty) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig(idml.Glyphs()); err != nil {
		t.Fatal(err)
	}
	if err := run.WriteUncertainty(u); err != nil {
		t.Fatal(err)
	}
	return dir
}

// worthOf returns what three AUROC, one of which can't be measured, and a gain are of three scores.
func worthOf() runlog.Uncertainty {
	values := func(norm, features, proxy uncertainty.Estimate) map[string]uncertainty.Estimate {
		return map[string]uncertainty.Estimate{"norm": norm, "features": features, "proxy": proxy}
	}
	estimate := func(low, value, high float64) uncertainty.Estimate {
		return uncertainty.Estimate{Value: value, Low: low, High: high}
	}
	var unknown uncertainty.Estimate
	if err := unknown.UnmarshalJSON([]byte("{}")); err != nil {
		panic(err)
	}
	auroc := func(of string, v map[string]uncertainty.Estimate) runlog.UncertaintyMeasure {
		return runlog.UncertaintyMeasure{Quantity: runlog.QuantityAUROC, Of: of, Chance: 0.5, Values: v}
	}
	return runlog.Uncertainty{
		Over:   runlog.OverClasses,
		Scores: []runlog.UncertaintyScore{score("norm", "‖u‖"), score("features", "−‖features‖"), score("proxy", "proxy distance")},
		Measures: []runlog.UncertaintyMeasure{
			auroc("wrong R@1", values(estimate(0.55, 0.6, 0.65), estimate(0.6, 0.7, 0.8), estimate(0.5, 0.55, 0.6))),
			auroc("noise 1", values(estimate(0.3, 0.4, 0.5), estimate(0.2, 0.3, 0.4), estimate(0.2, 0.3, 0.4))),
			auroc("blur 1", values(estimate(0.3, 0.4, 0.45), estimate(0.2, 0.3, 0.4), estimate(0.4, 0.5, 0.6))),
			auroc("another domain", values(unknown, unknown, unknown)),
			{Quantity: runlog.QuantityGain, Of: "rejecting wrong R@1", Values: values(estimate(0.1, 0.2, 0.3), estimate(-0.3, -0.2, -0.1), unknown)},
		},
	}
}

func TestWorth(t *testing.T) {
	w, err := ReadWorth(measured(t, "plain", worthOf()), measured(t, "paper", worthOf()))
	if err != nil {
		t.Fatal(err)
	}
	if w.Report("paper") == nil || w.Report("other") != nil {
		t.Error("a run that was read isn't there, or one that wasn't is")
	}
	heads, rows, err := w.table([]string{"AUROC, wrong R@1", "gain, rejecting wrong R@1"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"", "chance", "‖u‖", "−‖features‖", "proxy distance"},
		{"plain: AUROC, wrong R@1", "0.500", "0.600 [0.550, 0.650]", "0.700 [0.600, 0.800]", "0.550 [0.500, 0.600]"},
		{"paper: AUROC, wrong R@1", "0.500", "0.600 [0.550, 0.650]", "0.700 [0.600, 0.800]", "0.550 [0.500, 0.600]"},
		{"plain: gain, rejecting wrong R@1", "0.000", "0.200 [0.100, 0.300]", "−0.200 [−0.300, −0.100]", "–"},
		{"paper: gain, rejecting wrong R@1", "0.000", "0.200 [0.100, 0.300]", "−0.200 [−0.300, −0.100]", "–"},
	}
	if diff := cmp.Diff(want, append([][]string{heads}, rows...)); diff != "" {
		t.Error(diff)
	}
	if err := w.Show("AUROC, wrong R@1", "AUROC, blurred"); err == nil || !strings.Contains(err.Error(), `no measure "AUROC, blurred"`) {
		t.Errorf("an unknown measure: error %v", err)
	}
}

func TestWorthVerdict(t *testing.T) {
	w := Must(ReadWorth(measured(t, "paper", worthOf())))
	for name, want := range map[string]string{
		// An interval that touches chance tells nothing.
		"norm": "paper, ‖u‖: of 3 AUROC, 1 are above chance and 1 below, by their intervals over classes; 1 can’t be told from it. " +
			"The value is larger than that of −‖features‖ in 2 and than that of proxy distance in 2.",
		"proxy": "paper, proxy distance: of 3 AUROC, 0 are above chance and 1 below, by their intervals over classes; 2 can’t be told from it. " +
			"The value is larger than that of −‖features‖ in 1.",
	} {
		got, err := w.Verdict("paper", name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, of := range [][2]string{{"plain", "norm"}, {"paper", "‖u‖"}} {
		if _, err := w.Verdict(of[0], of[1]); err == nil {
			t.Errorf("a verdict on %q", of)
		}
	}
}

func TestReadWorthFaults(t *testing.T) {
	if _, err := ReadWorth(); err == nil {
		t.Error("no runs are no error")
	}
	dir := filepath.Join(t.TempDir(), "run")
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig(idml.Glyphs()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadWorth(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run whose uncertainty wasn't measured: error %v", err)
	}
	fewer := worthOf()
	fewer.Scores = fewer.Scores[:2]
	if _, err := ReadWorth(measured(t, "plain", worthOf()), measured(t, "paper", fewer)); err == nil || !strings.Contains(err.Error(), "paper has the scores") {
		t.Errorf("runs of different scores: error %v", err)
	}
}
