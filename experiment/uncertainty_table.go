// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"introspection/idml/runlog"
)

// An UncertaintyGroup is the reports of runs that differ in their seed alone.
type UncertaintyGroup struct {
	// Data names the dataset and Name the setting, as [Compare] names them.
	Data string `json:"data"`
	Name string `json:"setting"`
	// Reports are of the runs, by their seeds, ascending.
	Reports []*UncertaintyReport `json:"runs"`
}

// GroupUncertainty groups reports by dataset and setting, in the order in which they are named. Two of the same settings and seed are an error.
func GroupUncertainty(reports []*UncertaintyReport) ([]UncertaintyGroup, error) {
	var groups []UncertaintyGroup
	runs := map[string][]comparedRun{} // by dataset
	for _, r := range reports {
		c := r.compared()
		runs[c.dataName()] = append(runs[c.dataName()], c)
	}
	for _, r := range reports {
		c := r.compared()
		data := c.dataName()
		name := c.name(varyingKeys(runs[data]))
		i := slices.IndexFunc(groups, func(g UncertaintyGroup) bool { return g.Data == data && g.Name == name })
		if i < 0 {
			i, groups = len(groups), append(groups, UncertaintyGroup{Data: data, Name: name})
		}
		for _, other := range groups[i].Reports {
			if filepath.Clean(other.Run) == filepath.Clean(r.Run) {
				return nil, fmt.Errorf("uncertainty: %s is named twice", r.Run)
			}
			if other.Seed == r.Seed {
				return nil, fmt.Errorf("uncertainty: %s repeats the settings and the seed, %d, of %s", r.Run, r.Seed, other.Run)
			}
		}
		groups[i].Reports = append(groups[i].Reports, r)
	}
	for _, g := range groups {
		slices.SortFunc(g.Reports, func(a, b *UncertaintyReport) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	return groups, nil
}

// CheckUncertainty returns the error that [GroupUncertainty] would return for the reports of some runs, or that of a run that can't be read, before any is measured.
func CheckUncertainty(dirs []string, o Options) error {
	var reports []*UncertaintyReport
	for _, dir := range dirs {
		_, cfg, err := openRun(dir)
		if err == nil {
			err = moveData(&cfg, o.Data)
		}
		if err != nil {
			return err
		}
		reports = append(reports, &UncertaintyReport{Run: dir, Uncertainty: runlog.Uncertainty{Seed: cfg.Seed}, config: cfg})
	}
	_, err := GroupUncertainty(reports)
	return err
}

// compared returns what tells a run's setting from others.
func (r *UncertaintyReport) compared() comparedRun {
	return comparedRun{r.Run, r.config, runlog.Results{}, flatConfig(r.config)}
}

// Title says what the group is of: "glyphs, proxy-anchor paper: 1680 images of 84 classes, R@1 0.783; the other domain: …".
func (g UncertaintyGroup) Title() string {
	first := g.Reports[0]
	var right []float64
	for _, r := range g.Reports {
		right = append(right, r.Right)
	}
	seeds := "1 seed"
	if len(g.Reports) > 1 {
		seeds = fmt.Sprintf("%d seeds", len(g.Reports))
	}
	title := fmt.Sprintf("%s, %s, %s: %d images of %d classes, %s right", g.Data, g.Name, seeds, first.Images, first.Classes, MeanText(mean(right), deviation(right)))
	if first.Unseen != "" {
		title += "; the other domain: " + first.Unseen
	}
	return title
}

// Lines are the measures of the first run, whose names are those of the lines. What another run lacks, as one that an older program measured, it has no value of.
func (g UncertaintyGroup) Lines() []runlog.UncertaintyMeasure { return g.Reports[0].Measures }

// Cell returns line i of a score as text: the value with its bootstrap interval or, of several runs, the mean and the standard deviation over the
// seeds that have a value, with their number where not all have one; "–" where none has.
func (g UncertaintyGroup) Cell(i int, score runlog.UncertaintyScore) string {
	var values []float64
	line := g.Lines()[i]
	for _, r := range g.Reports {
		e := r.Estimate(line.Quantity, line.Of, score.Name)
		if len(g.Reports) == 1 && e.Exists() {
			return fractionText(e.Value) + " " + IntervalText(Interval{e.Low, e.High})
		}
		if !math.IsNaN(e.Value) {
			values = append(values, e.Value)
		}
	}
	if len(values) == 0 {
		return "–"
	}
	text := fractionText(mean(values)) + " ± " + fractionText(deviation(values))
	if len(values) < len(g.Reports) {
		text += fmt.Sprintf(" (%d of %d)", len(values), len(g.Reports))
	}
	return text
}

// Chance returns the value of line i for a score that knows nothing, the mean over runs.
func (g UncertaintyGroup) Chance(i int) string {
	var values []float64
	for _, r := range g.Reports {
		for _, m := range r.Measures {
			if m.Name() == g.Lines()[i].Name() {
				values = append(values, m.Chance)
			}
		}
	}
	return fractionText(mean(values))
}

// uncertaintyColumns are those of WriteUncertaintyCSV.
var uncertaintyColumns = []string{"data", "setting", "seed", "run", "epoch", "measure", "of", "score", "value", "low", "high", "chance"}

// WriteUncertaintyCSV writes a line for each run, measure and score, with the bootstrap interval of each value; what does not exist is empty.
func WriteUncertaintyCSV(w io.Writer, groups []UncertaintyGroup) error {
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	out := csv.NewWriter(w)
	rows := [][]string{uncertaintyColumns}
	for _, g := range groups {
		for _, r := range g.Reports {
			for _, m := range r.Measures {
				for _, score := range r.Scores {
					e := m.Values[score.Name]
					rows = append(rows, []string{
						g.Data, g.Name, strconv.FormatUint(r.Seed, 10), r.Run, strconv.Itoa(r.Checkpoint.Epoch), m.Quantity, m.Of, score.Name,
						number(e.Value), number(e.Low), number(e.High), number(m.Chance),
					})
				}
			}
		}
	}
	return out.WriteAll(rows)
}
