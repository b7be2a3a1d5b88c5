// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/plots"
)

// ablationRuns writes the runs that "idml sweep --ablation" plans for two losses and seeds, but for those that skip names.
func ablationRuns(t *testing.T, skip ...string) []string {
	t.Helper()
	p, err := experiment.Grid{Recipes: []string{"glyphs"}, Losses: []string{"proxy-anchor", "triplet"}, Ablation: true, Seeds: []uint64{0, 1}}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	shares := map[string]float64{"equal-compute": 0.3, "mixup": 0.4, "constant": 0.5, "introspective": 0.6}
	var dirs []string
	for i, r := range p.Runs {
		loss, rest, _ := strings.Cut(r.Name, "/")
		arm, _, _ := strings.Cut(rest, "/")
		if slices.Contains(skip, loss+"/"+arm) {
			continue
		}
		dirs = append(dirs, predictedRun(t, randomQueries(uint64(i), shares[arm]), func(c *idml.Config) { *c = r.Config }))
	}
	return dirs
}

func analyze(t *testing.T, dirs []string) *experiment.Analysis {
	t.Helper()
	a, err := compareOne(t, dirs).Analyze(experiment.AnalysisOptions{Bootstrap: experiment.DefaultBootstrap(), Ablation: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What a sweep makes for an ablation, a comparison recognizes by the settings alone.
func TestAblations(t *testing.T) {
	a := analyze(t, ablationRuns(t))
	var got []string
	for _, x := range a.Ablations {
		for i, s := range x.Steps {
			if s.Group == nil {
				t.Fatalf("%s: no runs of %q", x.Loss, s.Title)
			}
			text := fmt.Sprintf("%s: %s: %s", x.Loss, s.Title, s.Group.Name)
			if (i > 0) != (len(s.Differences) == 2) {
				t.Errorf("%s: %d differences", text, len(s.Differences))
			}
			if i > 0 {
				d := s.Differences[0]
				text += " − " + d.Reference
				if want := s.Group.Mean("recall@1") - x.Steps[i-1].Group.Mean("recall@1"); d.Name != s.Group.Name || d.Mean-want > 1e-12 || want-d.Mean > 1e-12 {
					t.Errorf("%s: %+v, want a mean of %v", text, d, want)
				}
			}
			got = append(got, text)
		}
	}
	want := []string{
		"proxy-anchor, epochs=20: loss at equal compute: proxy-anchor plain, epochs=40",
		"proxy-anchor, epochs=20: + mixup: proxy-anchor plain + mixup, epochs=20 − proxy-anchor plain, epochs=40",
		"proxy-anchor, epochs=20: + constant factor (released): proxy-anchor released + mixup, epochs=20 − proxy-anchor plain + mixup, epochs=20",
		"proxy-anchor, epochs=20: introspective (paper): proxy-anchor paper + mixup, epochs=20 − proxy-anchor released + mixup, epochs=20",
		"triplet, epochs=20: loss at equal compute: triplet plain, epochs=40",
		"triplet, epochs=20: + mixup: triplet plain + mixup, epochs=20 − triplet plain, epochs=40",
		"triplet, epochs=20: + constant factor (constant): triplet constant + mixup, epochs=20 − triplet plain + mixup, epochs=20",
		"triplet, epochs=20: introspective (paper): triplet paper + mixup, epochs=20 − triplet constant + mixup, epochs=20",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Steps of which there is no run are named; a plain run without mixup for as many epochs as the others isn't at equal compute.
func TestAblationsMissing(t *testing.T) {
	dirs := append(ablationRuns(t, "proxy-anchor/equal-compute", "triplet/mixup", "triplet/constant"),
		predictedRun(t, randomQueries(0, 0.3), func(c *idml.Config) { c.Metric.Form, c.Mixing.Method = idml.Plain, idml.NoMixing }))
	a := analyze(t, dirs)
	got := map[string][]string{}
	for _, x := range a.Ablations {
		got[x.Loss] = x.Missing()
		if strings.HasPrefix(x.Loss, "triplet") && x.Steps[3].Differences != nil {
			t.Error("a difference from a step that isn't there")
		}
	}
	want := map[string][]string{"proxy-anchor, epochs=20": {"loss at equal compute"}, "triplet, epochs=20": {"+ mixup", "+ constant factor (constant)"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if list := analyze(t, dirs[:1]).Ablations; len(list) > 0 {
		t.Errorf("of one step: %+v", list)
	}
}

// The CSV file has a row for each number, the report the same tables with figures.
func TestCSVAndReport(t *testing.T) {
	dirs := ablationRuns(t)
	for i := range dirs[:2] { // with numbers of the paper beside them
		dirs[i] = predictedRun(t, randomQueries(uint64(i), 0.5), func(c *idml.Config) {
			*c = idml.CUB()
			c.Metric.Form, c.Mixing.Method, c.Seed = []idml.Form{idml.Plain, idml.Released}[i], idml.Mixup, 0
		})
	}
	comparisons, err := experiment.Compare(dirs)
	if err != nil {
		t.Fatal(err)
	}
	var list []*experiment.Analysis
	for _, c := range comparisons {
		a, err := c.Analyze(experiment.AnalysisOptions{Bootstrap: experiment.BootstrapOptions{Resamples: 100, Seed: 5}, Ablation: true})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	var table bytes.Buffer
	if err := experiment.WriteCSV(&table, list); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll() // which also wants as many fields in each row
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, row := range rows[1:] {
		kinds[row[0]+" "+row[1]]++
	}
	want := map[string]int{
		// Published are R@1 of both forms, R@4 and MAP@R of the released one. Differences are of R@1 and R@4.
		"cub baseline": 8, "cub setting": 8, "cub published": 4, "cub difference": 2, "cub ablation": 2,
		"glyphs baseline": 8, "glyphs setting": 32, "glyphs difference": 8, "glyphs ablation": 12,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("rows by kind (-want +got):\n%s", diff)
	}

	page, err := experiment.ComparisonReport(list, []string{"1 run is missing"})
	if err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	if err := plots.WriteComparison(&html, page); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"1 run is missing", "16 runs on cub, glyphs", "cub: settings", "glyphs: differences", "from the loss to its introspective form", "0.707", "arXiv:2309.09982",
		"+ constant factor (released)", "percentiles of 100 resamples (seed 5) of 100 queries and of 20 classes",
	} {
		if !strings.Contains(html.String(), text) {
			t.Errorf("the report lacks %q", text)
		}
	}
}
