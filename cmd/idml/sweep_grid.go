// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"introspection/experiment"
	"introspection/idml"
)

// buildGrid returns the grid that the options name.
func (f *sweepFlags) buildGrid() (experiment.Grid, error) {
	g := experiment.Grid{Recipes: splitValues(f.recipe), Data: f.data, Losses: splitValues(f.loss), Settings: f.set, Ablation: f.ablation}
	switch {
	case f.recipe != "" && f.config != "":
		return g, usageError{"sweep: --recipe and --config exclude each other"}
	case f.config != "":
		cfg, err := readConfig(f.config)
		if err != nil {
			return g, err
		}
		g.Base = &cfg
	case f.recipe == "" && f.data != "":
		g.Recipes = []string{"folder"}
	case f.recipe == "":
		return g, usageError{"sweep: nothing to train on: name --recipe, --config or a folder of images with --data"}
	}
	if f.loss == "all" {
		g.Losses = idml.LossNames()
	}
	if f.metric == "all" {
		g.Forms = allForms(g)
	} else {
		for _, name := range splitValues(f.metric) {
			g.Forms = append(g.Forms, idml.Form(name))
		}
	}
	for _, text := range splitValues(f.mixup) {
		mix, err := strconv.ParseBool(text)
		if err != nil {
			return g, usageError{fmt.Sprintf("sweep: --mixup %s: want true, false or true,false", f.mixup)}
		}
		g.Mixups = append(g.Mixups, mix)
	}
	for _, axis := range f.grid {
		key, values, _ := strings.Cut(axis, "=")
		g.Axes = append(g.Axes, experiment.GridAxis{Key: key, Values: splitValues(values)})
		if values == "" {
			return g, usageError{fmt.Sprintf("sweep: --grid %s: name the values", axis)}
		}
	}
	var err error
	g.Seeds, err = parseSeeds(f.seeds)
	return g, err
}

// splitValues splits a list at its commas, but for those in brackets, braces or quotation marks; "" is no value.
func splitValues(text string) []string {
	if text == "" {
		return nil
	}
	var values []string
	depth, quoted, begin := 0, false, 0
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ',' && depth == 0:
			values = append(values, text[begin:i])
			begin = i + 1
		}
	}
	return append(values, text[begin:])
}

// mostSeeds bounds a range of seeds: more is a slip.
const mostSeeds = 10000

// parseSeeds reads a list of seeds and ranges of them, such as 0-2,7.
func parseSeeds(text string) ([]uint64, error) {
	var seeds []uint64
	for _, part := range splitValues(text) {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 64)
		to, err2 := strconv.ParseUint(last, 10, 64)
		if err1 != nil || err2 != nil || to < from || to-from >= mostSeeds || to == math.MaxUint64 && from < to {
			return nil, usageError{fmt.Sprintf("sweep: --seeds %s: want numbers or ranges, as 0-2,7", text)}
		}
		seeds = append(seeds, from)
		for s := from; s < to; {
			s++
			seeds = append(seeds, s)
		}
	}
	return seeds, nil
}

// parseShard reads I/N; "" is the whole, share 0 of 1.
func parseShard(text string) (share, of int, err error) {
	if text == "" {
		return 0, 1, nil
	}
	first, second, _ := strings.Cut(text, "/")
	share, err1 := strconv.Atoi(first)
	of, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || share < 0 || share >= of {
		return 0, 0, usageError{fmt.Sprintf("sweep: --shard %s: want I/N with I from 0 to N-1, as 0/4", text)}
	}
	return share, of, nil
}

// allForms lists the forms of the metric of the task that the runs begin with.
func allForms(g experiment.Grid) []idml.Form {
	cfg := g.Base
	if cfg == nil {
		first, err := idml.Recipe(g.Recipes[0])
		if err != nil {
			return idml.Forms // the plan tells of the recipe
		}
		cfg = &first
	}
	if cfg.Task == idml.Classification {
		return idml.LogitForms
	}
	return idml.Forms
}
