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
	"text/tabwriter"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml/backend"
	"introspection/plots"
)

func uncertaintyCommand() command {
	return command{
		name:    "uncertainty",
		summary: "measure what the uncertainty of runs is worth",
		usage:   "[--json] [--csv FILE] [--figures FOLDER] [--data FOLDER] RUN…\n       idml uncertainty [--json] [--csv FILE] --embeddings FILE",
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

A single run's numbers have 95 % bootstrap intervals over images. Of runs that differ in their
seed alone, mean and standard deviation over seeds are printed. The folder of a sweep stands for
its finished runs. Nothing is written into the run folders.

FILE is a safetensors file as "idml eval --embeddings" reads it, with the tensor "uncertainties":
its images that are wrong at rank 1 are measured, and the distance to the center.

Examples:
  $ idml uncertainty --figures figures runs/glyphs
  $ idml uncertainty --csv uncertainty.csv runs/forms
  $ idml uncertainty --embeddings mine.safetensors`,
		run: runUncertainty,
	}
}

func runUncertainty(ctx context.Context, env *environment, args []string) error {
	set := env.flags("uncertainty")
	asJSON := set.Bool("json", false, "print all numbers and curves as one JSON array")
	table := set.String("csv", "", "write all numbers into a CSV `file`")
	figures := set.String("figures", "", "draw errors against rejections, and corruptions, as SVG into this `folder`")
	bootstrap := experiment.DefaultBootstrap()
	set.IntVar(&bootstrap.Resamples, "bootstrap", bootstrap.Resamples, "the `number` of bootstrap resamples")
	set.Uint64Var(&bootstrap.Seed, "seed", bootstrap.Seed, "the seed of the bootstrap `n`")
	data := set.String("data", "", "read the images from this `folder`")
	file := set.String("embeddings", "", "measure the embeddings in a safetensors `file`")
	if err := env.parse(set, args, math.MaxInt); err != nil {
		return err
	}
	if (set.NArg() == 0) == (*file == "") {
		return usageError{"uncertainty: name either the folders of runs or --embeddings FILE"}
	}
	if *figures != "" && set.NArg() != 1 {
		return usageError{"uncertainty: --figures draws one run: name it alone"}
	}
	device, err := backend.Open("")
	if err != nil {
		return err
	}
	defer device.Finalize()
	var groups []experiment.UncertaintyGroup
	if *file != "" {
		groups, err = uncertaintyOfFile(ctx, device, *file, bootstrap)
	} else {
		groups, err = env.uncertaintyOfRuns(ctx, device, set.Args(), bootstrap, *data)
	}
	if err != nil {
		return err
	}
	if *table != "" {
		f, err := os.Create(*table)
		if err != nil {
			return err
		}
		if err := errors.Join(experiment.WriteUncertaintyCSV(f, groups), f.Close()); err != nil {
			return err
		}
	}
	if *figures != "" {
		if err := drawUncertainty(*figures, groups[0].Reports[0]); err != nil {
			return err
		}
	}
	if *asJSON {
		return json.NewEncoder(env.stdout).Encode(groups)
	}
	return env.printUncertainty(groups)
}

// drawUncertainty draws the figures of one run: reject.svg, and corruptions-….svg for each score.
func drawUncertainty(folder string, r *experiment.UncertaintyReport) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	reject, err := r.RejectFigure()
	if err != nil {
		return err
	}
	if err := plots.Save(filepath.Join(folder, "reject.svg"), reject); err != nil {
		return err
	}
	for _, score := range r.Scores {
		f, err := r.CorruptionFigure(score)
		if err != nil {
			return err
		}
		if err := plots.Save(filepath.Join(folder, "corruptions-"+score.Name+".svg"), f); err != nil {
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

// uncertaintyOfRuns measures runs, one after another.
func (env *environment) uncertaintyOfRuns(
	ctx context.Context, device compute.Backend, dirs []string, b experiment.BootstrapOptions, data string,
) ([]experiment.UncertaintyGroup, error) {
	runs, notes, err := experiment.RunFolders(dirs)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		env.warn(note)
	}
	if len(runs) == 0 {
		return nil, errors.New("uncertainty: no run has finished")
	}
	line := env.progress()
	defer line.clear()
	var reports []*experiment.UncertaintyReport
	for _, run := range runs {
		r, err := experiment.Uncertainty(ctx, device, run, b, experiment.Options{
			Data:  data,
			Stage: func(text string) { line.update(run + ": " + text) },
			Warn: func(text string) {
				line.clear()
				env.warn(text)
			},
		})
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
		fmt.Fprintln(env.stdout, g.Title())
		w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
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
