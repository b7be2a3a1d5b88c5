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
	err = run.WriteResults(runlog.Results{Status: status, Rows: []runlog.Row{
		row(runlog.RowRawPixels, 0.3), row(runlog.RowUntrained, 0.1+float64(cfg.Seed)/100), row(runlog.RowLast, recall), row(runlog.RowBest, 0.99),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCompare(t *testing.T) {
	var dirs []string
	for i, form := range []idml.Form{idml.Paper, idml.Plain} {
		for seed := range uint64(3) {
			dirs = append(dirs, fakeRun(t, 0.5+float64(i)/10+float64(seed)/10, runlog.StatusFinished, func(c *idml.Config) {
				c.Metric.Form, c.Seed, c.Data.Workers, c.Mixing.Mixup = form, seed, int(seed)+1, form == idml.Paper
			}))
		}
	}
	dirs = append(dirs, fakeRun(t, 0.9, runlog.StatusFinished, func(c *idml.Config) { c.Metric.Form, c.Metric.Tau, c.Mixing.Mixup = idml.Paper, 1, false }))
	groups, err := experiment.Compare(dirs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprintf("%s: %d %.3f %.3f", g.Name, len(g.Seeds), g.Mean("recall@1"), g.Deviation("recall@1")))
	}
	want := []string{
		"raw pixels: 1 0.300 NaN",
		"untrained network: 3 0.110 0.010",
		"proxy-anchor paper + mixup, metric.tau=5: 3 0.600 0.100",
		"proxy-anchor plain, metric.tau=5: 3 0.700 0.100",
		"proxy-anchor paper, metric.tau=1: 1 0.900 NaN",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if !math.IsNaN(groups[2].Mean("nmi")) {
		t.Error("a metric that no run has should have no mean")
	}
}

func TestCompareErrors(t *testing.T) {
	same := func(*idml.Config) {}
	finished := fakeRun(t, 0.5, runlog.StatusFinished, same)
	for name, test := range map[string]struct {
		dirs []string
		want string
	}{
		"no runs":        {nil, "no runs"},
		"no run folder":  {[]string{t.TempDir()}, "config.json"},
		"unfinished":     {[]string{fakeRun(t, 0.5, runlog.StatusStopped, same)}, "not finished"},
		"same seed":      {[]string{finished, fakeRun(t, 0.6, runlog.StatusFinished, same)}, "repeats"},
		"other datasets": {[]string{finished, fakeRun(t, 0.6, runlog.StatusFinished, func(c *idml.Config) { c.Data.Name = "fashion" })}, "fashion"},
	} {
		if _, err := experiment.Compare(test.dirs); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}
