// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"text/tabwriter"

	"introspection/experiment"
	"introspection/idml/runlog"
	"introspection/plots"
)

func compareCommand() command {
	return command{
		name:    "compare",
		summary: "compare finished runs: mean and spread over seeds",
		usage:   "[--figure FILE] RUN…",
		help: `
Compare groups runs that differ in their seed alone, and prints the mean and the standard
deviation over seeds of each metric after the last epoch, beside raw pixels and the
untrained network.

Examples:
  $ idml compare runs/forms/glyphs/*
  $ idml compare --figure recall.svg runs/forms/glyphs/*`,
		run: runCompare,
	}
}

func runCompare(_ context.Context, env *environment, args []string) error {
	set := env.flags("compare")
	figure := set.String("figure", "", "draw R@1 of each seed, with mean and deviation, into a PNG or SVG `file`")
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
	if err := w.Flush(); err != nil || *figure == "" {
		return err
	}
	return drawRecalls(*figure, groups)
}

// drawRecalls draws R@1 of all groups.
func drawRecalls(path string, groups []experiment.Group) error {
	var methods []plots.Method
	for _, g := range groups {
		baseline := g.Name == runlog.RowRawPixels || g.Name == runlog.RowUntrained
		methods = append(methods, plots.Method{Name: g.Name, Values: g.Values["recall@1"], Baseline: baseline})
	}
	f, err := plots.NewIntervals("R@1 on unseen classes", methods)
	if err != nil {
		return err
	}
	return plots.Save(path, f)
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
