// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"introspection/idml/runlog"
	"introspection/plots"
)

var keep = flag.String("keep", "", "folder to write the reports of the tests to, for a look at them")

// ready fails the test on err.
func ready(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// paperDistance is D = α·exp(−β/(5α)).
func paperDistance(alpha, beta float64) float64 { return alpha * math.Exp(-beta/(5*alpha)) }

// fakeRun writes a run folder as training on 80 classes for 10 epochs leaves
// it, with all files. The numbers are drawn with a fixed seed.
func fakeRun(t *testing.T) *runlog.Run {
	t.Helper()
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	ready(t, err)
	ready(t, run.WriteConfig(json.RawMessage(`{"recipe": "glyphs", "seed": 7, "data": {"name": "glyphs", "size": 32},
		"model": {"stem": 16, "blocks": [1, 1, 1, 1], "dim": 64}, "loss": {"name": "proxy-anchor", "margin": 0.1, "scale": 32,
		"metric": "paper", "tau": 5}, "optimizer": {"lr": 0.0006, "groups": [{"name": "proxies", "factor": 100}]}, "notes": ""}`)))
	ready(t, run.WriteEnvironment(runlog.Environment{
		Go: "go1.26.5", OS: "linux", Arch: "amd64", Backend: "xla:cpu", Device: "cpu", Revision: "0123abcd", CPUs: 2,
		Modules: map[string]string{"github.com/gomlx/gomlx": "v0.28.2", "gonum.org/v1/plot": "v0.17.0"},
	}))
	writeRecords(t, run, 10)
	ready(t, run.WriteResults(fakeResults()))
	ready(t, run.WritePredictions(fakePredictions(func(rng *rand.Rand, kind string, amount float64) float64 {
		shift := map[string]float64{"": 0, "blend": 0.8, "occlusion": 0.4, "blur": -0.5}[kind]
		return 1.5 + shift*amount + 0.2*rng.NormFloat64()
	})))
	for i := range 80 {
		ready(t, run.WriteThumbnail(i, shape(3+i%5, 0.1*float64(i), uint8(40+i))))
	}
	return run
}

// writeRecords appends the records of a number of epochs of 20 steps.
func writeRecords(t *testing.T, run *runlog.Run, epochs int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	eval := func(epoch int) {
		r1 := 0.05 + 0.5*(1-math.Exp(-float64(epoch)/4))
		ready(t, run.AppendRecord(runlog.Record{
			Kind: runlog.KindEval, Epoch: epoch, Step: epoch * 20, Seconds: float64(epoch) * 11,
			Metrics: map[string]float64{"recall@1": r1, "map@r": r1 * 0.4},
		}))
	}
	eval(0)
	for epoch := 1; epoch <= epochs; epoch++ {
		for step := 1; step <= 20; step++ {
			all := (epoch-1)*20 + step
			ready(t, run.AppendRecord(runlog.Record{
				Kind: runlog.KindStep, Epoch: epoch, Step: all, Loss: 3 + 9*math.Exp(-float64(all)/60) + 0.4*rng.NormFloat64(),
				LR: 6e-4, ImagesPerSecond: 1100 + 50*rng.NormFloat64(), Seconds: float64(all) * 0.5,
			}))
		}
		eval(epoch)
	}
}

// fakeResults returns results with both baselines and published numbers.
func fakeResults() runlog.Results {
	row := func(name string, epoch int, r1 float64) runlog.Row {
		return runlog.Row{Name: name, Epoch: epoch, Metrics: map[string]float64{
			"recall@1": r1, "recall@2": r1 + 0.09, "recall@4": r1 + 0.17, "recall@8": r1 + 0.25, "map@r": r1 * 0.4, "r_precision": r1 * 0.5,
			"nmi": 0.4 + r1/3, "ami": 0.2 + r1/3, "f1": r1 / 2, "queries": 1680, "lone_queries": 3, "classes": 84,
		}}
	}
	return runlog.Results{
		Status: runlog.StatusFinished, Epochs: 10, Steps: 200, Seconds: 112.4,
		Rows: []runlog.Row{
			row(runlog.RowRawPixels, 0, 0.291), row(runlog.RowUntrained, 0, 0.05),
			row(runlog.RowLast, 10, 0.509), row(runlog.RowBest, 9, 0.513),
		},
		Published:       map[string]float64{"recall@1": 0.707, "recall@2": 0.802, "recall@4": 0.879, "nmi": 0.735, "r_precision": 0.393, "map@r": 0.284},
		PublishedSource: "arXiv:2309.09982, on CUB-200-2011",
	}
}

// fakePredictions returns 80 predictions, each fourth ambiguous, whose
// uncertainty a function gives.
func fakePredictions(uncertainty func(rng *rand.Rand, kind string, amount float64) float64) []runlog.Prediction {
	rng := rand.New(rand.NewPCG(6, 6))
	var out []runlog.Prediction
	for i := range 80 {
		p := runlog.Prediction{Index: i, Name: fmt.Sprintf("glyph-%d", i), Class: fmt.Sprintf("class %d", i%5), Label: i % 5}
		if i%4 == 3 {
			p.Ambiguity, p.Amount = []string{"blend", "occlusion", "blur"}[i/4%3], 0.1+0.8*rng.Float64()
		}
		p.Uncertainty = uncertainty(rng, p.Ambiguity, p.Amount)
		for k := range 5 {
			index := (i + 5*(k+1)) % 80
			if rng.Float64() < 0.4 {
				index = (index + 1) % 80
			}
			alpha, beta := 0.3+0.1*float64(k), p.Uncertainty+1.4
			p.Nearest = append(p.Nearest, runlog.Neighbor{
				Index: index, Correct: index%5 == i%5, Alpha: alpha, Beta: beta, Similarity: 1 - paperDistance(alpha, beta)/2,
			})
		}
		p.Correct = p.Nearest[0].Correct
		out = append(out, p)
	}
	return out
}

// report writes the report of a run and returns its text.
func report(t *testing.T, run *runlog.Run, o plots.ReportOptions) string {
	t.Helper()
	path, err := plots.WriteReport(run, o)
	ready(t, err)
	data, err := os.ReadFile(path)
	ready(t, err)
	if *keep != "" {
		name := strings.ReplaceAll(t.Name(), "/", "-") + ".html"
		ready(t, os.WriteFile(filepath.Join(*keep, name), data, 0o666))
	}
	return string(data)
}

func TestReportIsCompleteAndRepeatable(t *testing.T) {
	run := fakeRun(t)
	o := plots.ReportOptions{Title: "IDML on glyphs <seed 7>", Distance: paperDistance}
	html := report(t, run, o)
	for _, want := range []string{
		"<title>IDML on glyphs &lt;seed 7&gt;</title>",
		"Recall@1 on unseen classes is 0.509 after 10 epochs, beside 0.291 for raw pixels and 0.050 for the untrained network.",
		"Finished: 10 epochs, 200 steps in 1 min 52 s", "backend xla:cpu", "images/s (median of steps)",
		"<th scope=\"col\">R@1</th><th scope=\"col\">R@2</th><th scope=\"col\">R@4</th><th scope=\"col\">R@8</th><th scope=\"col\">MAP@R</th><th scope=\"col\">RP</th><th scope=\"col\">NMI</th><th scope=\"col\">AMI</th><th scope=\"col\">F1</th>",
		"<th scope=\"row\">raw pixels</th><td>0.291</td><td>0.381</td>", "<th scope=\"row\">untrained network</th><td>0.050</td>",
		"<th scope=\"row\">last epoch, 10</th><td>0.509</td>", "best epoch, 9*", "so it flatters",
		"<th scope=\"row\">the paper’s</th><td>0.707</td><td>0.802</td><td>0.879</td><td>–</td>", "arXiv:2309.09982, on CUB-200-2011",
		"Measured on 1,680 queries of 84 classes; 3 whose class has no other image",
		"<h2>Training</h2>", "<h2>Uncertainty</h2>", "<h3>Most certain</h3>", "<h3>Most uncertain</h3>", "<h3>Wrong</h3>",
		"<h2>The introspective distance</h2>", "<h2>How to read this</h2>",
		"<th scope=\"row\">clear</th><td>60</td>", "<th scope=\"row\">blend</th>", "<th scope=\"row\">blur</th>", "<th scope=\"row\">occlusion</th>",
		"<th scope=\"row\">model.blocks</th><td>[1, 1, 1, 1]</td>", "<th scope=\"row\">optimizer.groups.0.factor</th><td>100</td>",
		"<th scope=\"row\">notes</th><td>&#34;&#34;</td>", "linux/amd64, 2 CPUs", "github.com/gomlx/gomlx v0.28.2, gonum.org/v1/plot v0.17.0",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if got := strings.Count(html, "<svg "); got != 10 {
		t.Errorf("%d figures, want 10: curves, histogram, classes, three grids, two galleries, confusion, surface", got)
	}
	for _, bad := range []string{"<script", "http:", "https:", "<link", "url(", "not complete", run.Dir(), "<?xml"} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
	if strings.Count(html, "href=")-strings.Count(html, `xlink:href="data:image/png;base64,`) != 0 {
		t.Error("the report refers to something outside itself")
	}
	if again := report(t, run, o); again != html {
		t.Error("a second report of the same run differs")
	}
	other := fakeRun(t) // the same in another folder
	if again := report(t, other, o); again != html {
		t.Error("a report of an equal run in another folder differs")
	}
}

func TestReportSaysWhatIsMissing(t *testing.T) {
	tests := []struct {
		remove string
		want   string
		absent string
	}{
		{"environment.json", "There is no environment.json", "<h3>Environment</h3>"},
		{"metrics.jsonl", "There is no metrics.jsonl", "<h2>Training</h2>"},
		{"results.json", "There is no results.json", "<h2>Results"},
		{"predictions.jsonl", "There is no predictions.jsonl", "<h2>Uncertainty</h2>"},
		{"config.json", "There is no config.json", "<h3>Settings</h3>"},
	}
	for _, tt := range tests {
		t.Run(tt.remove, func(t *testing.T) {
			run := fakeRun(t)
			ready(t, os.Remove(run.Path(tt.remove)))
			html := report(t, run, plots.ReportOptions{})
			if !strings.Contains(html, "This report is not complete") || !strings.Contains(html, tt.want) {
				t.Errorf("the report doesn't say %q", tt.want)
			}
			if strings.Contains(html, tt.absent) {
				t.Errorf("the report has %q", tt.absent)
			}
			if !strings.Contains(html, "<title>Training run</title>") || strings.Contains(html, "The introspective distance</h2>") {
				t.Error("title or surface without being asked for")
			}
		})
	}
}

func TestReportOfABareFolder(t *testing.T) {
	run, err := runlog.Create(t.TempDir())
	ready(t, err)
	html := report(t, run, plots.ReportOptions{})
	if got := strings.Count(html, "There is no "); got != 5 {
		t.Errorf("%d files are said to be missing, want 5", got)
	}
	if strings.Contains(html, "<svg") || strings.Contains(html, "<table>") {
		t.Error("figures or tables out of nothing")
	}
}

func TestReportOfAStoppedRun(t *testing.T) {
	run, err := runlog.Create(t.TempDir())
	ready(t, err)
	ready(t, run.WriteConfig(map[string]any{"recipe": "glyphs"}))
	writeRecords(t, run, 1)
	f, err := os.OpenFile(run.Path("metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	ready(t, err)
	_, err = f.WriteString(`{"kind":"step","epo`)
	ready(t, err)
	ready(t, f.Close())
	results := fakeResults()
	results.Status, results.Epochs, results.Steps, results.Published = runlog.StatusStopped, 1, 20, nil
	results.Rows = results.Rows[2:3]
	results.Rows[0].Epoch = 1
	ready(t, run.WriteResults(results))
	html := report(t, run, plots.ReportOptions{Title: "stopped"})
	for _, want := range []string{
		"Training was stopped before its last epoch, after 1 epoch:", "Stopped: 1 epoch, 20 steps", "metrics.jsonl, line 23: the last line is torn",
		"<th scope=\"row\">raw pixels</th><td>–</td>", "<th scope=\"row\">untrained network</th><td>–</td>", "The raw pixels row is empty", "<h2>Training</h2>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, "the paper’s") || strings.Contains(html, run.Dir()) {
		t.Error("the report has published numbers, or the folder's path")
	}
}

func TestReportOfEqualUncertainties(t *testing.T) {
	run := fakeRun(t)
	ready(t, run.WritePredictions(fakePredictions(func(rng *rand.Rand, _ string, _ float64) float64 {
		return float64(float32(1) + 1e-7*float32(rng.IntN(3)))
	})))
	html := report(t, run, plots.ReportOptions{Title: "equal"})
	for _, want := range []string{"All 80 images have the same uncertainty, 1.00", "<td>1.00</td><td>0.00</td>", "<h3>First queries</h3>", "<h3>Wrong</h3>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"Histogram of the uncertainty", "<h3>Most certain</h3>", "AUROC"} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
}

// TestReportWithoutAmbiguity has images of which nothing is known but their
// class, as photographs are.
func TestReportWithoutAmbiguity(t *testing.T) {
	run := fakeRun(t)
	predictions := fakePredictions(func(rng *rand.Rand, _ string, _ float64) float64 { return 1 + rng.Float64() })
	for i := range predictions {
		predictions[i].Ambiguity, predictions[i].Amount = "", 0
	}
	ready(t, run.WritePredictions(predictions))
	html := report(t, run, plots.ReportOptions{Title: "photographs"})
	for _, want := range []string{"all images (n = 80)", "<th scope=\"row\">all images</th><td>80</td>", "Does the uncertainty tell errors?", "<h3>Most certain</h3>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"rank corr.", ">clear<", "by what was done"} {
		if strings.Contains(html, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
}

func TestReportOfADivergedRun(t *testing.T) {
	run := fakeRun(t)
	for step := 201; step <= 220; step++ {
		ready(t, run.AppendRecord(runlog.Record{Kind: runlog.KindStep, Epoch: 11, Step: step, Loss: math.NaN()}))
	}
	predictions := fakePredictions(func(*rand.Rand, string, float64) float64 { return math.NaN() })
	ready(t, run.WritePredictions(predictions))
	html := report(t, run, plots.ReportOptions{Title: "diverged"})
	for _, want := range []string{"The loss of 20 steps was not a finite number", "The uncertainty of 80 images is not a finite number"} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, "NaN") || strings.Contains(html, `<th scope="col">images</th>`) {
		t.Error("the report has a NaN or an empty table in it")
	}
}

func TestReportErrors(t *testing.T) {
	for _, name := range []string{"config.json", "environment.json", "metrics.jsonl", "results.json", "predictions.jsonl"} {
		run := fakeRun(t)
		ready(t, os.WriteFile(run.Path(name), []byte("{\"x\n{}\n"), 0o666))
		_, err := plots.WriteReport(run, plots.ReportOptions{})
		if err == nil || !strings.Contains(err.Error(), run.Path(name)) {
			t.Errorf("broken %s: %v, want an error that names it", name, err)
		}
		if _, err := os.Stat(run.Path("report.html")); err == nil {
			t.Errorf("broken %s: a report was written", name)
		}
	}
	run := fakeRun(t)
	bad := func(alpha, beta float64) float64 { return math.Log(alpha - beta) }
	if _, err := plots.WriteReport(run, plots.ReportOptions{Distance: bad}); err == nil || !strings.Contains(err.Error(), "D(") {
		t.Errorf("a distance that is not finite: %v", err)
	}
}

func TestReportWithoutThumbnails(t *testing.T) {
	run := fakeRun(t)
	ready(t, os.RemoveAll(run.Path("thumbnails")))
	html := report(t, run, plots.ReportOptions{})
	if !strings.Contains(html, "no picture") || strings.Contains(html, "data:image") {
		t.Error("want empty boxes in place of pictures")
	}
}

// TestResumedRecords appends a second pass from step 101 on, as resuming does:
// the curves are those of the run that was not broken off.
func TestResumedRecords(t *testing.T) {
	whole, resumed := fakeRun(t), fakeRun(t)
	data, err := os.ReadFile(whole.Path("metrics.jsonl"))
	ready(t, err)
	lines := bytes.SplitAfter(data, []byte("\n"))
	const through = 1 + 5*21 // records through epoch 5
	broken := bytes.Join(lines[:through+10], nil)
	ready(t, os.WriteFile(resumed.Path("metrics.jsonl"), append(broken, bytes.Join(lines[through:], nil)...), 0o666))
	if report(t, whole, plots.ReportOptions{}) != report(t, resumed, plots.ReportOptions{}) {
		t.Error("the report of the resumed run differs")
	}
}
