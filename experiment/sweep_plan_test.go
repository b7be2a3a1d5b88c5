// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
)

// planOf plans a grid of glyphs.
func planOf(t *testing.T, change func(*experiment.Grid)) *experiment.Plan {
	t.Helper()
	g := experiment.Grid{Recipes: []string{"glyphs"}, Forms: []idml.Form{idml.Plain, idml.Paper}, Seeds: []uint64{0, 1<<64 - 1}}
	if change != nil {
		change(&g)
	}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "sweep")
	if _, err := experiment.ReadPlan(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a plan: %v", err)
	}
	p := planOf(t, func(g *experiment.Grid) { g.Losses, g.Forms = []string{"margin", "proxy-nca"}, idml.Forms })
	if stored, err := p.Check(dir); stored || err != nil {
		t.Errorf("Check before: %v, %v", stored, err)
	}
	for range 2 { // the second time it is there
		if err := p.Store(dir); err != nil {
			t.Fatal(err)
		}
	}
	read, err := experiment.ReadPlan(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, read); diff != "" {
		t.Errorf("read back (-stored +read):\n%s", diff)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder has %v, want sweep.json alone", entries)
	}
}

// Programs that share a sweep may begin at the same moment: all go on with the same plan.
func TestPlanStoreAtOnce(t *testing.T) {
	dir := t.TempDir()
	p := planOf(t, nil)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if err := p.Store(dir); err != nil {
				t.Error(err)
			}
			if err := os.MkdirAll(filepath.Join(dir, "plain", "seed-0"), 0o777); err != nil { // the first begins a run
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestPlanStoreErrors(t *testing.T) {
	dir := t.TempDir()
	if err := planOf(t, nil).Store(dir); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*experiment.Grid)
		want   string
	}{
		"another setting": {func(g *experiment.Grid) { g.Settings = []string{"epochs=7"} }, "in plain/seed-0, epochs is 20, not 7"},
		"another seed":    {func(g *experiment.Grid) { g.Seeds[1]-- }, `it has no run "plain/seed-18446744073709551614"`},
		"other names":     {func(g *experiment.Grid) { g.Forms = g.Forms[1:] }, `it has no run "seed-0"`},
		"one more":        {func(g *experiment.Grid) { g.Forms = append(g.Forms, idml.Released) }, `it has no run "released/seed-0"`},
		"another order":   {func(g *experiment.Grid) { g.Seeds[0], g.Seeds[1] = g.Seeds[1], g.Seeds[0] }, "another order"},
	} {
		err := planOf(t, test.change).Store(dir)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "--resume "+dir) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}

	larger := t.TempDir()
	if err := planOf(t, func(g *experiment.Grid) { g.Seeds = append(g.Seeds, 5) }).Store(larger); err != nil {
		t.Fatal(err)
	}
	if err := planOf(t, nil).Store(larger); err == nil || !strings.Contains(err.Error(), `it also has the run "plain/seed-5"`) {
		t.Errorf("a smaller sweep: %v", err)
	}

	other := t.TempDir()
	writeFile(t, filepath.Join(other, "paper", "seed-0", "notes.txt"), []byte("mine"))
	if err := planOf(t, nil).Store(other); err == nil || !strings.Contains(err.Error(), filepath.Join("paper", "seed-0")) {
		t.Errorf("a folder in the way: %v", err)
	}
}

func TestReadPlanErrors(t *testing.T) {
	good := t.TempDir()
	if err := planOf(t, nil).Store(good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(good, experiment.PlanFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"cut off":          {string(whole[100:]), "", "JSON"},
		"another version":  {`"version": 1`, `"version": 9`, "version 9"},
		"a missing value":  {`"epochs": 20,`, "", `run plain/seed-0: config: it lacks the setting "epochs"`},
		"outside":          {`"plain/seed-0"`, `"../plain"`, "no name"},
		"the folder alone": {`"plain/seed-0"`, `"."`, "no name"},
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, experiment.PlanFile), []byte(strings.Replace(string(whole), test.old, test.new, 1)))
		if _, err := experiment.ReadPlan(dir); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}
