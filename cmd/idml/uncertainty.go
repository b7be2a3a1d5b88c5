// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/plots"
)

func uncertaintyCommand() command {
	return command{
		name:    "uncertainty",
		summary: "measure what the uncertainty of runs is worth",
		usage:   "[--json] [--csv FILE] [--figures FOLDER] [--data FOLDER] [--no-save]\n         [--held-out] RUN…\n       idml uncertainty [--json] [--csv FILE] --embeddings FILE",
		help: `
Uncertainty measures, on the test images of each run, whether an image's uncertainty is larger
where it should be. Two numbers are made of the uncertainty embedding: its norm, ‖u‖, and the
mean of β over the pairs with the 8 nearest test images. Beside them stand baselines that need
no uncertainty head: minus the norm of the pooled features, and the distance to the nearest
proxy or, of a classifier, 1 minus the largest probability.

  AUROC     how often the number is larger for an image of the kind that is named than for
            one that is not: images that are wrong at rank 1, corrupted copies of the test
            images in three strengths, images of another domain (clothing for a run on
            glyphs, else glyphs), the means of two images of different classes and, on
            glyphs, those that were made ambiguous. 1 is perfect, 0.5 chance.
  gain      what rejecting the most uncertain images is worth: 1 as much as rejecting the
            wrong ones first, 0 as little as rejecting any. area is the mean error of the
            images that are kept, over all shares that are rejected.
  growth    at how many of the steps from one strength to the next it grows.
  Spearman  rank correlation, with the distance to the center of the image's class, and with
            the amount of an ambiguity.

A single run's numbers have 95 % bootstrap intervals. Of retrieval they are over classes: whole
classes are drawn, so that they tell what other unseen classes would change, if there are many.
Of classification, where the classes are given, they are over images. Of runs that differ in
their seed alone, mean and standard deviation over seeds are printed, and over how many, if not
all have a value. The folder of a sweep stands for its finished runs.

What was measured is written into each run folder, as uncertainty.json, for "idml report".
Settings should not be chosen by the test images: --held-out measures those that were held out
of training (--set data.validation=0.25) instead.

FILE is a safetensors file as "idml eval --embeddings" reads it, with the tensor "uncertainties":
its images that are wrong at rank 1 are measured, and the distance to the center.

Examples:
  $ idml uncertainty --figures figures runs/glyphs
  $ idml uncertainty --csv uncertainty.csv runs/forms
  $ idml uncertainty --embeddings mine.safetensors`,
		run: runUncertainty,
	}
}

// uncertaintyOptions are the command's.
type uncertaintyOptions struct {
	asJSON         bool
	table, figures string
	data, file     string
	noSave         bool
	heldOut        bool
	bootstrap      experiment.BootstrapOptions
}

func runUncertainty(ctx context.Context, env *environment, args []string) error {
	set := env.flags("uncertainty")
	o := uncertaintyOptions{bootstrap: experiment.DefaultBootstrap()}
	set.BoolVar(&o.asJSON, "json", false, "print all numbers and curves as one JSON array")
	set.StringVar(&o.table, "csv", "", "write all numbers into a CSV `file`")
	set.StringVar(&o.figures, "figures", "", "draw rejections, corruptions, mixes and the plane as SVG into this `folder`")
	set.IntVar(&o.bootstrap.Resamples, "bootstrap", o.bootstrap.Resamples, "the `number` of bootstrap resamples")
	set.Uint64Var(&o.bootstrap.Seed, "seed", o.bootstrap.Seed, "the seed of the bootstrap `n`")
	set.BoolVar(&o.heldOut, "held-out", false, "measure what was held out of training, and leave the run folders as they are")
	set.BoolVar(&o.noSave, "no-save", false, "leave the run folders as they are")
	set.StringVar(&o.data, "data", "", "read the images from this `folder`")
	set.StringVar(&o.file, "embeddings", "", "measure the embeddings in a safetensors `file`")
	if err := env.parse(set, args, math.MaxInt); err != nil {
		return err
	}
	if (set.NArg() == 0) == (o.file == "") {
		return usageError{"uncertainty: name either the folders of runs or --embeddings FILE"}
	}
	runs, err := env.uncertaintyRuns(o, set.Args())
	if err != nil {
		return err
	}
	if o.figures != "" {
		if err := os.MkdirAll(o.figures, 0o777); err != nil {
			return err
		}
	}
	table, err := openTable(o.table)
	if err != nil {
		return err
	}
	defer table.close()
	groups, err := env.measureUncertainty(ctx, o, runs)
	if err != nil {
		return err
	}
	if err := table.write(groups); err != nil {
		return err
	}
	if o.figures != "" {
		if err := env.drawUncertainty(o.figures, groups[0].Reports[0]); err != nil {
			return err
		}
	}
	if o.asJSON {
		return json.NewEncoder(env.stdout).Encode(groups)
	}
	return env.printUncertainty(groups)
}

// uncertaintyRuns returns the runs that some folders stand for, or what is wrong with them, as far as that can be told before they are measured.
func (env *environment) uncertaintyRuns(o uncertaintyOptions, dirs []string) ([]string, error) {
	if err := o.bootstrap.Validate(); err != nil {
		return nil, err
	}
	runs, notes, err := experiment.RunFolders(dirs)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		env.warn(note)
	}
	if len(runs) == 0 && o.file == "" {
		return nil, errors.New("uncertainty: no run has finished")
	}
	if o.figures != "" && len(runs) != 1 {
		return nil, usageError{"uncertainty: --figures draws one run: name it alone"}
	}
	return runs, experiment.CheckUncertainty(runs, experiment.Options{Data: o.data})
}

