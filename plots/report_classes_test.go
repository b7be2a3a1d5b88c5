// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
	"introspection/plots"
)

// clothes are the classes of a fake run of classification.
var clothes = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// classifierRun writes a run folder as classifying n images for 6 epochs leaves it. The numbers are drawn with a fixed seed.
func classifierRun(t *testing.T, classes []string, n int) *runlog.Run {
	t.Helper()
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	ready(t, err)
	ready(t, run.WriteConfig(json.RawMessage(`{"recipe": "fashion10-idml-cutmix", "task": "classification", "data": {"name": "fashion"}, "mixing": {"method": "cutmix"}}`)))
	ready(t, run.WriteEnvironment(runlog.Environment{Go: "go1.26.5", OS: "linux", Arch: "amd64", Backend: "xla:cpu", Device: "cpu", CPUs: 2}))
	metrics := func(top float64) map[string]float64 {
		return map[string]float64{"top@1": top, "top@5": 1 - (1-top)/8, "loss": 3 * (1 - top), "ece": (1 - top) / 3, "queries": float64(n), "classes": float64(len(classes))}
	}
	rng := rand.New(rand.NewPCG(5, 9))
	for epoch := range 7 {
		for step := 1; step <= 20 && epoch > 0; step++ {
			ready(t, run.AppendRecord(runlog.Record{
				Kind: runlog.KindStep, Epoch: epoch, Step: (epoch-1)*20 + step, Loss: 2.3*math.Exp(-float64(epoch*20+step)/80) + 0.1*rng.NormFloat64(), ImagesPerSecond: 900,
			}))
		}
		ready(t, run.AppendRecord(runlog.Record{Kind: runlog.KindEval, Epoch: epoch, Step: epoch * 20, Metrics: metrics(0.1 + 0.8*(1-math.Exp(-float64(epoch)/2)))}))
	}
	results := runlog.Results{
		Status: runlog.StatusFinished, Epochs: 6, Steps: 120, Seconds: 312.4, BestChosenOn: runlog.ChosenOnTestImages,
		Rows: []runlog.Row{
			{Name: runlog.RowRawPixels, Metrics: map[string]float64{"top@1": 0.677, "top@5": 0.975}},
			{Name: runlog.RowUntrained, Metrics: metrics(0.103)},
			{Name: runlog.RowLast, Epoch: 6, Metrics: metrics(0.9)},
			{Name: runlog.RowBest, Epoch: 5, Metrics: metrics(0.91)},
			{Name: runlog.RowMean, Epoch: 6, Metrics: metrics(0.89)},
		},
		Published: map[string]float64{"top@1": 0.9732}, PublishedSource: "arXiv:2309.09982",
	}
	results.Rows[4].Metrics[runlog.MetricEpochs] = 3
	for i, kind := range []string{"noise", "blur", "brightness"} {
		for strength := 1; strength <= 3; strength++ {
			results.Corrupted = append(results.Corrupted, runlog.Row{
				Name: runlog.CorruptedName(kind, strength), Epoch: 6, Metrics: metrics(0.9 - float64(strength*(3-i))*0.07),
			})
		}
	}
	ready(t, run.WriteResults(results))
	ready(t, run.WritePredictions(fakeScores(classes, n)))
	for i := range n {
		ready(t, run.WriteThumbnail(i, shape(3+i%len(classes), 0.1*float64(i), uint8(40+i))))
	}
	return run
}

// fakeScores returns predictions of n images, a fifth of them wrong: taken for the next class, with more uncertainty and less probability.
func fakeScores(classes []string, n int) []runlog.Prediction {
	rng := rand.New(rand.NewPCG(7, 7))
	var out []runlog.Prediction
	for i := range n {
		label := i % len(classes)
		p := runlog.Prediction{Index: i, Name: fmt.Sprintf("image-%d", i), Class: classes[label], Label: label, Correct: rng.Float64() > 0.2}
		first, sure := label, 0.7+0.29*rng.Float64()
		p.Uncertainty = 1 + 0.3*rng.NormFloat64()
		if !p.Correct {
			first, sure, p.Uncertainty = (label+1)%len(classes), sure-0.2, p.Uncertainty+0.5
		}
		for k := range min(5, len(classes)) {
			other := (first + k*(len(classes)-1)) % len(classes) // the next after a wrong one is the right one
			p.Top = append(p.Top, runlog.Score{Class: classes[other], Label: other, Probability: sure, Correct: other == label})
			sure = (1 - sure) / 2
		}
		out = append(out, p)
	}
	return out
}

