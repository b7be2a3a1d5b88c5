// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"introspection/idml/runlog"
)

// A column of a printed table is a metric and its heading.
type column struct{ metric, heading string }

// tableColumns are the columns of a table of runs.
var tableColumns = []column{
	{"recall@1", "R@1"},
	{"recall@2", "R@2"},
	{"recall@4", "R@4"},
	{"recall@8", "R@8"},
	{"r_precision", "RP"},
	{"map@r", "MAP@R"},
	{"nmi", "NMI"},
	{"ami", "AMI"},
	{"f1", "F1"},
}

// columnsOf returns tableColumns with those R@K in front that the rows have, by K.
func columnsOf(rows []runlog.Row) []column {
	var ks []int
	for _, row := range rows {
		for metric := range row.Metrics {
			if text, ok := strings.CutPrefix(metric, "recall@"); ok {
				if k, err := strconv.Atoi(text); err == nil {
					ks = append(ks, k)
				}
			}
		}
	}
	slices.Sort(ks)
	var columns []column
	for _, k := range slices.Compact(ks) {
		columns = append(columns, column{fmt.Sprintf("recall@%d", k), fmt.Sprintf("R@%d", k)})
	}
	for _, c := range tableColumns {
		if !strings.HasPrefix(c.metric, "recall@") {
			columns = append(columns, c)
		}
	}
	return columns
}

// printRun prints what a run came to, with the published results beside it where there are some.
func (env *environment) printRun(results *runlog.Results) {
	rows := slices.Clone(results.Rows)
	if len(results.Published) > 0 {
		rows = append(rows, runlog.Row{Name: "published", Metrics: results.Published})
	}
	env.printResults(rows)
	if len(results.Published) > 0 {
		fmt.Fprintf(env.stdout, "published: %s\n", results.PublishedSource)
	}
	if len(results.Rows) > 0 && results.Rows[len(results.Rows)-1].Name == runlog.RowBest {
		fmt.Fprintf(env.stdout, "the best epoch was chosen on the %s\n", results.BestChosenOn)
	}
}

// printResults prints a table of fractions, a row each; what a row doesn't have is "–".
func (env *environment) printResults(rows []runlog.Row) {
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
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
	w.Flush()
}