// measureUncertainty measures the runs, or the embeddings in a file.
func (env *environment) measureUncertainty(ctx context.Context, o uncertaintyOptions, runs []string) ([]experiment.UncertaintyGroup, error) {
	device, done, err := env.openBackend()
	if err != nil {
		return nil, err
	}
	defer done()
	if o.file != "" {
		return uncertaintyOfFile(ctx, device, o.file, o.bootstrap)
	}
	return env.uncertaintyOfRuns(ctx, device, runs, o)
}

// An uncertaintyTable is the CSV file, opened before there is anything to write: what it holds stays until there is.
type uncertaintyTable struct{ file *os.File }

// openTable opens or makes the file; without a path, there is no table.
func openTable(path string) (uncertaintyTable, error) {
	if path == "" {
		return uncertaintyTable{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	return uncertaintyTable{f}, err
}

func (t uncertaintyTable) write(groups []experiment.UncertaintyGroup) error {
	if t.file == nil {
		return nil
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() { // else a device or a pipe
		if err := t.file.Truncate(0); err != nil {
			return err
		}
	}
	return errors.Join(experiment.WriteUncertaintyCSV(t.file, groups), t.file.Close())
}

// close removes the file if nothing was ever written into it.
func (t uncertaintyTable) close() {
	if t.file == nil {
		return
	}
	_ = t.file.Close() // write told of an error
	if info, err := os.Stat(t.file.Name()); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		_ = os.Remove(t.file.Name())
	}
}

// drawUncertainty draws, and in a notebook displays, the figures of one run: reject.svg, corruptions-….svg for each score, and others.
func (env *environment) drawUncertainty(folder string, r *experiment.UncertaintyReport) error {
	figures := []struct {
		name string
		draw func() (plots.Figure, error)
	}{
		{"reject", func() (plots.Figure, error) { return r.RejectFigure() }},
		{"histograms", func() (plots.Figure, error) { return r.HistogramFigure() }},
		{"mixing", func() (plots.Figure, error) { return r.MixingFigure() }},
		{"plane", func() (plots.Figure, error) { return r.PlaneFigure() }},
	}
	for _, score := range r.Scores {
		figures = append(figures, struct {
			name string
			draw func() (plots.Figure, error)
		}{"corruptions-" + score.Name, func() (plots.Figure, error) { return r.CorruptionFigure(score) }})
	}
	for _, f := range figures {
		figure, err := f.draw()
		if err == nil {
			err = env.saveFigure(filepath.Join(folder, f.name+".svg"), figure)
		}
		if err != nil && !errors.Is(err, plots.ErrNoData) {
			return err
		}
	}
	return nil
}

// uncertaintyOfFile measures embeddings made elsewhere.
func uncertaintyOfFile(ctx context.Context, device compute.Backend, path string, b experiment.BootstrapOptions) ([]experiment.UncertaintyGroup, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := experiment.UncertaintyOfEmbeddings(ctx, device, f, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []experiment.UncertaintyGroup{{Data: path, Name: "embeddings", Reports: []*experiment.UncertaintyReport{r}}}, nil
}

// uncertaintyOfRuns measures runs, one after another, and saves each in its folder.
func (env *environment) uncertaintyOfRuns(ctx context.Context, device compute.Backend, runs []string, o uncertaintyOptions) ([]experiment.UncertaintyGroup, error) {
	line := env.progress()
	defer line.clear()
	var reports []*experiment.UncertaintyReport
	for _, run := range runs {
		r, err := experiment.Uncertainty(ctx, device, run, o.bootstrap, experiment.Options{
			Data: o.data, HeldOut: o.heldOut, Resident: env.resident,
			Stage: func(text string) { line.update(run + ": " + text) },
			Warn: func(text string) {
				line.clear()
				env.warn(text)
			},
		})
		if err == nil && !o.noSave && !o.heldOut {
			if err = r.Save(); err != nil {
				err = fmt.Errorf("%w (--no-save leaves the run folder as it is)", err)
			}
		}
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return experiment.GroupUncertainty(reports)
}

// printUncertainty prints a table for each setting.
func (env *environment) printUncertainty(groups []experiment.UncertaintyGroup) error {
	for k, g := range groups {
		if k > 0 {
			fmt.Fprintln(env.stdout)
		}
		spread := "mean ± standard deviation over seeds"
		if len(g.Reports) == 1 {
			spread = "95 % intervals over " + g.Reports[0].Over
		}
		fmt.Fprintf(env.stdout, "%s; %s\n", g.Title(), spread)
		w := env.table(0)
		fmt.Fprint(w, "\tchance")
		scores := g.Reports[0].Scores
		for _, score := range scores {
			fmt.Fprintf(w, "\t%s", score.Title)
		}
		fmt.Fprintln(w)
		for i, m := range g.Lines() {
			fmt.Fprintf(w, "%s\t%s", m.Name(), g.Chance(i))
			for _, score := range scores {
				fmt.Fprintf(w, "\t%s", g.Cell(i, score))
			}
			fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
