// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/runlog"
)

// finishedRun writes a finished run of a recipe on ten images, of which the first ones are right, without a model.
func finishedRun(t *testing.T, recipe string, form idml.Form, seed uint64, right int) string {
	t.Helper()
	cfg, err := idml.Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Metric.Form, cfg.Seed = form, seed
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	first, others := "recall@1", map[string]float64{"map@r": 0.25}
	if strings.HasPrefix(recipe, "fashion10") {
		first, others = "top@1", map[string]float64{"top@5": 1, "loss": 0.5, "ece": 0.125}
	}
	row := func(name string, v float64) runlog.Row {
		metrics := map[string]float64{first: v}
		for name, other := range others {
			metrics[name] = other
		}
		return runlog.Row{Name: name, Metrics: metrics}
	}
	rows := []runlog.Row{row(runlog.RowRawPixels, 0.3), row(runlog.RowUntrained, 0.1), row(runlog.RowLast, float64(right)/10)}
	var predictions []runlog.Prediction
	for i := range 10 {
		p := runlog.Prediction{Index: i, Name: fmt.Sprint(i), Class: fmt.Sprint("class ", i%5), Correct: i < right}
		if first == "top@1" {
			p.Top = []runlog.Score{{Correct: p.Correct}, {Correct: !p.Correct}}
		} else {
			p.Nearest = []runlog.Neighbor{{Correct: p.Correct}}
		}
		predictions = append(predictions, p)
	}
	for _, err := range []error{
		run.WriteConfig(cfg), run.WriteResults(runlog.Results{Status: runlog.StatusFinished, Seconds: 1, Rows: rows}), run.WritePredictions(predictions),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return run.Dir()
}

// The tables of classifiers speak of top-1 and images, those of retrieval of R@1 and queries.
func TestCompareTasks(t *testing.T) {
	var dirs []string
	for seed := range uint64(2) {
		dirs = append(dirs,
			finishedRun(t, "fashion10-cutmix", idml.Plain, seed, 6+int(seed)), finishedRun(t, "fashion10-cutmix", idml.Released, seed, 8+int(seed)),
			finishedRun(t, "fashion", idml.Plain, seed, 6), finishedRun(t, "fashion", idml.Released, seed, 5))
	}
	dir := t.TempDir()
	figure, report := filepath.Join(dir, "top.svg"), filepath.Join(dir, "report.html")
	got := succeed(t, append([]string{"compare", "--bootstrap", "200", "--report", report}, dirs...)...)
	want := `fashion, classification

                   seeds  top-1          95 % over seeds  top-5          loss           ECE
raw pixels         1      0.300          –                1.000          0.500          0.125
untrained network  2      0.100 ± 0.000  [0.100, 0.100]   1.000 ± 0.000  0.500 ± 0.000  0.125 ± 0.000
plain + cutmix     2      0.650 ± 0.071  [0.015, 1.285]   1.000 ± 0.000  0.500 ± 0.000  0.125 ± 0.000
released + cutmix  2      0.850 ± 0.071  [0.215, 1.485]   1.000 ± 0.000  0.500 ± 0.000  0.125 ± 0.000

top-1 of a setting minus that of another on the same 10 images of 5 classes; 95 % intervals (bootstrap: 200 resamples)
                   minus           seeds     difference  over seeds        over images      over classes
released + cutmix  plain + cutmix  2 paired  +0.200      [+0.200, +0.200]  [0.000, +0.400]  [+0.050, +0.350]

fashion

                               seeds  R@1            95 % over seeds  MAP@R
raw pixels                     1      0.300          –                0.250
untrained network              2      0.100 ± 0.000  [0.100, 0.100]   0.250 ± 0.000
proxy-anchor plain + mixup     2      0.600 ± 0.000  [0.600, 0.600]   0.250 ± 0.000
proxy-anchor released + mixup  2      0.500 ± 0.000  [0.500, 0.500]   0.250 ± 0.000

R@1 of a setting minus that of another on the same 10 queries of 5 classes; 95 % intervals (bootstrap: 200 resamples)
                               minus                       seeds     difference  over seeds        over queries     over classes
proxy-anchor released + mixup  proxy-anchor plain + mixup  2 paired  −0.100      [−0.100, −0.100]  [−0.300, 0.000]  [−0.300, 0.000]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	succeed(t, append([]string{"compare", "--figure", figure}, dirs[0], dirs[1])...)
	for file, text := range map[string]string{figure: "top-1 on the test images", report: "fashion, classification: settings"} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), text) {
			t.Errorf("%s lacks %q: %v", file, text, err)
		}
	}
}
