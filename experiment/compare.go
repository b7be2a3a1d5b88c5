// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// A Comparison is what finished runs on the same images came to.
type Comparison struct {
	// Data names the dataset.
	Data string
	// Task is what the runs were trained for.
	Task idml.Task
	// Groups are the baselines, raw pixels and the untrained network, and then the settings in the order in which their runs were named.
	Groups []Group
	// Chosen are the settings whose values were chosen by what was held out of training: see [Compare].
	Chosen []string
	// Seconds is the time that the runs trained, in all, without those that were not chosen.
	Seconds float64
}

// A Group is a line of a comparison: runs that differ in their seed alone, or a baseline.
type Group struct {
	// Name says what sets the group apart from the others.
	Name string
	// Baseline is true for what wasn't trained.
	Baseline bool
	// Seeds are the runs' seeds, ascending.
	Seeds []uint64
	// Values holds each metric of each run, in the order of Seeds.
	Values map[string][]float64
	// Published are the metrics that the paper reports for these settings, nil if there are none; Source is where.
	Published map[string]float64
	Source    string

	config idml.Config // of the first run
	dirs   []string    // of the runs, in the order of Seeds; none for a baseline
}

// Mean returns the mean of a metric over the runs, NaN if a run lacks it.
func (g Group) Mean(metric string) float64 {
	if values := g.Values[metric]; len(values) == len(g.Seeds) {
		return mean(values)
	}
	return math.NaN()
}

// Deviation returns the sample standard deviation of a metric over the runs, NaN for a single run.
func (g Group) Deviation(metric string) float64 {
	if values := g.Values[metric]; len(values) == len(g.Seeds) {
		return deviation(values)
	}
	return math.NaN()
}

// Interval returns the 95 % confidence interval of the mean of a metric over seeds, by Student's t: see [Interval]. There is none for a single run.
func (g Group) Interval(metric string) Interval {
	if values := g.Values[metric]; len(values) == len(g.Seeds) {
		return tInterval(values)
	}
	return noInterval
}

