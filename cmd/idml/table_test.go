// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml/runlog"
)

// printed is what env prints of a run.
func printed(results *runlog.Results) string {
	var out bytes.Buffer
	env := &environment{stdout: &out}
	env.printRun(results)
	return out.String()
}

func TestPrintRetrieval(t *testing.T) {
	got := printed(&runlog.Results{
		BestChosenOn: runlog.ChosenOnTest, Published: map[string]float64{"recall@1": 0.707}, PublishedSource: "a paper",
		Rows: []runlog.Row{
			{Name: runlog.RowRawPixels, Metrics: map[string]float64{"recall@1": 0.25, "recall@10": 0.5, "map@r": 0.125, "r_precision": 0.2}},
			{Name: runlog.RowBest, Epoch: 3, Metrics: map[string]float64{"recall@1": 0.5, "nmi": 0.75, "f1": 0.1, "ami": 0.3}},
		},
	})
	want := `                R@1   R@10     RP  MAP@R    NMI    AMI     F1
  raw pixels  0.250  0.500  0.200  0.125      –      –      –
  best epoch  0.500      –      –      –  0.750  0.300  0.100
   published  0.707      –      –      –      –      –      –
published: a paper
the best epoch was chosen on the test classes
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrintClassification(t *testing.T) {
	got := printed(&runlog.Results{
		BestChosenOn: runlog.ChosenOnTestImages,
		Rows: []runlog.Row{
			{Name: runlog.RowRawPixels, Metrics: map[string]float64{"top@1": 0.677, "top@5": 0.975, "queries": 10000}},
			{Name: runlog.RowBest, Epoch: 3, Metrics: map[string]float64{"top@1": 0.91, "top@5": 1, "loss": 0.3, "ece": 0.0251}},
			{Name: runlog.RowMean, Epoch: 5, Metrics: map[string]float64{"top@1": 0.9, "top@5": 1, "loss": 0.25, "ece": 0.03}},
		},
		Corrupted: []runlog.Row{{Name: "noise 1", Epoch: 5, Metrics: map[string]float64{"top@1": 0.5, "top@5": 0.75, "loss": 2.25, "ece": 0.1}}},
	})
	want := `                           top-1  top-5   loss    ECE
               raw pixels  0.677  0.975      –      –
               best epoch  0.910  1.000  0.300  0.025
  mean of the last epochs  0.900  1.000  0.250  0.030
                  noise 1  0.500  0.750  2.250  0.100
the best epoch was chosen on the test images
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReportTextOfAClassifier(t *testing.T) {
	for want, row := range map[string]runlog.Row{
		"finished, top-1 0.910 after epoch 3": {Epoch: 3, Metrics: map[string]float64{"top@1": 0.91, "top@5": 1}},
		"finished, R@1 0.500 after epoch 3":   {Epoch: 3, Metrics: map[string]float64{"recall@1": 0.5}},
	} {
		r := experiment.RunReport{State: experiment.RunFinished, Results: &runlog.Results{Rows: []runlog.Row{{Name: runlog.RowUntrained}, row}}}
		if got := reportText(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
