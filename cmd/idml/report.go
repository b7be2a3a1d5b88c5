// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"introspection/experiment"
)

func reportCommand() command {
	return command{
		name:    "report",
		summary: "write the report of a run: one HTML file",
		usage:   "RUN",
		help: `
Report reads a run folder, and nothing else, and writes report.html into it: settings,
curves, results beside the baselines, uncertainties, and retrieved images.

Examples:
  $ idml report runs/glyphs`,
		run: runReport,
	}
}

func runReport(_ context.Context, env *environment, args []string) error {
	set := env.flags("report")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return usageError{"report: name a run folder"}
	}
	path, err := experiment.Report(set.Arg(0))
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout, path)
	return nil
}
