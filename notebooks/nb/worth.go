// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"introspection/experiment"
	"introspection/idml/runlog"
)

// A Worth is what the uncertainty of some runs was found to be worth, beside scores that need no uncertainty head.
type Worth struct {
	names   []string // of the runs
	reports []*experiment.UncertaintyReport
}

// ReadWorth reads what "idml uncertainty" measured of runs; each is called by the last part of its path. The runs must have the same scores.
func ReadWorth(dirs ...string) (*Worth, error) {
	if len(dirs) == 0 {
		return nil, errors.New("nb: no runs whose uncertainty was measured")
	}
	w := &Worth{}
	for _, dir := range dirs {
		r, err := experiment.ReadUncertainty(dir)
		if err != nil {
			return nil, err
		}
		if len(w.reports) > 0 && !slices.Equal(r.Scores, w.reports[0].Scores) {
			return nil, fmt.Errorf("nb: %s has the scores %v, %s has %v", dir, r.Scores, dirs[0], w.reports[0].Scores)
		}
		w.names, w.reports = append(w.names, filepath.Base(dir)), append(w.reports, r)
	}
	return w, nil
}

// Report returns the report of a run, by its name; nil if there is none of the name.
func (w *Worth) Report(name string) *experiment.UncertaintyReport {
	if i := slices.Index(w.names, name); i >= 0 {
		return w.reports[i]
	}
	return nil
}

// Show shows a table of some measures, by their names, such as "AUROC, wrong R@1": the runs beneath each other, chance, and each score with its interval.
func (w *Worth) Show(measures ...string) error {
	heads, rows, err := w.table(measures)
	if err != nil {
		return err
	}
	Table(heads, rows)
	return nil
}

func (w *Worth) table(measures []string) (heads []string, rows [][]string, err error) {
	scores := w.reports[0].Scores
	heads = []string{"", "chance"}
	for _, score := range scores {
		heads = append(heads, score.Title)
	}
	for _, measure := range measures {
		for k, r := range w.reports {
			i := slices.IndexFunc(r.Measures, func(m runlog.UncertaintyMeasure) bool { return m.Name() == measure })
			if i < 0 {
				return nil, nil, fmt.Errorf("nb: %s has no measure %q", r.Run, measure)
			}
			group := experiment.UncertaintyGroup{Reports: []*experiment.UncertaintyReport{r}}
			row := []string{w.names[k] + ": " + measure, group.Chance(i)}
			for _, score := range scores {
				row = append(row, group.Cell(i, score))
			}
			rows = append(rows, row)
		}
	}
	return heads, rows, nil
}

// A tally counts the AUROC of a score: by their intervals those above chance and those below, and those that are larger than that of other scores, by their titles.
type tally struct {
	all, above, below int
	larger            map[string]int
}

// count counts the AUROC of a run's score.
func count(r *experiment.UncertaintyReport, score string) tally {
	t := tally{larger: map[string]int{}}
	for _, m := range r.Measures {
		e := m.Values[score]
		if m.Quantity != runlog.QuantityAUROC || !e.Exists() {
			continue
		}
		t.all++
		switch {
		case e.Low > m.Chance:
			t.above++
		case e.High < m.Chance:
			t.below++
		}
		for _, other := range r.Scores {
			if e.Value > m.Values[other.Name].Value {
				t.larger[other.Title]++
			}
		}
	}
	return t
}

// baselines are the scores that need no uncertainty head.
var baselines = []string{"features", "proxy", "probability"}

// Verdict says of a run's score, by its name ("norm" is ‖u‖), over all AUROC that were measured, how many are above chance and how many below, by their intervals, and how many are
// larger than those of each baseline, by their values alone.
func (w *Worth) Verdict(run, score string) (string, error) {
	r := w.Report(run)
	if r == nil {
		return "", fmt.Errorf("nb: no run %q among %q", run, w.names)
	}
	i := slices.IndexFunc(r.Scores, func(s runlog.UncertaintyScore) bool { return s.Name == score })
	if i < 0 {
		return "", fmt.Errorf("nb: %s has no score %q", r.Run, score)
	}
	t := count(r, score)
	text := fmt.Sprintf("%s, %s: of %d AUROC, %d are above chance and %d below, by their intervals over %s; %d can’t be told from it.",
		run, r.Scores[i].Title, t.all, t.above, t.below, r.Over, t.all-t.above-t.below)
	var others []string
	for _, other := range r.Scores {
		if other.Name != score && slices.Contains(baselines, other.Name) {
			others = append(others, fmt.Sprintf("than that of %s in %d", other.Title, t.larger[other.Title]))
		}
	}
	if len(others) > 0 {
		text += " The value is larger " + strings.Join(others, " and ") + "."
	}
	return text, nil
}
