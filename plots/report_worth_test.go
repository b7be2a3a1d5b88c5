// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
	"introspection/plots"
)

// fakeUncertainty returns what was measured of the predictions of fakeRun, with numbers drawn with a fixed seed.
func fakeUncertainty() runlog.Uncertainty {
	rng := rand.New(rand.NewPCG(6, 7))
	scores, wrong := make([]float64, 80), make([]bool, 80)
	for i := range scores {
		scores[i], wrong[i] = rng.Float64(), rng.IntN(3) == 0
	}
	b := uncertainty.Bootstrap{Resamples: 40}
	reject := uncertainty.NewReject(scores, wrong, 10, b)
	u := runlog.Uncertainty{
		Checkpoint: runlog.Checkpoint{Epoch: 10, Step: 200, SHA256: "aa"}, Seed: 7, Images: 80, Classes: 5, Unseen: "clothing", Right: 1 - reject.Error.Value, Wrong: "wrong R@1",
		Over: runlog.OverClasses, Resamples: 40, Scores: []runlog.UncertaintyScore{{Name: "norm", Title: "‖u‖"}, {Name: "proxy", Title: "proxy distance"}},
		Reject: map[string]uncertainty.Reject{"norm": reject, "proxy": reject}, Clean: scores,
	}
	add := func(quantity, of string, chance float64, norm, proxy uncertainty.Estimate) {
		u.Measures = append(u.Measures, runlog.UncertaintyMeasure{
			Quantity: quantity, Of: of, Chance: chance, Values: map[string]uncertainty.Estimate{"norm": norm, "proxy": proxy},
		})
	}
	nan := math.NaN()
	add(runlog.QuantityAUROC, "wrong R@1", 0.5, uncertainty.Estimate{Value: 0.7, Low: 0.6, High: 0.8}, uncertainty.Estimate{Value: 0.55, Low: 0.45, High: 0.65})
	add(runlog.QuantityArea, "rejecting wrong R@1", 0.3, uncertainty.Estimate{Value: 0.2, Low: 0.15, High: 0.25}, uncertainty.Estimate{Value: 0.4, Low: 0.35, High: 0.45})
	for _, kind := range []string{"noise", "low resolution"} {
		for strength := 1; strength <= 3; strength++ {
			v := 0.5 + 0.1*float64(strength)
			add(runlog.QuantityAUROC, runlog.CorruptedName(kind, strength), 0.5, uncertainty.Estimate{Value: v, Low: v - 0.05, High: v + 0.05}, uncertainty.Estimate{Value: nan, Low: nan, High: nan})
			c := runlog.CorruptedUncertainty{Kind: kind, Strength: strength}
			for _, s := range scores {
				c.Values = append(c.Values, s+0.2*float64(strength))
			}
			u.Corrupted = append(u.Corrupted, c)
		}
	}
	u.Mixing = &runlog.MixingUncertainty{Lambdas: []float64{0, 0.5, 1}}
	u.Projection = &runlog.Projection{Explained: [2]float64{0.4, 0.2}, Perplexity: 20}
	for i := range 80 {
		u.Mixing.Pairs = append(u.Mixing.Pairs, runlog.MixPair{First: i, Second: (i + 1) % 80, Uncertainty: []float64{scores[(i+1)%80], 1.2, scores[i]}})
		u.Projection.Points = append(u.Projection.Points, runlog.Place{
			Index: i, Label: i % 5, Class: fmt.Sprintf("class %d", i%5), Uncertainty: scores[i],
			PCA: [2]float64{rng.NormFloat64(), rng.NormFloat64()}, TSNE: [2]float64{rng.NormFloat64(), rng.NormFloat64()},
		})
	}
	return u
}

