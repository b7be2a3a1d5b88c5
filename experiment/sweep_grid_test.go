// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
)

// runNames lists the names of runs.
func runNames(runs []experiment.PlannedRun) (names []string) {
	for _, r := range runs {
		names = append(names, r.Name)
	}
	return names
}

func TestGridPlan(t *testing.T) {
	g := experiment.Grid{
		Recipes: []string{"glyphs"}, Losses: []string{"triplet", "proxy-anchor"}, Forms: []idml.Form{idml.Plain, idml.Released},
		Settings: []string{"epochs=3", "loss.margin=0.25"}, Seeds: []uint64{7, 0},
	}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"triplet/plain/seed-7", "proxy-anchor/plain/seed-7", "proxy-anchor/released/seed-7",
		"triplet/plain/seed-0", "proxy-anchor/plain/seed-0", "proxy-anchor/released/seed-0",
	}
	if diff := cmp.Diff(want, runNames(p.Runs)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if len(p.LeftOut) != 2 || p.LeftOut[0].Name != "triplet/released/seed-7" || !strings.Contains(p.LeftOut[0].Reason, "released") {
		t.Errorf("left out: %+v", p.LeftOut)
	}
	c := idml.Glyphs()
	if err := c.UseLoss("triplet"); err != nil {
		t.Fatal(err)
	}
	c.Epochs, c.Loss.Margin, c.Metric.Form, c.Seed = 3, 0.25, idml.Plain, 7
	if diff := cmp.Diff(c, p.Runs[0].Config); diff != "" {
		t.Errorf("the first run (-want +got):\n%s", diff)
	}
}

