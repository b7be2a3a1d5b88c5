// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
)

func TestTrainingPanels(t *testing.T) {
	records := []runlog.Record{
		{Kind: runlog.KindEval, Metrics: map[string]float64{"recall@1": 0.1}},
		{Kind: runlog.KindStep, Epoch: 1, Step: 5, Loss: 8},
		{Kind: runlog.KindStep, Epoch: 1, Step: 10, Loss: 6},
		{Kind: runlog.KindEval, Epoch: 1, Step: 10, Metrics: map[string]float64{"recall@1": 0.5, "nmi": 0.7}},
		{Kind: runlog.KindStep, Epoch: 2, Step: 15, Loss: 4}, // an epoch under way
	}
	results := &runlog.Results{Rows: []runlog.Row{
		{Name: runlog.RowRawPixels, Metrics: map[string]float64{"recall@1": 0.3}},
		{Name: runlog.RowLast, Metrics: map[string]float64{"recall@1": 0.5}},
	}}
	loss := Panel{YLabel: "training loss", Series: []Series{
		{Name: "each step", X: []float64{0.5, 1, 1.5}, Y: []float64{8, 6, 4}, Background: true},
		{Name: "mean of epoch", X: []float64{0.5, 1.25}, Y: []float64{7, 4}},
	}}
	recall := Panel{
		YLabel: "R@1 on unseen classes", FromZero: true,
		Series: []Series{{Name: "R@1", X: []float64{0, 1}, Y: []float64{0.1, 0.5}}},
		Rules:  []Rule{{Name: "R@1 of raw pixels", Y: 0.3}},
	}
	if diff := cmp.Diff([]Panel{loss, recall}, TrainingPanels(records, results)); diff != "" {
		t.Error(diff)
	}
	recall.Rules = nil
	if diff := cmp.Diff([]Panel{loss, recall}, TrainingPanels(records, nil)); diff != "" {
		t.Errorf("without results: %s", diff)
	}
	if panels := TrainingPanels(records[:1], nil); len(panels) != 1 {
		t.Errorf("without steps: %d panels", len(panels))
	}
	if panels := TrainingPanels(nil, results); len(panels) != 0 {
		t.Errorf("without records: %d panels", len(panels))
	}
}
