// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"introspection/experiment"
)

func searchCommand() command {
	return command{
		name:    "search",
		summary: "find the embedded images nearest to an image",
		usage:   "--index FILE --run RUN [--k N] [--json] IMAGE",
		help: `
Search embeds IMAGE, a JPEG or PNG file, by the model of RUN and lists the nearest images in
FILE, which "idml embed" wrote by the same model. They are ordered by α, the distance of the
semantic embeddings. β is the length of the sum of both uncertainties, and the similarity is that
of the run's metric: in the paper's form, the more uncertain a pair, the more similar it counts.
‖u‖ is the uncertainty of an image alone.

Examples:
  $ idml search --index photos.safetensors --run runs/birds wren.jpg
  $ idml search --index photos.safetensors --run runs/birds --k 3 --json wren.jpg`,
		run: runSearch,
	}
}

func runSearch(ctx context.Context, env *environment, args []string) error {
	set := env.flags("search")
	index := set.String("index", "", "search in the images of this `file`, which idml embed wrote")
	run := set.String("run", "", "embed the image by the model of the `run`, a folder or a checkpoint in one")
	k := set.Int("k", 10, "list the `n` nearest images")
	asJSON := set.Bool("json", false, "print one JSON object")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	switch {
	case *index == "":
		return usageError{"search: no images to search in: name a file of idml embed with --index FILE"}
	case *run == "":
		return usageError{"search: no model: name a run with --run RUN"}
	case set.NArg() == 0:
		return usageError{"search: name an image"}
	case *k < 1:
		return usageError{fmt.Sprintf("search: --k %d: want at least 1", *k)}
	}
	x, err := readIndex(*index)
	if err != nil {
		return err
	}
	b, done, err := env.openBackend()
	if err != nil {
		return err
	}
	defer done()
	found, err := experiment.Search(ctx, b, *run, x, set.Arg(0), *k, experiment.Options{Warn: env.warn, Resident: env.resident})
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(env.stdout).Encode(found)
	}
	if err := env.printFound(found); err != nil {
		return err
	}
	env.showFound(found, x.Source)
	return nil
}

func readIndex(path string) (*experiment.Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, err := experiment.ReadIndex(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// printFound prints a table, an image a row.
func (env *environment) printFound(found *experiment.Found) error {
	fmt.Fprintf(env.stdout, "%s: ‖u‖ %.4f, %s metric\n", found.Query, found.Uncertainty, found.Metric.Form)
	w := env.table(0)
	fmt.Fprint(w, "rank\tsimilarity\tα\tβ\t‖u‖\tclass\timage\n")
	for _, hit := range found.Nearest {
		fmt.Fprintf(w, "%d\t%.4f\t%.4f\t%.4f\t%.4f\t%s\t%s\n", hit.Rank, hit.Similarity, hit.Alpha, hit.Beta, hit.Uncertainty, cmp.Or(hit.Class, "–"), hit.Path)
	}
	return w.Flush()
}
