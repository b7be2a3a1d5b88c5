// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

func evalCommand() command {
	return command{
		name:    "eval",
		summary: "measure a run, a checkpoint, or embeddings made elsewhere",
		usage:   "[--json] [--data FOLDER] RUN|CHECKPOINT\n       idml eval [--json] [--ks LIST] [--seed N] --embeddings FILE",
		help: `
Eval measures how well test images find images of their own class: R@K, R-precision, MAP@R,
and NMI, AMI and F1 of k-means clusters, all as fractions of 1. Of a classifier, it measures
top-1 and top-5 accuracy, the cross-entropy in nats and the calibration error (ECE).

RUN is a run folder: its newest checkpoint is measured, and predictions and thumbnails are made
anew. With --data, its images are read from a folder to which they have moved. CHECKPOINT is
one of its .safetensors files, with config.json beside it; nothing is written.

FILE is a safetensors file with the tensors "embeddings" [n, d] float32 and "labels" [n]
int32 or int64, and optionally "uncertainties" [n, d] and "clusters" [n], which are then
used instead of k-means.

Examples:
  $ idml eval runs/glyphs
  $ idml eval --json runs/glyphs
  $ idml eval runs/glyphs/best.safetensors
  $ idml eval --json --embeddings mine.safetensors`,
		run: runEval,
	}
}

func runEval(ctx context.Context, env *environment, args []string) error {
	set := env.flags("eval")
	asJSON := set.Bool("json", false, "print one JSON object")
	data := set.String("data", "", "read the run's images from this `folder`")
	file := set.String("embeddings", "", "measure the embeddings in a safetensors `file`")
	ks := set.String("ks", "1,2,4,8", "the `list` of K of R@K, for --embeddings")
	seed := set.Uint64("seed", 0, "the seed of k-means `n`, for --embeddings")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	if (set.NArg() == 0) == (*file == "") {
		return usageError{"eval: name either a run folder, or a checkpoint in one, or --embeddings FILE"}
	}
	if given := givenOf(set, "ks", "seed"); given != "" && *file == "" {
		return usageError{fmt.Sprintf("eval: --%s is for --embeddings alone: a run is measured by its own settings", given)}
	}
	o := retrieval.DefaultOptions()
	o.Seed = *seed
	var err error
	if o.Ks, err = parseKs(*ks); err != nil {
		return err
	}
	b, done, err := env.openBackend()
	if err != nil {
		return err
	}
	defer done()
	var result experiment.Result
	warnings := experiment.Options{Data: *data, Warn: env.warn, Resident: env.resident}
	if *file != "" {
		result, err = evalFile(ctx, b, *file, o)
	} else if info, fault := os.Stat(set.Arg(0)); fault == nil && info.Mode().IsRegular() {
		result, err = experiment.EvaluateCheckpoint(ctx, b, set.Arg(0), warnings)
	} else {
		result, err = experiment.Evaluate(ctx, b, set.Arg(0), warnings)
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(env.stdout).Encode(result)
	}
	env.printResults([]runlog.Row{{Name: "test images", Metrics: result.Metrics()}})
	switch r := result.(type) {
	case *retrieval.Result:
		fmt.Fprintf(env.stdout, "%d queries of %d classes, %d without another image of their class\n", r.Queries, r.Classes, r.LoneQueries)
	case *classify.Result:
		fmt.Fprintf(env.stdout, "%d images of %d classes\n", r.Queries, r.Classes)
	}
	return nil
}

// givenOf returns the first of the named options that the user gave, or "".
func givenOf(set *flag.FlagSet, names ...string) (given string) {
	set.Visit(func(f *flag.Flag) {
		if given == "" && slices.Contains(names, f.Name) {
			given = f.Name
		}
	})
	return given
}

// parseKs parses a list such as "1,2,4".
func parseKs(list string) ([]int, error) {
	var ks []int
	for word := range strings.SplitSeq(list, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || k < 1 {
			return nil, usageError{fmt.Sprintf("eval: --ks %q: want numbers from 1 with commas between", list)}
		}
		ks = append(ks, k)
	}
	return ks, nil
}

func evalFile(ctx context.Context, b compute.Backend, path string, o retrieval.Options) (experiment.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	result, err := experiment.EvaluateEmbeddings(ctx, b, f, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return result, nil
}