// What doesn't vary is not in names; what does is, so that a shell and a file system take it, and never twice.
func TestGridNames(t *testing.T) {
	base := idml.Glyphs()
	long := "weights/" + strings.Repeat("a", 100)
	for _, test := range []struct {
		name string
		grid experiment.Grid
		want []string
	}{
		{"one", experiment.Grid{Base: &base}, []string{"run"}},
		{"one of each", experiment.Grid{Recipes: []string{"fashion"}, Seeds: []uint64{3}, Mixups: []bool{false}}, []string{"run"}},
		{"mixup", experiment.Grid{Base: &base, Mixups: []bool{true, false}}, []string{"mixup", "no-mixup"}},
		{"recipes", experiment.Grid{Recipes: []string{"fashion", "glyphs"}}, []string{"fashion", "glyphs"}},
		{"lists", experiment.Grid{Base: &base, Axes: []experiment.GridAxis{{Key: "model.backbone.blocks", Values: []string{"[1,1]", "[1, 2]"}}}}, []string{
			"model.backbone.blocks=-1-1", "model.backbone.blocks=-1--2",
		}},
		{"alike", experiment.Grid{Base: &base, Axes: []experiment.GridAxis{{Key: "model.weights", Values: []string{"a/b", "a:b", "A:B", "", "../x"}}}}, []string{
			"model.weights=a-b", "model.weights=a-b-2", "model.weights=A-B-3", "model.weights=", "model.weights=..-x",
		}},
		{"long", experiment.Grid{Base: &base, Axes: []experiment.GridAxis{{Key: "model.weights", Values: []string{long + "1", long + "2"}}}}, []string{
			("model.weights=weights-" + strings.Repeat("a", 100))[:80], ("model.weights=weights-" + strings.Repeat("a", 100))[:80] + "-2",
		}},
	} {
		p, err := test.grid.Plan()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, runNames(p.Runs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestGridErrors(t *testing.T) {
	base := idml.Glyphs()
	axis := func(key string, values ...string) []experiment.GridAxis {
		return []experiment.GridAxis{{Key: key, Values: values}}
	}
	for name, test := range map[string]struct {
		grid experiment.Grid
		want string
	}{
		"nothing to begin with": {experiment.Grid{}, "recipes"},
		"two beginnings":        {experiment.Grid{Base: &base, Recipes: []string{"glyphs"}}, "not both"},
		"unknown recipe":        {experiment.Grid{Recipes: []string{"birds"}}, `"birds"`},
		"unknown loss":          {experiment.Grid{Base: &base, Losses: []string{"proxy-anchor", "quadruplet"}}, "--loss quadruplet: loss.name"},
		"unknown form":          {experiment.Grid{Base: &base, Forms: []idml.Form{"papr", "plain"}}, "--metric papr"},
		"unknown key":           {experiment.Grid{Base: &base, Axes: axis("optimizer.rate", "1")}, "lr, momentum"},
		"a group":               {experiment.Grid{Base: &base, Axes: axis("optimizer", "1")}, "group"},
		"impossible value":      {experiment.Grid{Base: &base, Axes: axis("epochs", "1", "0")}, "--grid epochs epochs=0"},
		"impossible setting":    {experiment.Grid{Base: &base, Settings: []string{"epochs=0"}}, "epochs is 0"},
		"unknown setting":       {experiment.Grid{Base: &base, Settings: []string{"speed=1"}}, `"speed"`},
		"twice the same seed":   {experiment.Grid{Base: &base, Seeds: []uint64{1, 2, 1}}, "the same settings"},
		"an ablation of forms":  {experiment.Grid{Base: &base, Ablation: true, Forms: idml.Forms}, "ablation"},
		"only what can't be":    {experiment.Grid{Base: &base, Losses: []string{"triplet"}, Forms: []idml.Form{idml.Released}}, "there is no run"},
	} {
		if _, err := test.grid.Plan(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

// Photographs lie where --data says, embedded images nowhere.
func TestGridData(t *testing.T) {
	p, err := experiment.Grid{Recipes: []string{"glyphs", "cub", "sop", "folder"}, Data: "photos"}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Runs {
		got = append(got, r.Name+" "+r.Config.Data.Name+" "+r.Config.Data.Folder)
	}
	photos, err := filepath.Abs("photos")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"glyphs glyphs ", "cub cub " + photos, "sop sop " + photos, "folder folder " + photos}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAblationArms(t *testing.T) {
	for _, test := range []struct {
		loss     string
		constant idml.Form
	}{{"proxy-anchor", idml.Released}, {"proxy-nca", idml.Released}, {"contrastive", idml.Constant}, {"multi-similarity", idml.Constant}} {
		p, err := experiment.Grid{Recipes: []string{"glyphs"}, Losses: []string{test.loss}, Ablation: true, Settings: []string{"warmup_epochs=2", "optimizer.decay_at=[5,8]"}}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range p.Runs {
			c := r.Config
			got = append(got, fmt.Sprint(r.Name, " ", c.Metric.Form, " ", c.Mixing.Method, " ", c.Epochs, c.WarmupEpochs, c.EvaluateEvery, c.Optimizer.DecayEvery, c.Optimizer.DecayAt))
		}
		want := []string{
			"equal-compute plain none 40 4 2 28 [10 16]", "mixup plain mixup 20 2 1 14 [5 8]",
			"constant " + string(test.constant) + " mixup 20 2 1 14 [5 8]", "introspective paper mixup 20 2 1 14 [5 8]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.loss, diff)
		}
	}
}

// Shares part the runs: each is in one, and none is larger than another by more than one.
func TestPlanShare(t *testing.T) {
	p, err := experiment.Grid{Recipes: []string{"glyphs"}, Losses: idml.LossNames(), Forms: []idml.Form{idml.Plain, idml.Paper}, Seeds: []uint64{0, 1, 2}}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Runs) != 42 {
		t.Fatalf("%d runs, want 7 × 2 × 3", len(p.Runs))
	}
	for of := 1; of <= 50; of++ {
		var all []string
		for share := range of {
			runs := runNames(p.Share(share, of))
			if len(runs) < 42/of || len(runs) > (42+of-1)/of {
				t.Errorf("share %d of %d has %d runs", share, of, len(runs))
			}
			all = append(all, runs...)
		}
		slices.Sort(all)
		want := runNames(p.Runs)
		slices.Sort(want)
		if !slices.Equal(all, want) {
			t.Errorf("%d shares are not the whole", of)
		}
	}
}
