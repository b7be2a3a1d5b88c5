// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"text/tabwriter"

	"introspection/experiment"
)

func compareCommand() command {
	return command{
		name:    "compare",
		summary: "compare finished runs: mean and spread over seeds",
		usage:   "RUN…",
		help: `
Compare groups runs that differ in their seed alone, and prints the mean and the standard
deviation over seeds of each metric after the last epoch, beside raw pixels and the
untrained network.

Examples:
  $ idml compare runs/forms/glyphs/*`,
		run: runCompare,
	}
}

func runCompare(_ context.Context, env *environment, args []string) error {
	set := env.flags("compare")
	if err := env.parse(set, args, math.MaxInt); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return usageError{"compare: name the folders of finished runs"}
	}
	groups, err := experiment.Compare(set.Args())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\tseeds")
	for _, c := range tableColumns {
		fmt.Fprintf(w, "\t%s", c.heading)
	}
	fmt.Fprintln(w)
	for _, g := range groups {
		fmt.Fprintf(w, "%s\t%d", g.Name, len(g.Seeds))
		for _, c := range tableColumns {
			fmt.Fprintf(w, "\t%s", meanText(g.Mean(c.metric), g.Deviation(c.metric)))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// meanText returns "0.712 ± 0.004", without the deviation of a single run.
func meanText(mean, deviation float64) string {
	switch {
	case math.IsNaN(mean):
		return "–"
	case math.IsNaN(deviation):
		return fmt.Sprintf("%.3f", mean)
	}
	return fmt.Sprintf("%.3f ± %.3f", mean, deviation)
}
