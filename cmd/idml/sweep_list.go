// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"introspection/experiment"
)

// listRuns prints where the runs of a sweep stand and which combinations are left out.
func (env *environment) listRuns(dir string, runs []experiment.PlannedRun, leftOut []experiment.LeftOut) error {
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		report := experiment.ReportRun(dir, r)
		text := reportText(report)
		if report.State != experiment.RunFinished && experiment.Failure(dir, r.Name) != "" {
			text += ", failed before"
		}
		fmt.Fprintf(w, "%s\t%s\n", r.Name, text)
	}
	for _, l := range leftOut {
		fmt.Fprintf(w, "%s\tleft out\n", l.Name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	printLeftOut(env, leftOut)
	return nil
}

// printReports prints what came of the runs: how many ended and how, which failed and why, what was left out, and what to do next. again is the command to go
// on with. The error is nil if all have finished.
func (env *environment) printReports(ctx context.Context, dir, again string, plan *experiment.Plan, reports []experiment.RunReport, took time.Duration) error {
	if len(reports) == 0 {
		fmt.Fprintf(env.stdout, "%s: none of the %d runs belongs to this share\n", dir, len(plan.Runs))
		return nil
	}
	count := map[string]int{}
	for _, r := range reports {
		count[r.State]++
	}
	var parts []string
	for _, state := range []string{experiment.RunFinished, experiment.RunFailed, experiment.RunStopped, experiment.RunBusy, experiment.RunWaiting} {
		if n := count[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	whole := fmt.Sprintf("%d runs", len(reports))
	if len(reports) < len(plan.Runs) {
		whole += fmt.Sprintf(", a share of %d,", len(plan.Runs))
	}
	fmt.Fprintf(env.stdout, "%s: %s of %s in %s\n", dir, strings.Join(parts, ", "), whole, took.Round(time.Second))
	for _, r := range reports {
		if r.State == experiment.RunFailed {
			fmt.Fprintf(env.stdout, "failed: %s: %s; log: %s\n", r.Name, oneLine(r.Err), r.Log)
		}
	}
	printLeftOut(env, plan.LeftOut)
	if ctx.Err() != nil {
		fmt.Fprintf(env.stdout, "stopped; go on with: %s\n", again)
		return ctx.Err()
	}
	if n := count[experiment.RunFailed]; n > 0 {
		return fmt.Errorf("%d of %d runs failed; when that is mended, go on with: %s", n, len(reports), again)
	}
	if n := count[experiment.RunBusy]; n > 0 {
		return fmt.Errorf("%d of %d runs are being trained by another program", n, len(reports))
	}
	fmt.Fprintf(env.stdout, "compare them with: idml compare %s\n", dir)
	return nil
}

// printLeftOut prints how many combinations are left out for which reason.
func printLeftOut(env *environment, leftOut []experiment.LeftOut) {
	var reasons []string
	count := map[string]int{}
	for _, l := range leftOut {
		if !slices.Contains(reasons, l.Reason) {
			reasons = append(reasons, l.Reason)
		}
		count[l.Reason]++
	}
	for _, reason := range reasons {
		fmt.Fprintf(env.stdout, "left out, %d: %s\n", count[reason], reason)
	}
}
