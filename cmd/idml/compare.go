// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"introspection/experiment"
	"introspection/plots"
)

func compareCommand() command {
	return command{
		name:    "compare",
		summary: "compare finished runs: mean, spread and intervals, pair by pair",
		usage:   "[--against SETTING] [--choose KEY]… [--ablation] [--csv FILE] [--report FILE]\n                    [--figure FILE] RUN…",
		help: `
Compare groups runs that differ in their seed alone, and prints the mean and the standard
deviation over seeds of each metric after the last epoch, beside raw pixels and the
untrained network, with the 95 % interval of R@1 over seeds (Student's t) and, where the
paper has such a row, what it reports. The folder of a sweep stands for its finished runs.
Of classifiers it is the top-1 accuracy in place of R@1, and images in place of queries.

Then it compares pairs of settings on the same queries: each form of the metric with the
plain one, two settings with each other, or, with --against, every setting with that one. The
intervals are Student's over seeds, and bootstrap ones over queries and over classes.

--choose KEY chooses that setting, such as optimizer.lr, for each loss and form by itself: of runs
that differ in it alone, those that did best on what was held out of training in all of them
(--set data.validation=0.25). So nothing is chosen on the test images.

--ablation prints the way of each loss from the plain one, at equal compute, over mixup and a
constant factor to the introspective one: "idml sweep --ablation" makes the runs.

Examples:
  $ idml compare runs/forms
  $ idml compare --figure recall.svg runs/forms/plain/seed-0 runs/forms/paper/seed-0
  $ idml compare --against "proxy-anchor plain" --csv forms.csv --report forms.html runs/forms
  $ idml compare --choose optimizer.lr runs/rates
  $ idml compare --ablation runs/photographs`,
		run: runCompare,
	}
}

func runCompare(_ context.Context, env *environment, args []string) error {
	set := env.flags("compare")
	o := experiment.AnalysisOptions{Bootstrap: experiment.DefaultBootstrap()}
	set.StringVar(&o.Against, "against", "", "compare every `setting` with this one, named as in the table or by words of it")
	set.BoolVar(&o.Ablation, "ablation", false, "print the steps from each loss to its introspective form")
	set.IntVar(&o.Bootstrap.Resamples, "bootstrap", o.Bootstrap.Resamples, "the `number` of bootstrap resamples")
	set.Uint64Var(&o.Bootstrap.Seed, "seed", o.Bootstrap.Seed, "the `seed` of the bootstrap")
	choose := new([]string)
	set.Func("choose", "take the best `setting` of each, by its key, by what was held out; may be repeated", func(key string) error {
		*choose = append(*choose, key)
		return nil
	})
	table := set.String("csv", "", "write all numbers into a CSV `file`")
	report := set.String("report", "", "write a report with figures into an HTML `file`")
	figure := set.String("figure", "", "draw R@1, or top-1, of each seed, with mean and deviation, into a PNG or SVG `file`")
	if err := env.parse(set, args, math.MaxInt); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return usageError{"compare: name the folders of finished runs"}
	}
	runs, notes, err := experiment.RunFolders(set.Args())
	if err != nil {
		return err
	}
	for _, note := range notes {
		env.warn(note)
	}
	if len(*choose) > 0 {
		note := fmt.Sprintf("%s: chosen for each setting by what was held out of training", strings.Join(*choose, ", "))
		fmt.Fprintf(env.stdout, "%s\n\n", note)
		notes = append(notes, note)
	}
	list, err := analyze(runs, *choose, o)
	if err != nil {
		return err
	}
	if *figure != "" && len(list) > 1 {
		return usageError{"compare: --figure draws the runs of one dataset: name those alone, or write a --report"}
	}
	for i, a := range list {
		if i > 0 {
			fmt.Fprintln(env.stdout)
		}
		if err := env.printAnalysis(a, len(list) > 1, o.Ablation); err != nil {
			return err
		}
	}
	if *figure != "" {
		f, err := judgedFigure(list[0])
		if err != nil {
			return err
		}
		if err := env.saveFigure(*figure, f); err != nil {
			return err
		}
	}
	return writeAnalyses(*table, *report, list, notes)
}

