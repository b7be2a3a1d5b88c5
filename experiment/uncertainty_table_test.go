// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
	"introspection/plots"
)

// reportOf is a report of one measure on glyphs.
func reportOf(form idml.Form, seed uint64, value float64) *UncertaintyReport {
	cfg := idml.Glyphs()
	cfg.Metric.Form, cfg.Seed = form, seed
	nan := math.NaN()
	return &UncertaintyReport{
		Run: fmt.Sprintf("runs/%s-%d", form, seed), config: cfg,
		Uncertainty: runlog.Uncertainty{
			Seed: seed, Images: 10, Classes: 5, Right: 0.75, Wrong: "wrong R@1", Unseen: "clothing", Over: runlog.OverClasses, Scores: []runlog.UncertaintyScore{scoreNorm},
			Measures: []runlog.UncertaintyMeasure{
				{Quantity: runlog.QuantityAUROC, Of: "noise 1", Chance: 0.5, Values: map[string]uncertainty.Estimate{"norm": {Value: value, Low: value - 0.1, High: value + 0.1}}},
				{Quantity: runlog.QuantityGain, Of: "rejecting wrong R@1", Values: map[string]uncertainty.Estimate{"norm": {Value: nan, Low: nan, High: nan}}},
			},
			Clean: []float64{1, 2}, Corrupted: []runlog.CorruptedUncertainty{{Kind: "noise", Strength: 1, Values: []float64{1, 3}}},
		},
	}
}

// Runs that differ in the seed alone are one group, whose cells are mean and deviation over seeds; a single run's have the bootstrap interval.
func TestGroupUncertainty(t *testing.T) {
	reports := []*UncertaintyReport{reportOf(idml.Paper, 2, 0.7), reportOf(idml.Plain, 0, 0.25), reportOf(idml.Paper, 1, 0.6)}
	groups, err := GroupUncertainty(reports)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		for i := range g.Lines() {
			got = append(got, g.Name+": "+g.Lines()[i].Name()+": "+g.Cell(i, scoreNorm)+", chance "+g.Chance(i))
		}
	}
	want := []string{
		"proxy-anchor paper + mixup: AUROC, noise 1: 0.650 ± 0.071, chance 0.500", "proxy-anchor paper + mixup: gain, rejecting wrong R@1: –, chance 0.000",
		"proxy-anchor plain + mixup: AUROC, noise 1: 0.250 [0.150, 0.350], chance 0.500", "proxy-anchor plain + mixup: gain, rejecting wrong R@1: –, chance 0.000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	some := UncertaintyGroup{Reports: []*UncertaintyReport{reportOf(idml.Paper, 1, 0.6), reportOf(idml.Paper, 2, math.NaN()), reportOf(idml.Paper, 3, 0.7)}}
	if cell := some.Cell(0, scoreNorm); cell != "0.650 ± 0.071 (2 of 3)" {
		t.Errorf("where one seed of three has no value: %q", cell)
	}
	some.Reports[1].Measures = some.Reports[1].Measures[1:] // of another program
	if cell, chance := some.Cell(0, scoreNorm), some.Chance(0); cell != "0.650 ± 0.071 (2 of 3)" || chance != "0.500" {
		t.Errorf("where one report of three lacks the line: %q, chance %s", cell, chance)
	}
	if cell := some.Cell(1, scoreNorm); cell != "–" {
		t.Errorf("where lines stand at other places: %q", cell)
	}
	if title := groups[0].Title(); title != "glyphs, proxy-anchor paper + mixup, 2 seeds: 10 images of 5 classes, 0.750 ± 0.000 right; the other domain: clothing" {
		t.Errorf("title %q", title)
	}
	if groups[0].Reports[0].Seed != 1 {
		t.Error("not ordered by seeds")
	}
	var table bytes.Buffer
	if err := WriteUncertaintyCSV(&table, groups); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	if len(lines) != 7 || lines[1] != "glyphs,proxy-anchor paper + mixup,1,runs/paper-1,0,AUROC,noise 1,norm,0.6,0.5,0.7,0.5" ||
		lines[2] != "glyphs,proxy-anchor paper + mixup,1,runs/paper-1,0,gain,rejecting wrong R@1,norm,,,,0" {
		t.Errorf("%s", table.String())
	}
	again := reportOf(idml.Paper, 1, 0.9)
	again.Run += "-again"
	if _, err := GroupUncertainty(append(reports, again)); err == nil || !strings.Contains(err.Error(), "repeats the settings and the seed, 1") {
		t.Errorf("a seed twice: %v", err)
	}
	again.Run = "runs/../runs/paper-2"
	if _, err := GroupUncertainty([]*UncertaintyReport{reports[0], again}); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("a run twice: %v", err)
	}
}

// The figures have the report's numbers; there is none of corruptions where nothing was corrupted.
func TestUncertaintyFigures(t *testing.T) {
	r := reportOf(idml.Paper, 0, 0.7)
	r.Reject = map[string]uncertainty.Reject{"norm": uncertainty.NewReject([]float64{3, 1, 2, 4}, []bool{false, false, true, true}, 4, uncertainty.Bootstrap{Resamples: 40})}
	for name, draw := range map[string]func() (*plots.Bands, error){
		"reject": r.RejectFigure, "corruptions": func() (*plots.Bands, error) { return r.CorruptionFigure(scoreNorm) },
	} {
		f, err := draw()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var svg bytes.Buffer
		if err := plots.WriteSVG(&svg, f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range map[string][]string{"reject": {"‖u‖", "perfect order", "random order", "wrong R@1"}, "corruptions": {"noise", "chance", "AUROC of ‖u‖"}}[name] {
			if !strings.Contains(svg.String(), want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
	}
	if _, err := r.HistogramFigure(); err != nil {
		t.Errorf("histograms: %v", err)
	}
	r.Run, r.heldOut, r.task = t.TempDir(), true, &Task{}
	r.Mixing = &runlog.MixingUncertainty{Lambdas: []float64{0, 1}, Pairs: []runlog.MixPair{{First: 3, Second: 1, Uncertainty: []float64{1, 2}}}}
	if _, err := r.MixingFigure(); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("pictures of held-out images: %v", err)
	}
	if err := r.Save(); err == nil || !strings.Contains(err.Error(), "held out") {
		t.Errorf("held-out images are saved: %v", err)
	}
	r.Corrupted = nil
	if _, err := r.CorruptionFigure(scoreNorm); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("nothing was corrupted: %v", err)
	}
}
