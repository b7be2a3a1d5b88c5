// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// classifierRun writes a finished run of a recipe of classification whose predictions have the ranks of the queries: 1 to 5, or 0 where the class is not among the
// first five. Its top-1 and top-5 are those of the predictions.
func classifierRun(t *testing.T, recipe string, seed uint64, queries []query, change func(*idml.Config)) string {
	t.Helper()
	cfg, err := idml.Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Seed = seed
	if change != nil {
		change(&cfg)
	}
	dir := filepath.Join(t.TempDir(), "run")
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig(cfg); err != nil {
		t.Fatal(err)
	}
	hits := map[int]float64{}
	var predictions []runlog.Prediction
	for i, q := range queries {
		p := runlog.Prediction{Index: i, Name: q.name, Class: q.class, Correct: q.rank == 1}
		for k := 1; k <= 5; k++ {
			p.Top = append(p.Top, runlog.Score{Class: fmt.Sprint("class ", k), Probability: 1 / float64(k+1), Correct: k == q.rank})
			if q.rank > 0 && q.rank <= k {
				hits[k] += 1 / float64(len(queries))
			}
		}
		predictions = append(predictions, p)
	}
	metrics := map[string]float64{"top@1": hits[1], "top@5": hits[5], "loss": 2 - hits[1], "ece": 0.05, "queries": float64(len(queries)), "classes": 10}
	err = run.WriteResults(runlog.Results{
		Status: runlog.StatusFinished, Seconds: 10, Published: cfg.Published(), PublishedSource: cfg.PublishedSource(), BestChosenOn: runlog.ChosenOnTestImages,
		Rows: []runlog.Row{
			{Name: runlog.RowRawPixels, Metrics: map[string]float64{"top@1": 0.3, "top@5": 0.6}},
			{Name: runlog.RowUntrained, Metrics: map[string]float64{"top@1": 0.1, "top@5": 0.5, "loss": 2.3, "ece": 0}},
			{Name: runlog.RowLast, Epoch: 12, Metrics: metrics},
			{Name: runlog.RowBest, Epoch: 9, Metrics: map[string]float64{"top@1": 0.99}},
			{Name: runlog.RowMean, Epoch: 12, Metrics: map[string]float64{"top@1": 0.98}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WritePredictions(predictions); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ranked returns 20 classes of 5 queries, a share of them right and the others of a rank from 0 to 5.
func ranked(seed uint64, share float64) (queries []query) {
	rng := rand.New(rand.NewPCG(seed, 8))
	for class := range 20 {
		for i := range 5 {
			rank := rng.IntN(6)
			if rng.Float64() < share {
				rank = 1
			}
			queries = append(queries, query{fmt.Sprint("class ", class), fmt.Sprint("image ", i), rank})
		}
	}
	return queries
}

// sixMethods writes the runs of the six recipes of a dataset, with two seeds each.
func sixMethods(t *testing.T, data string, change func(*idml.Config)) (dirs []string) {
	t.Helper()
	for i, method := range idml.ClassificationMethods {
		for seed := range uint64(2) {
			dirs = append(dirs, classifierRun(t, data+"-"+method, seed, ranked(seed+uint64(10*i), 0.3+0.1*float64(i)), change))
		}
	}
	return dirs
}

// Groups are named by form and mixing alone, the accuracies of the last epoch beside the paper's, and each introspective one is paired with the plain one of the
// same mixing.
func TestCompareClassifiers(t *testing.T) {
	c := compareOne(t, sixMethods(t, "cifar10", func(c *idml.Config) { c.Data.Folder = fmt.Sprint("/images/", c.Seed) }))
	if c.Data != "cifar10" || c.Task != idml.Classification || c.Judge() != "top@1" || c.JudgeTitle() != "top-1 on the test images" || c.Queries() != "images" {
		t.Errorf("%+v, judged by %s, %s, on %s", c, c.Judge(), c.JudgeTitle(), c.Queries())
	}
	var got []string
	for _, g := range c.Groups {
		got = append(got, fmt.Sprintf("%s: %d %v", g.Name, len(g.Seeds), g.Published["top@1"]))
	}
	want := []string{
		"raw pixels: 1 0", "untrained network: 2 0", "plain: 2 0.9615", "released: 2 0.9643", "plain + mixup: 2 0.9691", "released + mixup: 2 0.9713",
		"plain + cutmix: 2 0.9712", "released + cutmix: 2 0.9732",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"top@1", "top@5", "loss", "ece"}, c.Metrics()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if !math.IsNaN(c.Groups[0].Mean("loss")) || c.Groups[1].Mean("loss") != 2.3 {
		t.Error("the loss of raw pixels, or of the untrained network")
	}
	pairs := []experiment.Pair{
		{Name: "released", Reference: "plain"}, {Name: "released + mixup", Reference: "plain + mixup"}, {Name: "released + cutmix", Reference: "plain + cutmix"},
	}
	if diff := cmp.Diff(pairs, c.PlainPairs()); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

// A setting that varies is named, mixing's own where its method doesn't tell it.
func TestCompareClassifierNames(t *testing.T) {
	for _, test := range []struct {
		key, want string
		change    func(*idml.Config)
	}{
		{"mixing.beta", "plain + cutmix, mixing.beta=0.5", func(c *idml.Config) { c.Mixing.Beta = 0.5 }},
		{"loss.smoothing", "plain + cutmix, loss.smoothing=0.1", func(c *idml.Config) { c.Loss.Smoothing = 0.1 }},
		{"mixing.probability", "plain + cutmix", func(c *idml.Config) { c.Mixing.Method, c.Mixing.Probability = idml.Mixup, 1 }},
	} {
		first := classifierRun(t, "fashion10-cutmix", 0, ranked(0, 0.5), nil)
		second := classifierRun(t, "fashion10-cutmix", 0, ranked(0, 0.5), test.change)
		c := compareOne(t, []string{first, second})
		if names := []string{c.Groups[2].Name, c.Groups[3].Name}; !slices.Contains(names, test.want) {
			t.Errorf("%s: %q, want %q among them", test.key, names, test.want)
		}
	}
}

// Retrieval and classification of the same images are two comparisons.
func TestCompareTasks(t *testing.T) {
	list, err := experiment.Compare([]string{
		fakeRun(t, 0.5, runlog.StatusFinished, func(c *idml.Config) { *c = idml.Fashion() }), classifierRun(t, "fashion10-mixup", 0, ranked(0, 0.5), nil),
		classifierRun(t, "fashion10-mixup", 0, ranked(0, 0.5), func(c *idml.Config) { c.Data.Folder = "/all" }),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprint(c.Data, ": ", c.Groups[2].Name, ": ", c.Judge()))
	}
	want := []string{
		"fashion: proxy-anchor released + mixup: recall@1", "fashion, classification: plain + mixup: top@1", "fashion in /all, classification: plain + mixup: top@1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Differences of classifiers are those of the tables, in top-1 and top-5, from the ranks of the classes; the intervals hold them.
func TestDifferencesOfClassifiers(t *testing.T) {
	dirs := sixMethods(t, "fashion10", nil)
	list := differences(t, dirs, (*experiment.Comparison).PlainPairs)
	c := compareOne(t, dirs)
	if len(list) != 6 || list[0].Metric != "top@1" || list[1].Metric != "top@5" || list[4].Name != "released + cutmix" {
		t.Fatalf("%+v", list)
	}
	for _, d := range list {
		a, err := c.Group(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(c.Groups, func(g experiment.Group) bool { return g.Name == d.Reference })
		if want := a.Mean(d.Metric) - c.Groups[i].Mean(d.Metric); math.Abs(d.Mean-want) > 1e-12 || d.Queries != 100 || d.Classes != 20 || len(d.Seeds) != 2 {
			t.Errorf("%+v, of the table %v", d, want)
		}
		for _, in := range []experiment.Interval{d.OverSeeds, d.OverQueries, d.OverClasses} {
			if !(in.Low < d.Mean && d.Mean < in.High) {
				t.Errorf("%s: %v is not in %v", d.Metric, d.Mean, in)
			}
		}
	}
}

// An image without classes, of a network that diverged, is wrong.
func TestDifferencesOfADivergedClassifier(t *testing.T) {
	queries := ranked(0, 1)
	right, broken := classifierRun(t, "fashion10-baseline", 0, queries, nil), classifierRun(t, "fashion10-ism-baseline", 0, queries, nil)
	run, err := runlog.Open(broken)
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := run.Predictions()
	if err != nil {
		t.Fatal(err)
	}
	for i := range predictions {
		predictions[i].Top = nil
	}
	if err := run.WritePredictions(predictions); err != nil {
		t.Fatal(err)
	}
	for _, d := range differences(t, []string{right, broken}, (*experiment.Comparison).PlainPairs) {
		if math.Abs(d.Mean+1) > 1e-12 {
			t.Errorf("%+v, want −1", d)
		}
	}
}

// Table and report of classifiers speak of top-1 and images; beside retrieval each keeps its own words. There is no ablation.
func TestCSVAndReportOfClassifiers(t *testing.T) {
	texts := func(dirs []string) (table, html string, list []*experiment.Analysis) {
		t.Helper()
		comparisons, err := experiment.Compare(dirs)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range comparisons {
			a, err := c.Analyze(experiment.AnalysisOptions{Bootstrap: experiment.BootstrapOptions{Resamples: 100, Seed: 5}, Ablation: true})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, a)
		}
		var rows, page bytes.Buffer
		if err := experiment.WriteCSV(&rows, list); err != nil {
			t.Fatal(err)
		}
		report, err := experiment.ComparisonReport(list, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := plots.WriteComparison(&page, report); err != nil {
			t.Fatal(err)
		}
		return rows.String(), page.String(), list
	}
	dirs := sixMethods(t, "cifar10", nil)
	table, html, list := texts(dirs)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, row := range rows[1:] {
		kinds[row[1]+" "+row[4]]++
	}
	want := map[string]int{
		"baseline top@1": 2, "baseline top@5": 2, "baseline loss": 2, "baseline ece": 2, "setting top@1": 6, "setting top@5": 6, "setting loss": 6, "setting ece": 6,
		"published top@1": 6, "difference top@1": 3, "difference top@5": 3,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("rows by kind and metric (-want +got):\n%s", diff)
	}
	for _, text := range []string{
		"12 runs on cifar10", "top-1 on the test images", "top-1, 95 % over seeds", ">ECE<", "difference in top-1", "95 % over images", "over images and classes, percentiles",
		"of 100 images and of 20 classes", "on the same images", "0.973", "The test images are of the classes that were trained on",
	} {
		if !strings.Contains(html, text) {
			t.Errorf("the report lacks %q", text)
		}
	}
	for _, bad := range []string{"R@1", "unseen classes</", "queries all others", "cross-entropy ", "introspective form"} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
	if len(list[0].Ablations) != 0 {
		t.Errorf("ablations: %+v", list[0].Ablations)
	}

	_, html, _ = texts(append(dirs, predictedRun(t, randomQueries(1, 0.5), form(idml.Plain, 0)), predictedRun(t, randomQueries(2, 0.5), form(idml.Paper, 0))))
	for _, text := range []string{"R@1 on unseen classes", "top-1 on the test images", "queries all others", "In classification, the test images", "the same queries."} {
		if !strings.Contains(html, text) {
			t.Errorf("the report of both lacks %q", text)
		}
	}
}

// An ablation is not for classification, nor is --mixup more than it says.
func TestGridOfClassifiers(t *testing.T) {
	if _, err := (experiment.Grid{Recipes: []string{"fashion10-baseline"}, Ablation: true}).Plan(); err == nil || !strings.Contains(err.Error(), "classification") {
		t.Errorf("an ablation: %v", err)
	}
	p, err := experiment.Grid{Recipes: []string{"fashion10-cutmix"}, Forms: []idml.Form{idml.Plain, idml.Released}, Mixups: []bool{true, false}, Seeds: []uint64{3}}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Runs {
		got = append(got, fmt.Sprint(r.Name, " ", r.Config.Metric.Form, " ", r.Config.Mixing.Method, " ", r.Config.Seed))
	}
	want := []string{"plain/mixup plain mixup 3", "plain/no-mixup plain none 3", "released/mixup released mixup 3", "released/no-mixup released none 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The report of a run is headed by what was trained.
func TestReportTitle(t *testing.T) {
	for want, dir := range map[string]string{
		"<title>fashion: classification, released logits, cutmix</title>": classifierRun(t, "fashion10-idml-cutmix", 0, ranked(0, 0.5), nil),
		"<title>fashion: classification, plain logits</title>":            classifierRun(t, "fashion10-baseline", 0, ranked(0, 0.5), nil),
		"<title>glyphs: proxy-anchor, released metric, mixup</title>":     fakeRun(t, 0.5, runlog.StatusFinished, func(*idml.Config) {}),
	} {
		file, err := experiment.Report(dir)
		if err != nil {
			t.Fatal(err)
		}
		if html, err := os.ReadFile(file); err != nil || !strings.Contains(string(html), want) {
			t.Errorf("%s lacks %s: %v", file, want, err)
		}
	}
}
