// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"text/tabwriter"

	"introspection/idml/runlog"
)

// tableColumns are the metrics of a printed table, with their headings.
var tableColumns = []struct{ metric, heading string }{
	{"recall@1", "R@1"}, {"recall@2", "R@2"}, {"recall@4", "R@4"}, {"recall@8", "R@8"},
	{"r_precision", "RP"}, {"map@r", "MAP@R"}, {"nmi", "NMI"}, {"ami", "AMI"}, {"f1", "F1"},
}

// printResults prints a table of fractions, a row each; what a row doesn't have is "–".
func (env *environment) printResults(rows []runlog.Row) {
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range tableColumns {
		fmt.Fprintf(w, "\t%s", c.heading)
	}
	fmt.Fprint(w, "\t\n")
	for _, row := range rows {
		fmt.Fprint(w, row.Name)
		for _, c := range tableColumns {
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
