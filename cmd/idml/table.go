// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"introspection/idml/runlog"
	"introspection/plots"
)

// A column of a printed table is a metric and its heading.
type column struct{ metric, heading string }

// columnsOf returns the columns of a table: those R@K that the rows have, by K, and the other metrics of retrieval; of rows of classifiers those top-K, the loss
// and the calibration error.
func columnsOf(rows []runlog.Row) []column {
	prefix, others := "recall@", []string{"r_precision", "map@r", "nmi", "ami", "f1"}
	if slices.ContainsFunc(rows, func(row runlog.Row) bool { return runlog.Judge(row.Metrics) == runlog.Top1 }) {
		prefix, others = "top@", []string{"loss", "ece"}
	}
	var ks []int
	for _, row := range rows {
		for metric := range row.Metrics {
			if text, ok := strings.CutPrefix(metric, prefix); ok {
				if k, err := strconv.Atoi(text); err == nil {
					ks = append(ks, k)
				}
			}
		}
	}
	slices.Sort(ks)
	var columns []column
	for _, k := range slices.Compact(ks) {
		metric := prefix + strconv.Itoa(k)
		columns = append(columns, column{metric, plots.MetricTitle(metric)})
	}
	for _, metric := range others {
		columns = append(columns, column{metric, plots.MetricTitle(metric)})
	}
	return columns
}

// printRun prints what a run came to, with the published results beside it where there are some, and the last epoch on corrupted images if that was measured.
func (env *environment) printRun(results *runlog.Results) {
	rows := slices.Clone(results.Rows)
	if len(results.Published) > 0 {
		rows = append(rows, runlog.Row{Name: "published", Metrics: results.Published})
	}
	env.printResults(append(rows, results.Corrupted...))
	if len(results.Published) > 0 {
		fmt.Fprintf(env.stdout, "published: %s\n", results.PublishedSource)
	}
	if slices.ContainsFunc(results.Rows, func(row runlog.Row) bool { return row.Name == runlog.RowBest }) {
		fmt.Fprintf(env.stdout, "the best epoch was chosen on the %s\n", results.BestChosenOn)
	}
}

// printResults prints a table of fractions, a row each; what a row doesn't have is "–".
func (env *environment) printResults(rows []runlog.Row) {
	w := env.table(tabwriter.AlignRight)
	columns := columnsOf(rows)
	for _, c := range columns {
		fmt.Fprintf(w, "\t%s", c.heading)
	}
	fmt.Fprint(w, "\t\n")
	for _, row := range rows {
		fmt.Fprint(w, row.Name)
		for _, c := range columns {
			if v, ok := row.Metrics[c.metric]; ok {
				fmt.Fprintf(w, "\t%.3f", v)
			} else {
				fmt.Fprint(w, "\t–")
			}
		}
		fmt.Fprint(w, "\t\n")
	}
	_ = w.Flush() // as with what is printed around it
}
