// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"image/color"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/plots"
)

func TestPanels(t *testing.T) {
	records := []runlog.Record{
		{Kind: runlog.KindEval, Metrics: map[string]float64{"recall@1": 0.1}},
		{Kind: runlog.KindStep, Epoch: 1, Step: 5, Loss: 8},
		{Kind: runlog.KindStep, Epoch: 1, Step: 10, Loss: 6},
		{Kind: runlog.KindEval, Epoch: 1, Step: 10, Metrics: map[string]float64{"recall@1": 0.5, "nmi": 0.7}},
		{Kind: runlog.KindStep, Epoch: 2, Step: 20, Loss: 4},
	}
	results := runlog.Results{Rows: []runlog.Row{
		{Name: runlog.RowRawPixels, Metrics: map[string]float64{"recall@1": 0.3}},
		{Name: runlog.RowLast, Metrics: map[string]float64{"recall@1": 0.5}},
	}}
	loss := plots.Panel{YLabel: "training loss", Series: []plots.Series{
		{Name: "steps", X: []float64{0.5, 1, 2}, Y: []float64{8, 6, 4}, Background: true},
		{Name: "mean of an epoch", X: []float64{0.5, 1.5}, Y: []float64{7, 4}},
	}}
	if diff := cmp.Diff(loss, Loss(records)); diff != "" {
		t.Error(diff)
	}
	recall := plots.Panel{
		YLabel: "R@1, unseen classes", FromZero: true,
		Series: []plots.Series{{Name: "R@1", X: []float64{0, 1}, Y: []float64{0.1, 0.5}}},
		Rules:  []plots.Rule{{Name: "raw pixels", Y: 0.3}},
	}
	if diff := cmp.Diff(recall, Metric(records, results, "recall@1")); diff != "" {
		t.Error(diff)
	}
	if p := Metric(records, results, "nmi"); len(p.Rules) != 0 || len(p.Series[0].X) != 1 {
		t.Errorf("panel of NMI: %+v", p)
	}
}

// grays returns a dataset of 2 × 1 pixels; image i is of the gray level i, image 9 is broken.
func grays(examples []datasets.Example) *datasets.Dataset {
	return datasets.New("grays", []string{"a"}, examples, func(i int) (*datasets.RGB, error) {
		if i == 9 {
			return nil, errors.New("broken")
		}
		img := datasets.NewRGB(2, 1)
		for k := range img.Pix {
			img.Pix[k] = uint8(i)
		}
		return img, nil
	})
}

func TestQueries(t *testing.T) {
	images := grays(make([]datasets.Example, 10))
	near := []runlog.Neighbor{{Index: 3, Correct: true, Alpha: 0.5, Beta: 2, Similarity: 0.8}, {Index: 4}, {Index: 5}}
	got, err := Queries(images, []runlog.Prediction{
		{Index: 7, Uncertainty: 1.5, Nearest: near},
		{Index: 8, Ambiguity: "blur", Amount: 0.456, Nearest: near[:1]},
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0].Hits) != 2 || len(got[1].Hits) != 1 {
		t.Fatalf("queries %+v", got)
	}
	if got[0].Note != "clear" || got[1].Note != "blur 0.46" || got[0].Uncertainty != 1.5 {
		t.Errorf("queries %+v", got)
	}
	hit := got[0].Hits[0]
	if !hit.Correct || hit.Alpha != 0.5 || hit.Beta != 2 || hit.Similarity != 0.8 {
		t.Errorf("hit %+v", hit)
	}
	if c := hit.Image.At(1, 0); c != (color.NRGBA{3, 3, 3, 255}) {
		t.Errorf("the hit's picture is %v", c)
	}
	if c := got[1].Image.At(0, 0); c != (color.NRGBA{8, 8, 8, 255}) {
		t.Errorf("the query's picture is %v", c)
	}
	for name, p := range map[string]runlog.Prediction{"query": {Index: 9}, "hit": {Nearest: []runlog.Neighbor{{Index: 9}}}} {
		if _, err := Queries(images, []runlog.Prediction{p}, 1); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("a broken %s: error %v", name, err)
		}
	}
}