// Group returns the trained group of a name, or the only one whose name has all words of the text; an error lists the names.
func (c *Comparison) Group(text string) (*Group, error) {
	var found []*Group
	var names []string
	for i := range c.Groups {
		g := &c.Groups[i]
		if g.Baseline {
			continue
		}
		if g.Name == text {
			return g, nil
		}
		names = append(names, g.Name)
		if !slices.ContainsFunc(strings.Fields(text), func(word string) bool { return !strings.Contains(g.Name, word) }) {
			found = append(found, g)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, fmt.Errorf("compare: %q names %d settings, want one of: %s", text, len(found), strings.Join(names, "; "))
}

// Judge returns the name of the metric that the runs are judged by: recall@1, of classifiers top@1. Its title is [plots.MetricTitle].
func (c *Comparison) Judge() string { return hitName(c.Task, 1) }

// JudgeTitle says in words what Judge measures, such as on the axis of a figure.
func (c *Comparison) JudgeTitle() string {
	return plots.MetricTitle(c.Judge()) + map[idml.Task]string{idml.Retrieval: " on unseen classes", idml.Classification: " on the test images"}[c.Task]
}

// Queries is what a query is called: "queries", of classifiers "images".
func (c *Comparison) Queries() string {
	return map[idml.Task]string{idml.Retrieval: "queries", idml.Classification: "images"}[c.Task]
}

// Metrics lists the metrics that any group has: recalls, of classifiers accuracies, by their K, then the others as results list them.
func (c *Comparison) Metrics() []string {
	var ks []int
	has := map[string]bool{}
	for _, g := range c.Groups {
		for name := range g.Values {
			has[name] = true
		}
	}
	for name := range has {
		if k, ok := hitK(c.Task, name); ok {
			ks = append(ks, k)
		}
	}
	slices.Sort(ks)
	var names []string
	for _, k := range ks {
		names = append(names, hitName(c.Task, k))
	}
	others := []string{"r_precision", "map@r", "nmi", "ami", "f1"}
	if c.Task == idml.Classification {
		others = []string{"loss", "ece"}
	}
	for _, name := range others {
		if has[name] {
			names = append(names, name)
		}
	}
	return names
}

// hitPrefixes begin the names of the metrics that ask whether something right is among the first K: images of the query's class, or the image's class.
var hitPrefixes = map[idml.Task]string{idml.Retrieval: "recall@", idml.Classification: "top@"}

func hitName(task idml.Task, k int) string { return hitPrefixes[task] + strconv.Itoa(k) }

// hitK returns the K of a metric's name, if it is one that asks for something right among K.
func hitK(task idml.Task, metric string) (int, bool) {
	text, ok := strings.CutPrefix(metric, hitPrefixes[task])
	k, err := strconv.Atoi(text)
	return k, ok && err == nil
}

// RunFolders returns the folders of runs that are named, where the folder of a sweep stands for its runs that have finished, and notes on those that
// haven't.
func RunFolders(dirs []string) (runs, notes []string, err error) {
	for _, dir := range dirs {
		plan, err := ReadPlan(dir)
		if errors.Is(err, fs.ErrNotExist) {
			runs = append(runs, dir)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		finished := 0
		for _, r := range plan.Runs {
			if ReportRun(dir, r).State == RunFinished {
				runs = append(runs, runPath(dir, r.Name))
				finished++
			}
		}
		if finished < len(plan.Runs) {
			notes = append(notes, fmt.Sprintf("%d of %d runs of %s have not finished and are left out: idml sweep --resume %s", len(plan.Runs)-finished, len(plan.Runs), dir, dir))
		}
	}
	return runs, notes, nil
}

// Compare groups finished runs by their settings, for each dataset and task by itself, in the order in which they are named. A
// run's row is that of its last epoch: a fixed number of epochs, chosen without the test images. Two
// runs with the same settings and seed, and unfinished runs, are errors.
//
// Of runs that differ in the settings named by choose alone ("optimizer.lr") and their seeds, only those with the best values take part: best by what was held
// out of training (data.validation, which must be above 0), so that settings are chosen without the test images.
func Compare(dirs []string, choose ...string) ([]*Comparison, error) {
	var data []string
	byData := map[string][]comparedRun{}
	for _, dir := range dirs {
		r, err := readCompared(dir)
		if err != nil {
			return nil, err
		}
		name := r.dataName()
		if !slices.Contains(data, name) {
			data = append(data, name)
		}
		byData[name] = append(byData[name], r)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("no runs to compare")
	}
	var list []*Comparison
	for _, name := range data {
		runs, err := chooseRuns(byData[name], choose)
		if err != nil {
			return nil, err
		}
		c, err := compareRuns(name, runs)
		if err != nil {
			return nil, err
		}
		c.Chosen = choose
		list = append(list, c)
	}
	return list, nil
}

// compareRuns groups the runs of one dataset.
func compareRuns(data string, runs []comparedRun) (*Comparison, error) {
	c := &Comparison{Data: data, Task: runs[0].config.Task}
	varying := varyingKeys(runs)
	find := func(name string) *Group {
		i := slices.IndexFunc(c.Groups, func(g Group) bool { return g.Name == name })
		if i < 0 {
			i, c.Groups = len(c.Groups), append(c.Groups, Group{Name: name, Values: map[string][]float64{}})
		}
		return &c.Groups[i]
	}
	find(runlog.RowRawPixels).Baseline = true
	find(runlog.RowUntrained).Baseline = true
	for _, r := range runs { // groups stand in the order in which they were named
		g := find(r.name(varying))
		if len(g.Published) == 0 {
			g.Published, g.Source = r.results.Published, r.results.PublishedSource
		}
	}
	slices.SortStableFunc(runs, func(a, b comparedRun) int { return cmp.Compare(a.config.Seed, b.config.Seed) })
	c.Groups[0].add(runs[0].config.Seed, runs[0].row(runlog.RowRawPixels))
	for _, r := range runs {
		if !slices.Contains(c.Groups[1].Seeds, r.config.Seed) {
			c.Groups[1].add(r.config.Seed, r.row(runlog.RowUntrained))
		}
		g := find(r.name(varying))
		if i := slices.Index(g.Seeds, r.config.Seed); i >= 0 {
			return nil, fmt.Errorf("%s repeats the settings and the seed, %d, of %s", r.dir, r.config.Seed, g.dirs[i])
		}
		if len(g.dirs) == 0 {
			g.config = r.config
		}
		g.add(r.config.Seed, r.row(runlog.RowLast))
		g.dirs = append(g.dirs, r.dir)
		c.Seconds += r.results.Seconds
	}
	return c, nil
}

func (g *Group) add(seed uint64, metrics map[string]float64) {
	g.Seeds = append(g.Seeds, seed)
	for name, v := range metrics {
		g.Values[name] = append(g.Values[name], v)
	}
}

// comparedRun is what Compare reads of a run.
type comparedRun struct {
	dir     string
	config  idml.Config
	results runlog.Results
	flat    map[string]string // each setting by its dotted path, as JSON
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
	return comparedRun{dir, cfg, results, flatConfig(cfg)}, nil
}

// row returns the metrics of a row, nil if there is none.
func (r comparedRun) row(name string) map[string]float64 {
	for _, row := range r.results.Rows {
		if row.Name == name {
			return row.Metrics
		}
	}
	return nil
}

// publishedData are the datasets that are the same wherever they lie, and are for one task alone.
var publishedData = []string{"cub", "cars", "sop", "cifar10", "cifar100", "imagenet"}

// dataName tells which images a run is on, and for classification of those that retrieval has, too, the task.
func (r comparedRun) dataName() string {
	d := r.config.Data
	if slices.Contains(publishedData, d.Name) {
		return d.Name
	}
	name := d.Name
	if d.Folder != "" {
		name += " in " + filepath.Clean(d.Folder)
	}
	if r.config.Task == idml.Classification {
		name += ", " + string(idml.Classification)
	}
	return name
}

// namedKeys are settings that a group's name tells in words, and those that don't change a number or are spread over.
var namedKeys = []string{"loss.name", "metric.form", "mixing.method", "seed", "data.workers", "data.folder", "recipe", "checkpoint_minutes"}

// varyingKeys returns the other settings in which runs differ, sorted, but for those that follow from the loss and the keys before them, as the settings of each
// loss do, and in classification the settings of mixing that follow from its method.
func varyingKeys(runs []comparedRun) []string {
	varying := map[string]bool{}
	for _, r := range runs {
		for key, value := range r.flat {
			if value != runs[0].flat[key] && !slices.Contains(namedKeys, key) {
				varying[key] = true
			}
		}
	}
	var kept []string
	for _, key := range slices.Sorted(maps.Keys(varying)) {
		known := []string{"loss.name"}
		if runs[0].config.Task == idml.Classification && strings.HasPrefix(key, "mixing.") {
			known = append(known, "mixing.method")
		}
		if !follows(runs, append(known, kept...), key) {
			kept = append(kept, key)
		}
	}
	return kept
}

// follows tells whether runs that agree in the known settings also agree in another one.
func follows(runs []comparedRun, known []string, key string) bool {
	values := map[string]string{}
	for _, r := range runs {
		var text strings.Builder
		for _, k := range known {
			text.WriteString(r.flat[k] + "\n")
		}
		if old, ok := values[text.String()]; ok && old != r.flat[key] {
			return false
		}
		values[text.String()] = r.flat[key]
	}
	return true
}

// name tells the run's loss, of which classification has only one, form and mixing, and the settings in which the compared runs vary.
func (r comparedRun) name(varying []string) string {
	parts := []string{string(r.config.Metric.Form)}
	if r.config.Task != idml.Classification {
		parts[0] = r.config.Loss.Name + " " + parts[0]
	}
	if r.config.Mixing.Mixes() {
		parts[0] += " + " + r.config.Mixing.Method
	}
	for _, key := range varying {
		parts = append(parts, key+"="+r.flat[key])
	}
	return strings.Join(parts, ", ")
}
