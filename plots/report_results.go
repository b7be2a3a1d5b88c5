// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"introspection/idml/runlog"
)

// lead returns the sentence that says what came out, with both baselines.
func lead(r *runlog.Results) string {
	if r == nil {
		return ""
	}
	last, metric, ok := judged(r, runlog.RowLast)
	if !ok {
		return ""
	}
	what := "Recall@1 on unseen classes"
	if metric == runlog.Top1 {
		what = "Top-1 accuracy on the test images"
	}
	text := fmt.Sprintf("%s is %s after %s", what, fraction(last, true), count(r.Epochs, "epoch"))
	var others []string
	if v, _, ok := judged(r, runlog.RowRawPixels); ok {
		others = append(others, fraction(v, true)+" for raw pixels")
	}
	if v, _, ok := judged(r, runlog.RowUntrained); ok {
		others = append(others, fraction(v, true)+" for the untrained network")
	}
	if len(others) == 0 {
		return text + "."
	}
	return text + ", beside " + strings.Join(others, " and ") + "."
}

// judged returns the metric of a row that runs are judged by, and its name.
func judged(r *runlog.Results, row string) (v float64, metric string, ok bool) {
	i := slices.IndexFunc(r.Rows, func(row2 runlog.Row) bool { return row2.Name == row })
	if i < 0 {
		return 0, "", false
	}
	metric = runlog.Judge(r.Rows[i].Metrics)
	v, ok = r.Rows[i].Metrics[metric]
	return v, metric, ok && finite(v)
}

// classifies tells whether a run is one of classification, by what lies in its folder.
func (d *runData) classifies() bool {
	return d.results != nil && classified(d.results) ||
		slices.ContainsFunc(d.records, func(r runlog.Record) bool { return runlog.Judge(r.Metrics) == runlog.Top1 }) ||
		slices.ContainsFunc(d.predictions, func(p runlog.Prediction) bool { return len(p.Top) > 0 })
}

// classified tells whether results are those of classification.
func classified(r *runlog.Results) bool {
	return slices.ContainsFunc(r.Rows, func(row runlog.Row) bool { return runlog.Judge(row.Metrics) == runlog.Top1 })
}

// resultsTable returns the table of results. Both baselines have a row even
// if they were not measured, which the table then says.
func resultsTable(r *runlog.Results) *table {
	if r == nil {
		return nil
	}
	metrics := metricColumns(r)
	t := new(table)
	for _, m := range metrics {
		t.Columns = append(t.Columns, MetricTitle(m))
	}
	rows := slices.Clone(r.Rows)
	for i, name := range []string{runlog.RowRawPixels, runlog.RowUntrained} {
		if !slices.ContainsFunc(rows, func(row runlog.Row) bool { return row.Name == name }) {
			rows = slices.Insert(rows, min(i, len(rows)), runlog.Row{Name: name})
			t.Notes = append(t.Notes, fmt.Sprintf("The %s row is empty: it was not measured in this run.", name))
		}
	}
	for _, row := range rows {
		line := tableRow{Name: rowTitle(row), Cells: cells(row.Metrics, metrics)}
		if row.Name == runlog.RowLast {
			line.Class = "own"
		}
		t.Rows = append(t.Rows, line)
	}
	if len(r.Published) > 0 {
		t.Rows = append(t.Rows, tableRow{Class: "paper", Name: "the paper’s", Cells: cells(r.Published, metrics)})
		source := r.PublishedSource
		if source == "" {
			source = "source not named"
		}
		t.Notes = append(t.Notes, fmt.Sprintf("The paper’s row is what its authors report (%s), measured with their code; this run did not measure it.", source))
	}
	t.Notes = append(t.Notes, queriesNote(r)...)
	return t
}

// metricColumns returns the metrics that the table shows: the usual ones, and
// what other recall, or accuracy of a classifier, there is.
func metricColumns(r *runlog.Results) []string {
	prefix, ks, others := "recall@", []int{1, 2, 4, 8}, []string{"map@r", "r_precision", "nmi", "ami", "f1"}
	if classified(r) {
		prefix, ks, others = "top@", []int{1, 5}, []string{"loss", "ece"}
	}
	maps := []map[string]float64{r.Published}
	for _, row := range r.Rows {
		maps = append(maps, row.Metrics)
	}
	for _, m := range maps {
		for name := range m {
			text, ok := strings.CutPrefix(name, prefix)
			if k, err := strconv.Atoi(text); ok && err == nil && !slices.Contains(ks, k) {
				ks = append(ks, k)
			}
		}
	}
	slices.Sort(ks)
	var names []string
	for _, k := range ks {
		names = append(names, prefix+strconv.Itoa(k))
	}
	return append(names, others...)
}

// MetricTitle returns how people write a metric: R@1 for "recall@1", MAP@R for "map@r", top-1 for "top@1", ECE for "ece".
func MetricTitle(metric string) string {
	if k, ok := strings.CutPrefix(metric, "recall@"); ok {
		return "R@" + k
	}
	if k, ok := strings.CutPrefix(metric, "top@"); ok {
		return "top-" + k
	}
	switch metric {
	case "r_precision":
		return "RP"
	case "loss":
		return metric
	}
	return strings.ToUpper(metric)
}

// rowTitle returns the name of a row with its epoch.
func rowTitle(row runlog.Row) string {
	switch {
	case row.Name == runlog.RowBest && row.Epoch > 0:
		return fmt.Sprintf("best epoch, %d*", row.Epoch)
	case row.Name == runlog.RowMean:
		if n, ok := row.Metrics[runlog.MetricEpochs]; ok && finite(n) {
			return fmt.Sprintf("mean of the last %s", count(int(n), "evaluation"))
		}
		return row.Name
	case row.Epoch > 0:
		return fmt.Sprintf("%s, %d", row.Name, row.Epoch)
	}
	return row.Name
}

// cells returns the metrics as text.
func cells(values map[string]float64, metrics []string) []string {
	var out []string
	for _, m := range metrics {
		v, ok := values[m]
		out = append(out, fraction(v, ok))
	}
	return out
}

// queriesNote returns what is to be said on how the rows were measured.
func queriesNote(results *runlog.Results) []string {
	var notes []string
	rows := results.Rows
	if slices.ContainsFunc(rows, func(r runlog.Row) bool { return r.Name == runlog.RowBest }) {
		note := "* The best epoch was chosen by its recall@1 on these same classes, so it flatters."
		switch results.BestChosenOn {
		case runlog.ChosenOnHeldOut:
			note = "* The best epoch was chosen by its recall@1 on training classes that were held out, not on these."
		case runlog.ChosenOnTestImages:
			note = "* The best epoch was chosen by its top-1 accuracy on these same images, so it flatters."
		case runlog.ChosenOnHeldOutImages:
			note = "* The best epoch was chosen by its top-1 accuracy on training images that were held out, not on these."
		}
		notes = append(notes, note)
	}
	for _, row := range slices.Backward(rows) {
		queries, ok := row.Metrics["queries"]
		if !ok || !finite(queries) {
			continue
		}
		noun := "query"
		if classified(results) {
			noun = "image"
		}
		text := "Measured on " + count(int(queries), noun)
		if classes, ok := row.Metrics["classes"]; ok && finite(classes) {
			text += " of " + count(int(classes), "class")
		}
		if lone, ok := row.Metrics["lone_queries"]; ok && lone > 0 {
			text += fmt.Sprintf("; %s whose class has no other image are left out of RP and MAP@R", thousands(int(lone)))
		}
		return append(notes, text+".")
	}
	return notes
}
