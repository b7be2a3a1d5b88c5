// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
	"introspection/plots"
)

// glyphTrial is an untrained network on glyphs of 16 × 16 pixels, with a run folder.
func glyphTrial(t *testing.T) trial {
	t.Helper()
	cfg := idml.Glyphs()
	cfg.Data.ImageSize = 16
	cfg.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Bottleneck, Width: 4, Blocks: []int{1}}
	cfg.Model.EmbeddingSize = 8
	cfg.Metric.Form = idml.Paper
	task, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m, err := idml.NewModel(cfg, len(task.Split.Train.Classes))
	if err != nil {
		t.Fatal(err)
	}
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	return trial{backend: backendtest.Open(t), run: run, config: cfg, task: task, model: m}
}

// Row i of the raw pixels is test image i, the last ones in a shorter batch, whatever order the workers end in.
func TestRawPixelsOrder(t *testing.T) {
	tr := glyphTrial(t)
	tr.task.test.Workers = 3
	pixels, labels, err := rawPixels(t.Context(), tr.task.test.Epoch(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	test := tr.task.Split.Test
	n := len(test.Examples)
	if pixels.Rows != n || pixels.Cols != 16*16*3 || !slices.Equal(labels, test.Labels()) {
		t.Fatalf("%d × %d pixels, %d labels of %d images", pixels.Rows, pixels.Cols, len(labels), n)
	}
	for i := range n {
		img, err := test.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range pixels.Row(i) {
			if v != float32(img.Pix[k])+1 {
				t.Fatalf("value %d of row %d is %v, the image's is %d", k, i, v, img.Pix[k])
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := rawPixels(ended, tr.task.test.Epoch(0, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// Predictions agree with a plain search over the embeddings in float64, tell each image's known ambiguity, and come with the thumbnails
// that a report shows.
func TestPredictionsOfGlyphs(t *testing.T) {
	tr := glyphTrial(t)
	if _, err := tr.evaluate(t.Context()); err != nil {
		t.Fatal(err)
	}
	predictions, err := tr.run.Predictions()
	test := tr.task.Split.Test
	if err != nil || len(predictions) != len(test.Examples) {
		t.Fatalf("%d predictions of %d images, %v", len(predictions), len(test.Examples), err)
	}
	embedder, err := idml.NewEmbedder(tr.backend, tr.model)
	if err != nil {
		t.Fatal(err)
	}
	e, err := embedder.Embed(t.Context(), tr.task.test.Epoch(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	ambiguous := map[string]int{}
	for i, p := range predictions {
		a := test.Examples[i].Ambiguity
		if p.Index != i || p.Name != test.Examples[i].Name || p.Label != test.Examples[i].Label || p.Class != test.Classes[p.Label] ||
			p.Ambiguity != string(a.Kind) || p.Amount != a.Amount {
			t.Fatalf("prediction %+v of %+v", p, test.Examples[i])
		}
		ambiguous[p.Ambiguity]++
		if want := norm(row(e.Uncertainty, i)); p.Uncertainty != want {
			t.Fatalf("the uncertainty of %d is %v, want ‖u‖ = %v", i, p.Uncertainty, want)
		}
		if i%40 == 0 { // a plain search takes a while
			checkNearest(t, tr.config.Metric, e, p)
		}
	}
	if len(ambiguous) != 4 || ambiguous[""] < len(predictions)/2 {
		t.Errorf("kinds of ambiguity: %v", ambiguous)
	}
	shown := plots.Shown(predictions)
	for i := range predictions {
		img, err := tr.run.Thumbnail(i)
		if slices.Contains(shown, i) != (err == nil) || err == nil && img.Bounds().Dx() != 16 {
			t.Errorf("thumbnail %d: %v", i, err)
		}
	}
}

// checkNearest compares the neighbors of a prediction with those of a plain search, and α, β and the similarity with their formulas.
func checkNearest(t *testing.T, metric idml.Metric, e *idml.Embedded, p runlog.Prediction) {
	t.Helper()
	distance := func(m retrieval.Matrix, j int, sign float64) float64 {
		var sum float64
		for k, v := range row(m, p.Index) {
			d := float64(v) + sign*float64(row(m, j)[k])
			sum += d * d
		}
		return math.Sqrt(sum)
	}
	var all []float64
	for j := range e.Labels {
		if j != p.Index {
			all = append(all, distance(e.Semantic, j, -1))
		}
	}
	slices.Sort(all)
	if len(p.Nearest) != nearestKept || p.Correct != p.Nearest[0].Correct {
		t.Fatalf("prediction %d: %+v", p.Index, p)
	}
	for k, n := range p.Nearest {
		alpha, beta := distance(e.Semantic, n.Index, -1), distance(e.Uncertainty, n.Index, 1)
		if math.Abs(alpha-all[k]) > 1e-5 || math.Abs(n.Alpha-alpha) > 1e-9 || math.Abs(n.Beta-beta) > 1e-9 ||
			n.Similarity != metric.Similarity(n.Alpha, n.Beta) || n.Correct != (e.Labels[n.Index] == p.Label) || n.Index == p.Index {
			t.Errorf("neighbor %d of %d: %+v, want α %v (the search's: %v) and β %v", k, p.Index, n, alpha, all[k], beta)
		}
	}
}