// analyze compares runs, the datasets one by one.
func analyze(runs, choose []string, o experiment.AnalysisOptions) ([]*experiment.Analysis, error) {
	comparisons, err := experiment.Compare(runs, choose...)
	if err != nil {
		return nil, err
	}
	var list []*experiment.Analysis
	for _, c := range comparisons {
		a, err := c.Analyze(o)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// printAnalysis prints the tables of one dataset, with its name if there are several.
func (env *environment) printAnalysis(a *experiment.Analysis, named, ablation bool) error {
	if named {
		fmt.Fprintf(env.stdout, "%s\n\n", a.Data)
	}
	w := env.table(0)
	printGroups(w, a)
	if err := w.Flush(); err != nil {
		return err
	}
	if len(a.Differences) > 0 {
		fmt.Fprintf(env.stdout, "\n%s of a setting minus that of another on the same %d %s of %d classes; 95 %% intervals (bootstrap: %d resamples)\n",
			plots.MetricTitle(a.Judge()), a.Differences[0].Queries, a.Queries(), a.Differences[0].Classes, a.Bootstrap.Resamples)
		printDifferences(w, a)
	}
	for _, x := range a.Ablations {
		fmt.Fprintf(env.stdout, "\n%s: R@1 of each step and its difference from the step before; 95 %% intervals\n", x.Loss)
		printSteps(w, x)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if ablation && len(a.Ablations) == 0 {
		fmt.Fprintln(env.stdout, "\nno loss has two steps of an ablation: idml sweep --ablation makes the runs")
	}
	return nil
}

// printGroups prints what each setting came to, and under it what is published of it.
func printGroups(w *table, a *experiment.Analysis) {
	metrics := a.Metrics()
	fmt.Fprint(w, "\tseeds")
	for i, m := range metrics {
		fmt.Fprintf(w, "\t%s", plots.MetricTitle(m))
		if i == 0 {
			fmt.Fprint(w, "\t95 % over seeds")
		}
	}
	fmt.Fprintln(w)
	for _, g := range a.Groups {
		fmt.Fprintf(w, "%s\t%d", g.Name, len(g.Seeds))
		for i, m := range metrics {
			fmt.Fprintf(w, "\t%s", experiment.MeanText(g.Mean(m), g.Deviation(m)))
			if i == 0 {
				fmt.Fprintf(w, "\t%s", experiment.IntervalText(g.Interval(m)))
			}
		}
		fmt.Fprintln(w)
		if len(g.Published) == 0 {
			continue
		}
		fmt.Fprint(w, "  published\t–")
		for i, m := range metrics {
			v, ok := g.Published[m]
			if !ok {
				v = math.NaN()
			}
			fmt.Fprintf(w, "\t%s", experiment.MeanText(v, math.NaN()))
			if i == 0 {
				fmt.Fprint(w, "\t–")
			}
		}
		fmt.Fprintln(w)
	}
}

// printDifferences prints the differences in the metric that the runs are judged by.
func printDifferences(w *table, a *experiment.Analysis) {
	fmt.Fprintf(w, "\tminus\tseeds\tdifference\tover seeds\tover %s\tover classes\n", a.Queries())
	for _, d := range a.Differences {
		if d.Metric == a.Judge() {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, d.Reference, d.SeedsText(), experiment.SignedText(d.Mean),
				experiment.SignedIntervalText(d.OverSeeds), experiment.SignedIntervalText(d.OverQueries), experiment.SignedIntervalText(d.OverClasses))
		}
	}
	_ = w.Flush() // as with what is printed around it
}

// printSteps prints an ablation.
func printSteps(w *table, a experiment.Ablation) {
	fmt.Fprintln(w, "\tseeds\tR@1\tover seeds\tstep\tover seeds\tover queries\tover classes")
	for _, s := range a.Steps {
		fmt.Fprint(w, s.Title)
		for _, cell := range s.Cells() {
			fmt.Fprintf(w, "\t%s", cell)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // as with what is printed around it
}

// writeAnalyses writes the files that were asked for.
func writeAnalyses(table, report string, list []*experiment.Analysis, notes []string) error {
	if table != "" {
		f, err := os.Create(table)
		if err != nil {
			return err
		}
		if err := errors.Join(experiment.WriteCSV(f, list), f.Close()); err != nil {
			return err
		}
	}
	if report == "" {
		return nil
	}
	return experiment.WriteComparisonReport(list, notes, experiment.ReportOptions{Out: report})
}

// judgedFigure draws the metric that the runs are judged by, of all groups.
func judgedFigure(a *experiment.Analysis) (*plots.Intervals, error) {
	var methods []plots.Method
	for _, g := range a.Groups {
		methods = append(methods, plots.Method{Name: g.Name, Values: g.Values[a.Judge()], Baseline: g.Baseline})
	}
	return plots.NewIntervals(a.JudgeTitle(), methods)
}
