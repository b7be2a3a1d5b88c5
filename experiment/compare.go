// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"introspection/idml"
	"introspection/idml/runlog"
)

// Group is a line of a comparison: runs that differ in their seed alone, or a baseline.
type Group struct {
	// Name says what sets the group apart from the others.
	Name string
	// Seeds are the runs' seeds, ascending.
	Seeds []uint64
	// Values holds each metric of each run, in the order of Seeds.
	Values map[string][]float64
}

// Mean returns the mean of a metric over the runs, NaN if a run lacks it.
func (g Group) Mean(metric string) float64 {
	values := g.Values[metric]
	if len(values) < len(g.Seeds) {
		return math.NaN()
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Deviation returns the sample standard deviation of a metric over the runs, NaN for a single run.
func (g Group) Deviation(metric string) float64 {
	mean, values := g.Mean(metric), g.Values[metric]
	if len(values) < 2 {
		return math.NaN()
	}
	var sum float64
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// Compare groups finished runs on the same images by their settings, and puts the baselines, raw pixels and the untrained network, first. A
// run's row is that of its last epoch: a fixed number of epochs, chosen without the test images. Runs on different datasets, two
// runs with the same settings and seed, and unfinished runs are errors.
func Compare(dirs []string) ([]Group, error) {
	var runs []comparedRun
	for _, dir := range dirs {
		r, err := readCompared(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no runs to compare")
	}
	for _, r := range runs[1:] {
		if r.config.Data.Name != runs[0].config.Data.Name || r.config.Data.Folder != runs[0].config.Data.Folder {
			return nil, fmt.Errorf("%s is on %s, %s on %s: compare runs on the same images", runs[0].dir, runs[0].config.Data.Name, r.dir, r.config.Data.Name)
		}
	}
	varying := varyingKeys(runs)
	var groups []Group
	find := func(name string) *Group {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == name })
		if i < 0 {
			i, groups = len(groups), append(groups, Group{Name: name, Values: map[string][]float64{}})
		}
		return &groups[i]
	}
	find(runlog.RowRawPixels)
	find(runlog.RowUntrained)
	for _, r := range runs { // groups stand in the order in which they were named
		find(r.name(varying))
	}
	slices.SortStableFunc(runs, func(a, b comparedRun) int { return cmp.Compare(a.config.Seed, b.config.Seed) })
	groups[0].add(runs[0].config.Seed, runs[0].rows[runlog.RowRawPixels])
	for _, r := range runs {
		if !slices.Contains(groups[1].Seeds, r.config.Seed) {
			groups[1].add(r.config.Seed, r.rows[runlog.RowUntrained])
		}
	}
	for _, r := range runs {
		g := find(r.name(varying))
		if slices.Contains(g.Seeds, r.config.Seed) {
			return nil, fmt.Errorf("%s repeats the settings and the seed, %d, of another run", r.dir, r.config.Seed)
		}
		g.add(r.config.Seed, r.rows[runlog.RowLast])
	}
	return groups, nil
}

func (g *Group) add(seed uint64, metrics map[string]float64) {
	g.Seeds = append(g.Seeds, seed)
	for name, v := range metrics {
		g.Values[name] = append(g.Values[name], v)
	}
}

// comparedRun is what Compare reads of a run.
type comparedRun struct {
	dir    string
	config idml.Config
	rows   map[string]map[string]float64
	flat   map[string]string // each setting by its dotted path, as JSON
}

func readCompared(dir string) (comparedRun, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return comparedRun{}, err
	}
	results, err := run.Results()
	if err != nil {
		return comparedRun{}, err
	}
	if results.Status != runlog.StatusFinished {
		return comparedRun{}, fmt.Errorf("%s is not finished: idml train --resume %s", dir, dir)
	}
	r := comparedRun{dir: dir, config: cfg, rows: map[string]map[string]float64{}, flat: map[string]string{}}
	for _, row := range results.Rows {
		r.rows[row.Name] = row.Metrics
	}
	whole, err := json.Marshal(cfg)
	if err != nil {
		return comparedRun{}, err
	}
	var tree map[string]any
	if err := json.Unmarshal(whole, &tree); err != nil {
		return comparedRun{}, err
	}
	flatten("", tree, r.flat)
	return r, nil
}

// flatten puts the leaves of a JSON tree under their dotted paths.
func flatten(prefix string, tree map[string]any, out map[string]string) {
	for name, value := range tree {
		if child, ok := value.(map[string]any); ok {
			flatten(prefix+name+".", child, out)
			continue
		}
		text, _ := json.Marshal(value) // it came from JSON
		out[prefix+name] = string(text)
	}
}

// namedKeys are settings that a group's name tells in words, and those that don't change a number or are spread over.
var namedKeys = []string{"loss.name", "metric.form", "mixing.mixup", "seed", "data.workers", "recipe"}

// varyingKeys returns the other settings in which runs differ, sorted.
func varyingKeys(runs []comparedRun) []string {
	varying := map[string]bool{}
	for _, r := range runs {
		for key, value := range r.flat {
			if value != runs[0].flat[key] && !slices.Contains(namedKeys, key) {
				varying[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(varying))
}

// name tells the run's loss, form and mixing, and the settings in which the compared runs vary.
func (r comparedRun) name(varying []string) string {
	parts := []string{r.config.Loss.Name + " " + string(r.config.Metric.Form)}
	if r.config.Mixing.Mixup {
		parts[0] += " + mixup"
	}
	for _, key := range varying {
		parts = append(parts, key+"="+r.flat[key])
	}
	return strings.Join(parts, ", ")
}
