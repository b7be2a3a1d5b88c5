// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
)

// fakeRun writes a run folder with a result and no model.
func fakeRun(t *testing.T, recall float64, status string, change func(*idml.Config)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg := idml.Glyphs()
	change(&cfg)
	if err := run.WriteConfig(cfg); err != nil {
		t.Fatal(err)
	}
	row := func(name string, r float64) runlog.Row {
		return runlog.Row{Name: name, Metrics: map[string]float64{"recall@1": r}}
	}
	err = run.WriteResults(runlog.Results{Status: status, Seconds: 10, Published: cfg.Published(), PublishedSource: cfg.PublishedSource(), Rows: []runlog.Row{
		row(runlog.RowRawPixels, 0.3), row(runlog.RowUntrained, 0.1+float64(cfg.Seed)/100), row(runlog.RowLast, recall), row(runlog.RowBest, 0.99),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// compareOne compares runs on one dataset.
func compareOne(t *testing.T, dirs []string) *experiment.Comparison {
	t.Helper()
	list, err := experiment.Compare(dirs)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d datasets", len(list))
	}
	return list[0]
}

func TestCompare(t *testing.T) {
	var dirs []string
	for i, form := range []idml.Form{idml.Paper, idml.Plain} {
		for seed := range uint64(3) {
			dirs = append(dirs, fakeRun(t, 0.5+float64(i)/10+float64(seed)/10, runlog.StatusFinished, func(c *idml.Config) {
				c.Metric.Form, c.Seed, c.Data.Workers, c.Mixing.Method = form, seed, int(seed)+1, mixedIf(form == idml.Paper)
			}))
		}
	}
	dirs = append(dirs, fakeRun(t, 0.9, runlog.StatusFinished, func(c *idml.Config) { c.Metric.Form, c.Metric.Tau, c.Mixing.Method = idml.Paper, 1, idml.NoMixing }))
	c := compareOne(t, dirs)
	if c.Data != "glyphs" || c.Seconds != 70 {
		t.Errorf("%s, trained for %v s", c.Data, c.Seconds)
	}
	var got []string
	for _, g := range c.Groups {
		got = append(got, fmt.Sprintf("%s: %d %.3f %.3f %s", g.Name, len(g.Seeds), g.Mean("recall@1"), g.Deviation("recall@1"), experiment.IntervalText(g.Interval("recall@1"))))
	}
	want := []string{
		"raw pixels: 1 0.300 NaN –",
		"untrained network: 3 0.110 0.010 [0.085, 0.135]",
		"proxy-anchor paper + mixup, metric.tau=5: 3 0.600 0.100 [0.352, 0.848]",
		"proxy-anchor plain, metric.tau=5: 3 0.700 0.100 [0.452, 0.948]",
		"proxy-anchor paper, metric.tau=1: 1 0.900 NaN –",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if g := c.Groups[2]; !math.IsNaN(g.Mean("nmi")) || !math.IsNaN(g.Deviation("nmi")) || g.Interval("nmi").Exists() {
		t.Error("a metric that no run has should have no mean")
	}
}

// What follows from the loss, such as its own settings, or from another setting is not in the names.
func TestCompareNames(t *testing.T) {
	var dirs []string
	for _, loss := range []string{"triplet", "proxy-anchor"} {
		for _, epochs := range []int{20, 40} {
			dirs = append(dirs, fakeRun(t, 0.5, runlog.StatusFinished, func(c *idml.Config) {
				if err := c.UseLoss(loss); err != nil {
					t.Fatal(err)
				}
				c.Metric.Form, c.Epochs, c.Optimizer.DecayEvery, c.Mixing.Method = idml.Plain, epochs, epochs/2, idml.NoMixing
			}))
		}
	}
	var got []string
	for _, g := range compareOne(t, dirs).Groups[2:] {
		got = append(got, g.Name)
	}
	want := []string{"triplet plain, epochs=20", "triplet plain, epochs=40", "proxy-anchor plain, epochs=20", "proxy-anchor plain, epochs=40"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each dataset is compared by itself; a published one is the same wherever it lies, another folder of images is another dataset.
func TestCompareDatasets(t *testing.T) {
	on := func(name, folder string, seed uint64) string {
		return fakeRun(t, 0.5, runlog.StatusFinished, func(c *idml.Config) { c.Data.Name, c.Data.Folder, c.Seed = name, folder, seed })
	}
	list, err := experiment.Compare([]string{on("cub", "/a", 0), on("fashion", "", 0), on("cub", "/b/c", 1), on("folder", "/a", 0), on("folder", "/a/", 1), on("folder", "/b", 0)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprint(c.Data, " ", c.Groups[2].Seeds))
	}
	if diff := cmp.Diff([]string{"cub [0 1]", "fashion [0]", "folder in /a [0 1]", "folder in /b [0]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if published := list[0].Groups[2].Published["recall@1"]; published != 0.707 || list[1].Groups[2].Published != nil {
		t.Errorf("published of cub: %v; of fashion: %v", published, list[1].Groups[2].Published)
	}
}

func TestCompareErrors(t *testing.T) {
	same := func(*idml.Config) {}
	finished := fakeRun(t, 0.5, runlog.StatusFinished, same)
	for name, test := range map[string]struct {
		dirs []string
		want string
	}{
		"no runs":       {nil, "no runs"},
		"no run folder": {[]string{t.TempDir()}, "config.json"},
		"unfinished":    {[]string{fakeRun(t, 0.5, runlog.StatusStopped, same)}, "not finished"},
		"same seed":     {[]string{finished, fakeRun(t, 0.6, runlog.StatusFinished, same)}, "repeats"},
	} {
		if _, err := experiment.Compare(test.dirs); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestComparisonGroup(t *testing.T) {
	run := func(change func(*idml.Config)) string { return fakeRun(t, 0.5, runlog.StatusFinished, change) }
	c := compareOne(t, []string{
		run(func(c *idml.Config) { c.Metric.Form = idml.Paper }),
		run(func(c *idml.Config) { c.Metric.Form, c.Mixing.Method = idml.Paper, idml.NoMixing }),
		run(func(c *idml.Config) { c.Metric.Form = idml.Released }),
	})
	for text, want := range map[string]string{
		"released": "proxy-anchor released + mixup", "paper + mixup": "proxy-anchor paper + mixup", "proxy-anchor paper": "proxy-anchor paper", // the whole name
		"paper": "", "proxy-anchor": "", "plain": "", "raw pixels": "", "untrained": "",
	} {
		g, err := c.Group(text)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "proxy-anchor released + mixup")):
			t.Errorf("%q: %v, want an error with the names", text, err)
		case want != "" && (err != nil || g.Name != want):
			t.Errorf("%q: %v, %v, want %s", text, g, err, want)
		}
	}
}

// The folder of a sweep stands for its finished runs.
func TestRunFolders(t *testing.T) {
	dir, plan := t.TempDir(), planOf(t, nil)
	if err := plan.Store(dir); err != nil {
		t.Fatal(err)
	}
	experiment.Sweep(t.Context(), dir, plan.Runs[:3], sweepOptions(&trainer{stop: plan.Runs[1].Name}, 1))
	runs, notes, err := experiment.RunFolders([]string{"elsewhere", dir})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"elsewhere", filepath.Join(dir, plan.Runs[0].Name), filepath.Join(dir, plan.Runs[2].Name)}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "2 of 4 runs") || !strings.Contains(notes[0], "idml sweep --resume "+dir) {
		t.Errorf("notes: %q", notes)
	}
}

// mixedIf returns the method of mixing of a configuration that mixes or not.
func mixedIf(mixes bool) string {
	if mixes {
		return idml.Mixup
	}
	return idml.NoMixing
}
