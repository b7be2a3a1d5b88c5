// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"slices"
	"testing"

	"introspection/idml"
	"introspection/idml/runlog"
)

func TestEvaluations(t *testing.T) {
	dir := t.TempDir()
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig(idml.Glyphs()); err != nil {
		t.Fatal(err)
	}
	for _, r := range []runlog.Record{
		{Kind: runlog.KindEval, Metrics: map[string]float64{"recall@1": 0.1}},
		{Kind: runlog.KindStep, Epoch: 1, Step: 5, Loss: 3},
		{Kind: runlog.KindEval, Epoch: 1, Metrics: map[string]float64{"recall@1": 0.4}},
	} {
		if err := run.AppendRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Evaluations(dir, "recall@1", "a run")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "a run" || !slices.Equal(s.X, []float64{0, 1}) || !slices.Equal(s.Y, []float64{0.1, 0.4}) {
		t.Errorf("series %+v", s)
	}
	if _, err := Evaluations(dir, "top@1", ""); err == nil {
		t.Error("a metric that no evaluation has")
	}
	if _, err := CompareRuns(dir); err == nil {
		t.Error("a run without results was compared")
	}
}
