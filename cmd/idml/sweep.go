// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

func sweepCommand() command {
	return command{
		name:    "sweep",
		summary: "train a grid of runs, some at a time or a share of them",
		usage: "--out DIR [--recipe A,B,…] [--loss A,B,…] [--metric A,B,…] [--seeds 0-2]\n" +
			"                  [--grid KEY=A,B,…]… [--set KEY=VALUE]… [--jobs N] [--shard I/N]\n       idml sweep --resume DIR [--jobs N] [--shard I/N]",
		help: `
Sweep trains every combination of the values that are named, each in a run folder below DIR
that says what varies: DIR/proxy-anchor/paper/seed-0. Each run is a process of its own, "idml
train", which writes into DIR/logs. A run that fails is noted in DIR/failed and doesn't end
the others; the exit status is 1 then. Combinations that can't be, such as a form of the
metric that a loss doesn't have, are left out.

Ctrl-C stops the runs under way after their step. The same command, or --resume DIR, goes on:
ended runs stay, stopped and killed ones go on from their checkpoints, failed ones are tried
again.

Several machines share a sweep in a common folder by --shard I/N, I from 0 to N-1: machine I
trains every N-th run. See examples/slurm and examples/kubernetes.

Examples:
  $ idml sweep --recipe glyphs --metric plain,paper --seeds 0-2 --out runs/forms
  $ idml sweep --recipe glyphs --loss all --metric plain,paper --seeds 0-2 --out runs/losses
  $ idml sweep --recipe cub,cars --data ~/datasets --ablation --seeds 0,1 --out runs/photographs
  $ idml sweep --recipe glyphs --grid optimizer.lr=1e-3,2e-3 --set epochs=4 --dry-run --out runs/lr
  $ idml sweep --resume runs/forms --jobs 2`,
		run: runSweep,
	}
}

// sweepFlags are the options of a sweep.
type sweepFlags struct {
	out, resume, shard                                     string
	recipe, config, data, loss, metric, mixup, seeds, gpus string
	ablation, dryRun                                       bool
	jobs                                                   int
	grid, set                                              settings
}

// definesGrid tells whether an option is given that says which runs there are.
func (f *sweepFlags) definesGrid() bool {
	return f.out+f.recipe+f.config+f.data+f.loss+f.metric+f.mixup+f.seeds != "" || f.ablation || len(f.grid)+len(f.set) > 0
}

func runSweep(ctx context.Context, env *environment, args []string) error {
	var f sweepFlags
	set := env.flags("sweep")
	for _, s := range []struct {
		value       *string
		name, usage string
	}{
		{&f.out, "out", "make the `folder` of the sweep, or go on with it if it is of the same runs"},
		{&f.resume, "resume", "go on with the sweep in this `folder`"},
		{&f.recipe, "recipe", "begin with the settings of these recipes, by `names`: " + strings.Join(idml.RecipeNames(), ", ")},
		{&f.config, "config", "begin with the settings in a `file` like a run's config.json"},
		{&f.data, "data", "the `folder` of the images of the recipes but glyphs and fashion"},
		{&f.loss, "loss", "these losses, by `names`, or all"},
		{&f.metric, "metric", "these `forms` of the metric, or all"},
		{&f.mixup, "mixup", "with and without mixing images: true,false"},
		{&f.seeds, "seeds", "these `seeds`, as 0-2 or 0,1,5"},
		{&f.shard, "shard", "train only `share` I of N, as I/N, I from 0"},
		{&f.gpus, "gpus", "one of these GPUs for each job, by their `numbers`; without --jobs, a job for each"},
	} {
		set.StringVar(s.value, s.name, "", s.usage)
	}
	set.Var(&f.grid, "grid", "vary a setting, as `key=value,value`; may be repeated")
	set.Var(&f.set, "set", "change a setting of all runs, as `key=value`; may be repeated")
	set.BoolVar(&f.ablation, "ablation", false, "the loss for twice the epochs, with mixup, with a constant factor, and introspective")
	set.IntVar(&f.jobs, "jobs", 0, "the `number` of runs at a time (1)")
	set.BoolVar(&f.dryRun, "dry-run", false, "list the runs and where they stand, and end")
	if err := env.parse(set, args, 0); err != nil {
		return err
	}
	plan, dir, err := f.plan()
	if err != nil {
		return err
	}
	share, of, err := parseShard(f.shard)
	if err != nil {
		return err
	}
	gpus := splitValues(f.gpus)
	if f.jobs == 0 {
		f.jobs = max(1, len(gpus))
	}
	if f.jobs < 1 {
		return usageError{fmt.Sprintf("sweep: --jobs is %d, want at least 1", f.jobs)}
	}
	runs := plan.Share(share, of)
	if f.dryRun {
		if _, err := plan.Check(dir); err != nil {
			return err
		}
		return env.listRuns(dir, runs, plan.LeftOut)
	}
	if err := plan.Store(dir); err != nil {
		return err
	}
	begun := time.Now()
	reports := env.sweep(ctx, dir, runs, f.jobs, gpus)
	again := "idml sweep --resume " + dir
	if f.shard != "" {
		again += " --shard " + f.shard
	}
	return env.printReports(ctx, dir, again, plan, reports, time.Since(begun))
}

// plan returns the plan that the options name, or that of the folder to resume, and the folder.
func (f *sweepFlags) plan() (*experiment.Plan, string, error) {
	if f.resume != "" {
		if f.definesGrid() {
			return nil, "", usageError{"sweep: --resume takes all runs from the sweep: give no other option but --jobs, --shard, --gpus and --dry-run"}
		}
		plan, err := experiment.ReadPlan(f.resume)
		return plan, f.resume, err
	}
	if f.out == "" {
		return nil, "", usageError{"sweep: no folder: name one with --out DIR"}
	}
	grid, err := f.buildGrid()
	if err != nil {
		return nil, "", err
	}
	plan, err := grid.Plan()
	return plan, f.out, err
}

// sweep trains runs and tells when each begins and ends.
func (env *environment) sweep(ctx context.Context, dir string, runs []experiment.PlannedRun, jobs int, gpus []string) []experiment.RunReport {
	return experiment.Sweep(ctx, dir, runs, experiment.SweepOptions{
		Jobs:   jobs,
		Launch: func(ctx context.Context, l experiment.Launch) error { return launch(ctx, l, gpus) },
		Report: func(k int, r experiment.RunReport) {
			env.note("%d of %d: %s: %s", k+1, len(runs), r.Name, reportText(r))
		},
	})
}

// reportText tells in a few words where a run stands.
func reportText(r experiment.RunReport) string {
	switch r.State {
	case experiment.RunTraining:
		if r.Results != nil {
			return "goes on"
		}
		return "begins"
	case experiment.RunFailed:
		return "failed: " + oneLine(r.Err)
	case experiment.RunBusy:
		return "is being trained by another program"
	}
	text := r.State
	if r.Results != nil {
		for _, row := range r.Results.Rows {
			if row.Epoch > 0 {
				judge := runlog.Judge(row.Metrics)
				return fmt.Sprintf("%s, %s %.3f after epoch %d", text, plots.MetricTitle(judge), row.Metrics[judge], row.Epoch)
			}
		}
	}
	return text
}
