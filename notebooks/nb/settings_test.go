// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
)

func TestSettingsTable(t *testing.T) {
	cub, cars := idml.CUB(), idml.Cars()
	cub.Seed = 1<<63 + 1 // has more digits than a float64
	heads, rows := settingsTable([]idml.Config{cub, cars}, []string{"a", "b"}, []string{"seed", "data.folder", "model.backbone.blocks", "optimizer.lr", "data.name"})
	want := [][]string{
		{"seed", "9223372036854775809", "0"},
		{"data.folder", `""`, `""`},
		{"model.backbone.blocks", "[3,4,6,3]", "[3,4,6,3]"},
		{"optimizer.lr", "0.0006", "0.00025"},
		{"data.name", "cub", "cars"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"", "a", "b"}, heads); diff != "" {
		t.Error(diff)
	}
	if panics(func() { settingsTable([]idml.Config{cub}, []string{"a"}, []string{"optimizer.speed"}) }) == nil {
		t.Error("a setting that there is not")
	}
}

func TestDifferences(t *testing.T) {
	if got := Differences(idml.CUB(), idml.CUB()); got != nil {
		t.Errorf("a recipe differs from itself in %v", got)
	}
	want := []string{"data.name", "optimizer.decay_every", "optimizer.decay_factor", "optimizer.lr", "recalls", "recipe"}
	if diff := cmp.Diff(want, Differences(idml.CUB(), idml.CUB(), idml.SOP(), idml.Cars())); diff != "" {
		t.Error(diff)
	}
}

func TestChangesOfUnknownRecipe(t *testing.T) {
	cfg := idml.CUB()
	cfg.Epochs = 1
	if err := Changes([]idml.Config{cfg}); err != nil {
		t.Error(err)
	}
	cfg.Recipe = "own"
	if err := Changes([]idml.Config{cfg}); err == nil {
		t.Error("changes of a recipe that there is not")
	}
}

func TestPublishedTable(t *testing.T) {
	_, rows := publishedTable([]idml.Config{idml.CUB(), idml.SOP(), idml.Glyphs()}, []string{"cub", "sop", "glyphs"})
	want := [][]string{
		{"R@1", "0.707", "0.815", "–"},
		{"R@2", "0.802", "–", "–"},
		{"R@4", "0.879", "–", "–"},
		{"R@10", "–", "0.927", "–"},
		{"RP", "0.393", "0.548", "–"},
		{"MAP@R", "0.284", "0.513", "–"},
		{"NMI", "0.735", "0.923", "–"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	for _, c := range []idml.Config{idml.CUB(), idml.Cars(), idml.SOP()} { // nothing published is left out
		_, rows := publishedTable([]idml.Config{c}, []string{"x"})
		if len(rows) != len(c.Published()) {
			t.Errorf("%s: %d rows of %d published metrics", c.Recipe, len(rows), len(c.Published()))
		}
	}
}

func TestMetrics(t *testing.T) {
	if diff := cmp.Diff([]string{"recall@1", "recall@10", "recall@100", "r_precision", "map@r", "nmi"}, Metrics(idml.SOP())); diff != "" {
		t.Error(diff)
	}
}

func TestMetricsOfClassification(t *testing.T) {
	c, err := idml.Recipe("cifar100-idml-cutmix")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"top@1", "top@5", "loss", "ece"}, Metrics(c)); diff != "" {
		t.Error(diff)
	}
	heads, rows := publishedTable([]idml.Config{c}, []string{"CIFAR-100"})
	if diff := cmp.Diff([][]string{{"", "CIFAR-100"}, {"top-1", "0.857"}, {"top-5", "0.972"}}, append([][]string{heads}, rows...)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}