func TestReportOfMeasuredUncertainty(t *testing.T) {
	run := fakeRun(t)
	if html := report(t, run, plots.ReportOptions{}); !strings.Contains(html, "was not measured in this run: “idml uncertainty” does") {
		t.Error("a report without uncertainty.json doesn't say how to get one")
	}
	u := fakeUncertainty()
	ready(t, run.WriteUncertainty(u))
	folder := filepath.Join(t.TempDir(), "new", "figures")
	o := plots.ReportOptions{Checkpoint: &u.Checkpoint, Figures: folder, Distance: paperDistance}
	html := report(t, run, o)
	for _, want := range []string{
		"<h2>What the uncertainty is worth</h2>", "Measured after epoch 10 on 80 images of 5 classes",
		`<th scope="row">AUROC, wrong R@1</th><td>0.500</td><td><b>0.700</b><br><small>[0.600, 0.800]</small></td><td>0.550<br>`,
		`<td><b>0.200</b><br><small>[0.150, 0.250]</small></td><td>0.400<br>`, // an area: less is better
		`<th scope="row">AUROC, noise 3</th>`, "<td>–</td>", "40 bootstrap resamples (seed 0) of classes", "Of so few classes they are too narrow.", "The other domain: clothing.",
		"share of images rejected", "AUROC of ‖u‖ against clean images", "strength 2", "first row", "t-SNE, perplexity 20.0", "principal components: 40 % and 20 %",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	for _, bad := range []string{"AUROC, noise 2<", "out of date", "NaN", folder} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
	if got := strings.Count(html, "<svg "); got != 15 {
		t.Errorf("%d figures, want 15", got)
	}
	checkFigures(t, folder, 15)
	o.Figures = ""
	if again := report(t, run, o); again != html {
		t.Error("a second report differs")
	}
	u.Classes = 20
	ready(t, run.WriteUncertainty(u))
	if html := report(t, run, o); strings.Contains(html, "too narrow") {
		t.Error("intervals over 20 classes are called too narrow")
	}
	o.Checkpoint = &runlog.Checkpoint{Epoch: 12, Step: 1240, SHA256: "bb"}
	if html := report(t, run, o); !strings.Contains(html, "out of date: it was measured after epoch 10, step 200, and the newest checkpoint is of epoch 12, step 1,240.") {
		t.Error("the report doesn't say that it is out of date")
	}
	ready(t, os.WriteFile(run.Path("uncertainty.json"), []byte("{"), 0o666))
	if _, err := plots.WriteReport(run, o); err == nil || !strings.Contains(err.Error(), "uncertainty.json") {
		t.Errorf("a broken file: %v", err)
	}
}

// checkFigures checks that a folder has so many figures, each in both formats.
func checkFigures(t *testing.T, folder string, want int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	ready(t, err)
	if len(names) != want {
		t.Errorf("%d figures in %q, want %d", len(names), names, want)
	}
	for _, name := range names {
		if info, err := os.Stat(strings.TrimSuffix(name, ".svg") + ".png"); err != nil || info.Size() == 0 {
			t.Errorf("%v", err)
		}
	}
}

// A report of embeddings' or an early run's measures draws what there is.
func TestUncertaintyOfLittle(t *testing.T) {
	run := fakeRun(t)
	u := fakeUncertainty()
	u.Corrupted, u.Mixing, u.Projection, u.Clean = nil, nil, nil, nil
	ready(t, run.WriteUncertainty(u))
	if html := report(t, run, plots.ReportOptions{}); strings.Count(html, "<svg ") != 10 {
		t.Errorf("%d figures, want 10", strings.Count(html, "<svg "))
	}
	for name, err := range map[string]error{
		"corruptions": second(plots.UncertaintyCorruptions(u, u.Scores[0])), "histograms": second(plots.UncertaintyHistograms(u)),
		"mixing": second(plots.UncertaintyMixing(run, u)), "plane": second(plots.UncertaintyPlane(u)), "classes": second(plots.UncertaintyByClass(nil)),
	} {
		if !errors.Is(err, plots.ErrNoData) {
			t.Errorf("%s: %v", name, err)
		}
	}
	u.Mixing = &runlog.MixingUncertainty{Lambdas: []float64{0, 1}}
	if _, err := plots.UncertaintyMixing(run, u); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no pairs: %v", err)
	}
	u.Mixing = &runlog.MixingUncertainty{Lambdas: []float64{0, 1}, Pairs: []runlog.MixPair{{Uncertainty: []float64{1}}}}
	if _, err := plots.UncertaintyMixing(run, u); err == nil || !strings.Contains(err.Error(), "1 values for 2") {
		t.Errorf("fewer values: %v", err)
	}
}

// Without intervals, as of a single class, the values of corruptions are drawn all the same.
func TestCorruptionsWithoutIntervals(t *testing.T) {
	u := fakeUncertainty()
	for _, m := range u.Measures {
		m.Values["norm"] = uncertainty.Estimate{Value: m.Values["norm"].Value, Low: math.NaN(), High: math.NaN()}
	}
	f, err := plots.UncertaintyCorruptions(u, u.Scores[0])
	ready(t, err)
	var svg strings.Builder
	ready(t, plots.WriteSVG(&svg, f))
	if !strings.Contains(svg.String(), "low resolution") || strings.Contains(svg.String(), "NaN") {
		t.Error("the figure lacks a corruption, or has a number that is none")
	}
}

// second returns the error of two results.
func second[T any](_ T, err error) error { return err }

// The images of a strip are those that need a thumbnail, and without one the boxes are empty.
func TestShownMixes(t *testing.T) {
	u := fakeUncertainty()
	if got := fmt.Sprint(plots.ShownMixes(u)); got != "[0 1 40 41]" {
		t.Errorf("shown %s", got)
	}
	run := fakeRun(t)
	ready(t, os.Remove(run.ThumbnailPath(41)))
	ready(t, run.WriteThumbnail(1, image.NewGray(image.Rect(0, 0, 3, 4)))) // of another size
	if _, err := plots.UncertaintyMixing(run, u); err != nil {
		t.Error(err)
	}
}

// With more classes than a matrix has room for, the pairs of query and nearest image that are confused most are listed.
func TestReportOfConfusedQueries(t *testing.T) {
	run := fakeRun(t)
	predictions := fakePredictions(func(rng *rand.Rand, _ string, _ float64) float64 { return 1 + rng.Float64() })
	for i := range predictions {
		p := &predictions[i]
		p.Label = i % 40
		p.Class = fmt.Sprintf("class %d", p.Label)
		p.Nearest[0].Index = (i + 40) % 80
		if p.Correct = p.Label != 3; !p.Correct {
			p.Nearest[0].Index = 8
		}
	}
	predictions[5].Nearest = nil
	ready(t, run.WritePredictions(predictions))
	html := report(t, run, plots.ReportOptions{})
	for _, want := range []string{
		"<th scope=\"col\">query</th><th scope=\"col\">nearest image</th><th scope=\"col\">queries</th>", "<th scope=\"row\">class 3</th><td>class 8</td><td>2</td><td>1.000</td>",
		"The nearest image of 1 image is not known", "Of 1 pair of classes that were confused",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, "Confusion matrix") {
		t.Error("a matrix of 40 classes")
	}
}
