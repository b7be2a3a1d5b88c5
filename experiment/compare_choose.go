// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"introspection/idml/runlog"
)

// chooseRuns keeps, of runs that differ in the settings of the keys and their seeds alone, those with the values that did best on what was held out of
// training: by the mean over seeds of the metric by which epochs are judged, after the last epoch, the first of equals. So settings are chosen without the
// test images. Each run must have held something out, and each value must have the same seeds.
func chooseRuns(runs []comparedRun, keys []string) ([]comparedRun, error) {
	if len(keys) == 0 {
		return runs, nil
	}
	for _, key := range keys {
		if _, ok := runs[0].flat[key]; !ok {
			return nil, fmt.Errorf("compare: no setting is called %q, to be chosen", key)
		}
		if slices.Contains(spreadKeys, key) {
			return nil, fmt.Errorf("compare: %s is nothing to choose: runs of one setting may differ in it", key)
		}
	}
	var order []string
	settings := map[string][]comparedRun{}
	for _, r := range runs {
		name := r.but(keys)
		if _, ok := settings[name]; !ok {
			order = append(order, name)
		}
		settings[name] = append(settings[name], r)
	}
	var kept []comparedRun
	for _, name := range order {
		best, err := bestValues(settings[name], keys)
		if err != nil {
			return nil, err
		}
		kept = append(kept, best...)
	}
	return kept, nil
}

// spreadKeys are settings that runs of one setting may differ in: what is spread over or changes no number.
var spreadKeys = []string{"seed", "data.workers", "data.folder", "recipe", "evaluate_every", "checkpoint_minutes"}

// but names a run's settings but those of the keys and what changes nothing.
func (r comparedRun) but(keys []string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(r.flat)) {
		if !slices.Contains(keys, key) && !slices.Contains(spreadKeys, key) {
			fmt.Fprintf(&text, "%s=%s\n", key, r.flat[key])
		}
	}
	return text.String()
}

// bestValues returns the runs with the best values of the keys among runs that agree in all other settings.
func bestValues(runs []comparedRun, keys []string) ([]comparedRun, error) {
	var order []string
	byValue := map[string][]comparedRun{}
	for _, r := range runs {
		value := r.values(keys)
		if _, ok := byValue[value]; !ok {
			order = append(order, value)
		}
		byValue[value] = append(byValue[value], r)
	}
	best, most := "", math.Inf(-1)
	for _, value := range order {
		if a, b := seedsOf(byValue[value]), seedsOf(byValue[order[0]]); !slices.Equal(a, b) {
			return nil, fmt.Errorf("compare: to choose %s, each value needs the same seeds: %s has %v, %s has %v", strings.Join(keys, ", "), order[0], b, value, a)
		}
		held, err := meanHeldOut(byValue[value])
		if err != nil {
			return nil, err
		}
		if best == "" || held > most {
			best, most = value, held
		}
	}
	return byValue[best], nil
}

// values spells the values of the keys.
func (r comparedRun) values(keys []string) string {
	var parts []string
	for _, key := range keys {
		parts = append(parts, key+"="+r.flat[key])
	}
	return strings.Join(parts, ", ")
}

func seedsOf(runs []comparedRun) []uint64 {
	var seeds []uint64
	for _, r := range runs {
		seeds = append(seeds, r.config.Seed)
	}
	slices.Sort(seeds)
	return seeds
}

// meanHeldOut returns the mean over runs of the metric by which their last epochs were judged. NaN, of a network that broke, is the worst.
func meanHeldOut(runs []comparedRun) (float64, error) {
	sum := 0.0
	for _, r := range runs {
		if r.config.Data.Validation == 0 {
			return 0, fmt.Errorf("compare: %s held nothing out of training (data.validation is 0), so that its settings can't be chosen without the test images", r.dir)
		}
		run, err := runlog.Open(r.dir)
		if err != nil {
			return 0, err
		}
		records, err := run.Records()
		if err != nil {
			return 0, err
		}
		i := slices.IndexFunc(records, func(rec runlog.Record) bool { return rec.Kind == runlog.KindEval && rec.Epoch == r.results.Epochs })
		if i < 0 {
			return 0, fmt.Errorf("%s: %s has no evaluation of the last epoch, %d", r.dir, runlog.MetricsFile, r.results.Epochs)
		}
		v := records[i].Metrics[runlog.Judge(records[i].Metrics)]
		if math.IsNaN(v) {
			return math.Inf(-1), nil
		}
		sum += v / float64(len(runs))
	}
	return sum, nil
}
