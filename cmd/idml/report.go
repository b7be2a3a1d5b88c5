// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"introspection/experiment"
)

// comparisonFile is where a report on several runs goes if no file is named.
const comparisonFile = "comparison.html"

func reportCommand() command {
	return command{
		name:    "report",
		summary: "write the report of a run, or of several: one HTML file",
		usage:   "[--out FILE] [--figures FOLDER] RUN…",
		help: `
Report reads a run folder, and nothing else, and writes report.html into it: settings,
environment, curves, results beside the baselines and the published row, the uncertainty,
retrieved images and confused classes. What the uncertainty is worth stands in it once
"idml uncertainty RUN" has measured it.

Of several finished runs it writes one report, comparison.html, as "idml compare --report"
does: settings with their spread over seeds, differences pair by pair, training curves with
seeds as bands, and what the uncertainty is worth. The folder of a sweep stands for its
finished runs.

The file is complete in itself, and the same runs give the same bytes. The last line that is
printed is its path.

Examples:
  $ idml report runs/glyphs
  $ idml report --figures figures runs/glyphs
  $ idml report --out forms.html runs/forms`,
		run: runReport,
	}
}

func runReport(_ context.Context, env *environment, args []string) error {
	set := env.flags("report")
	var o experiment.ReportOptions
	set.StringVar(&o.Out, "out", "", "write the report into this HTML `file`")
	set.StringVar(&o.Figures, "figures", "", "save each figure as SVG and as PNG in this `folder`")
	if err := env.parse(set, args, math.MaxInt); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return usageError{"report: name a run folder"}
	}
	runs, notes, err := experiment.RunFolders(set.Args())
	if err != nil {
		return err
	}
	for _, note := range notes {
		env.warn(note)
	}
	switch len(runs) {
	case 0:
		return errors.New("report: no run has finished")
	case 1:
		o.Out, err = experiment.ReportOf(runs[0], o)
	default:
		if o.Out == "" {
			o.Out = comparisonFile
		}
		err = experiment.ReportOnRuns(runs, notes, o)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout, o.Out)
	env.showPage(o.Out)
	return nil
}