func TestReportOfAClassifier(t *testing.T) {
	html := report(t, classifierRun(t, clothes, 80), plots.ReportOptions{Title: "classifier"})
	for _, want := range []string{
		"Top-1 accuracy on the test images is 0.900 after 6 epochs, beside 0.677 for raw pixels and 0.103 for the untrained network.",
		"<h2>Results on the test images</h2>", `<th scope="col">top-1</th><th scope="col">top-5</th><th scope="col">loss</th><th scope="col">ECE</th></tr>`,
		`<th scope="row">raw pixels</th><td>0.677</td><td>0.975</td><td>–</td><td>–</td>`, `<th scope="row">last epoch, 6</th><td>0.900</td>`,
		`<th scope="row">best epoch, 5*</th><td>0.910</td>`, `<th scope="row">mean of the last 3 evaluations</th><td>0.890</td>`,
		`<th scope="row">the paper’s</th><td>0.973</td><td>–</td><td>–</td><td>–</td>`, "chosen by its top-1 accuracy on these same images, so it flatters",
		"Measured on 80 images of 10 classes.", "the accuracy on the test images at each evaluation", "top-1 of raw pixels", ">top-1 accuracy<",
		"<h2>Corrupted test images</h2>", `<th scope="row">as they are</th><td>0.900</td>`, `<th scope="row">noise 3</th><td>0.270</td>`, ">strength of the corruption<", ">brightness<",
		"Does the uncertainty tell mistakes? The AUROC", "which needs no uncertainty head, is ", "right (n = 60)", "wrong (n = 20)", "by whether the most probable class is right", `<th scope="col">top-1</th></tr>`,
		"<h2>Confused classes</h2>", ">taken for<", "<h3>Most certain</h3>", "<h3>Most uncertain</h3>", "<h3>Confident mistakes</h3>", ">is T-shirt/top<",
		"Top-K is the share of images whose class is among the K", "data.name", `<th scope="row">mixing.method</th><td>cutmix</td>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if got := strings.Count(html, "<svg "); got != 8 {
		t.Errorf("%d figures, want 8: corruptions, curves, histogram, classes, confusion, three galleries", got)
	}
	for _, bad := range []string{"ecall@", "R@", "retriev", "unseen", "nearest images", "MAP@R", "NaN", "not complete", "no picture", "<script", "http"} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
}

// With more classes than a matrix has room for, the pairs that are confused most are listed.
func TestReportOfManyClasses(t *testing.T) {
	var classes []string
	for i := range 60 {
		classes = append(classes, fmt.Sprintf("class %d", i))
	}
	html := report(t, classifierRun(t, classes, 300), plots.ReportOptions{})
	_, part, _ := strings.Cut(html, "<h2>Confused classes</h2>")
	part, _, _ = strings.Cut(part, "<h2>")
	if strings.Contains(part, "<svg") || strings.Count(part, "<tr><th scope=\"row\">") != 15 || !strings.Contains(part, `<th scope="col">taken for</th><th scope="col">images</th>`) {
		t.Errorf("confused classes: %s", part)
	}
	counts := map[string]int{}
	for _, p := range fakeScores(classes, 300) {
		if !p.Correct {
			counts[p.Class]++
		}
	}
	most := slices.MaxFunc(classes, func(a, b string) int { return counts[a] - counts[b] })
	i := slices.Index(classes, most)
	want := fmt.Sprintf(`<tr><th scope="row">%s</th><td>%s</td><td>%d</td><td>%.3f</td></tr>`, most, classes[(i+1)%60], counts[most], float64(counts[most])/5)
	if first := strings.Index(part, "<tr><th scope=\"row\">"); !strings.HasPrefix(part[first:], want) {
		t.Errorf("the first pair isn't %s but %.120s", want, part[first:])
	}
}

// A plain classifier learns no uncertainty: images are then told apart by their probabilities.
func TestReportOfAPlainClassifier(t *testing.T) {
	run := classifierRun(t, clothes, 80)
	predictions := fakeScores(clothes, 80)
	for i := range predictions {
		predictions[i].Uncertainty = 0
	}
	ready(t, run.WritePredictions(predictions))
	html := report(t, run, plots.ReportOptions{Title: "plain"})
	for _, want := range []string{"All 80 images have the same uncertainty", "<h3>Most probable</h3>", "<h3>Least probable</h3>", "<h3>Confident mistakes</h3>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, "<h3>Most certain</h3>") || strings.Contains(html, "\u00a0u 0.00<") {
		t.Error("uncertainties that tell nothing are shown")
	}
}

// Of a network that diverged there are no classes: the report says so and shows no NaN.
func TestReportOfADivergedClassifier(t *testing.T) {
	run := classifierRun(t, clothes, 80)
	predictions := fakeScores(clothes, 80)
	for i := range predictions[1:] {
		predictions[i+1].Uncertainty, predictions[i+1].Top, predictions[i+1].Correct = math.NaN(), nil, false
	}
	ready(t, run.WritePredictions(predictions))
	results, err := run.Results()
	ready(t, err)
	results.Rows[2].Metrics["loss"], results.Rows[2].Metrics["ece"] = math.NaN(), math.NaN()
	results.Corrupted[0].Metrics["top@1"], results.Corrupted[0].Metrics["loss"] = math.NaN(), math.Inf(1)
	ready(t, run.WriteResults(results))
	html := report(t, run, plots.ReportOptions{})
	if !strings.Contains(html, "The logits of 79 images are not numbers") || strings.Contains(html, "NaN") || strings.Contains(html, "Inf") {
		t.Error("the report doesn't say what is lost, or has a NaN in it")
	}
}

func TestReportOfAClassifierWithoutPredictions(t *testing.T) {
	run := classifierRun(t, clothes, 80)
	ready(t, os.Remove(run.Path(runlog.PredictionsFile)))
	if html := report(t, run, plots.ReportOptions{}); !strings.Contains(html, "confused classes and test images are not shown") || strings.Contains(html, "retrieved") {
		t.Error("what is missing is not said")
	}
	results, err := run.Results()
	ready(t, err)
	results.BestChosenOn, results.Corrupted = runlog.ChosenOnHeldOutImages, nil
	ready(t, run.WriteResults(results))
	html := report(t, run, plots.ReportOptions{})
	for _, want := range []string{"on training images that were held out, not on these", "the accuracy on held-out training images at each evaluation"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, "Corrupted test images") {
		t.Error("corruptions out of nothing")
	}
}

// The images that are shown are those that need thumbnails: nothing else, and all of them.
func TestShownOfAClassifier(t *testing.T) {
	predictions := fakeScores(clothes, 500)
	shown := plots.Shown(predictions)
	if len(shown) < 24 || len(shown) > 36 || !slices.IsSorted(shown) {
		t.Errorf("%d images: %v", len(shown), shown)
	}
	run := classifierRun(t, clothes, 500)
	whole := report(t, run, plots.ReportOptions{})
	for i := range 500 {
		if !slices.Contains(shown, i) {
			ready(t, os.Remove(run.ThumbnailPath(i)))
		}
	}
	if report(t, run, plots.ReportOptions{}) != whole {
		t.Error("the report needs other thumbnails")
	}
	wrong := map[bool]int{}
	for _, i := range shown {
		wrong[!predictions[i].Correct]++
	}
	if wrong[true] < 12 {
		t.Errorf("shown by whether they are wrong: %v", wrong)
	}
	if diff := cmp.Diff([]int(nil), plots.Shown([]runlog.Prediction{{Index: 3}})); diff != "" {
		t.Errorf("of an image without classes and neighbors: %s", diff)
	}
}

func TestMetricTitle(t *testing.T) {
	for metric, want := range map[string]string{
		"recall@10": "R@10", "map@r": "MAP@R", "r_precision": "RP", "nmi": "NMI", "f1": "F1", "top@1": "top-1", "top@5": "top-5", "loss": "loss", "ece": "ECE",
	} {
		if got := plots.MetricTitle(metric); got != want {
			t.Errorf("%s: %q, want %q", metric, got, want)
		}
	}
}
