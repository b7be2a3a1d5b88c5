// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"
	"math"
	"strings"

	"introspection/experiment"
	"introspection/idml"
	"introspection/plots"
)

// Show shows a table of baselines and settings: mean ± standard deviation over seeds of the metrics, after the first its 95 % interval over seeds.
func (c *Compared) Show(metrics ...string) {
	Table(c.table(metrics))
}

func (c *Compared) table(metrics []string) (heads []string, rows [][]string) {
	heads = []string{"", "seeds", plots.MetricTitle(metrics[0]), "95 % over seeds"}
	for _, m := range metrics[1:] {
		heads = append(heads, plots.MetricTitle(m))
	}
	for _, first := range c.of(metrics[0], comparedBaseline, comparedSetting) {
		row := []string{first.setting, fmt.Sprint(first.seeds), experiment.MeanText(first.mean, first.deviation), experiment.IntervalText(first.overSeeds)}
		for _, m := range metrics[1:] {
			text := "–"
			for _, r := range c.of(m, first.kind) {
				if r.setting == first.setting {
					text = experiment.MeanText(r.mean, r.deviation)
				}
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return heads, rows
}

// ShowDifferences shows a table of the differences in a metric between settings, with their three 95 % intervals.
func (c *Compared) ShowDifferences(metric string) {
	Table(c.differencesTable(metric))
}

func (c *Compared) differencesTable(metric string) (heads []string, rows [][]string) {
	heads = []string{"", "minus", "seeds", plots.MetricTitle(metric), "over seeds", "over test images", "over classes"}
	for _, r := range c.of(metric, comparedDifference) {
		rows = append(rows, []string{
			r.setting, r.reference, fmt.Sprint(r.seeds), experiment.SignedText(r.mean),
			experiment.SignedIntervalText(r.overSeeds), experiment.SignedIntervalText(r.overQueries), experiment.SignedIntervalText(r.overClasses),
		})
	}
	return heads, rows
}

// Verdict says in a sentence what the differences in a metric of the settings whose names have a word, such as a form of the metric, come to: how many are above 0, and
// of how many the intervals over seeds and over classes both leave 0 out. Of single seeds, which have no interval over seeds, it is that over classes alone.
func (c *Compared) Verdict(metric, word string) string {
	low, high := math.Inf(1), math.Inf(-1)
	n, above, seeds := 0, 0, true
	var better, worse []string
	for _, r := range c.of(metric, comparedDifference) {
		if !hasWord(r.setting, word) {
			continue
		}
		n++
		low, high = min(low, r.mean), max(high, r.mean)
		if r.mean > 0 {
			above++
		}
		seeds = seeds && r.overSeeds.Exists()
		name, _, _ := strings.Cut(r.setting, ",")
		switch {
		case r.overClasses.Low > 0 && !(r.overSeeds.Low <= 0): // NaN passes
			better = append(better, name)
		case r.overClasses.High < 0 && !(r.overSeeds.High >= 0):
			worse = append(worse, name)
		}
	}
	if n == 0 {
		return fmt.Sprintf("%s: the table has no difference of a setting with “%s”.", plots.MetricTitle(metric), word)
	}
	by := "the intervals over seeds and over classes alike"
	if !seeds {
		by = "the interval over classes (a single seed has none over seeds)"
	}
	return fmt.Sprintf("%s of “%s” minus its reference: above 0 in %d of %d, from %s to %s. By %s it is better in %d%s and worse in %d%s.",
		plots.MetricTitle(metric), word, above, n, experiment.SignedText(low), experiment.SignedText(high), by, len(better), listed(better), len(worse), listed(worse))
}

// hasWord tells whether a text has a word, between spaces and commas.
func hasWord(text, word string) bool {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if w == word {
			return true
		}
	}
	return false
}

// listed returns names in brackets, "" of none.
func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// Above says in a sentence how many settings are above all baselines by at least so much of a metric, and which is best.
func (c *Compared) Above(metric string, least float64) string {
	baseline, best := comparedRow{mean: math.Inf(-1)}, comparedRow{mean: math.Inf(-1)}
	for _, r := range c.of(metric, comparedBaseline) {
		if r.mean > baseline.mean {
			baseline = r
		}
	}
	settings := c.of(metric, comparedSetting)
	above := 0
	for _, r := range settings {
		if r.mean >= baseline.mean+least {
			above++
		}
		if r.mean > best.mean {
			best = r
		}
	}
	return fmt.Sprintf("%d of %d settings are above the better baseline (%s, %s %.3f) by %g or more; the best is %s with %s.",
		above, len(settings), baseline.setting, plots.MetricTitle(metric), baseline.mean, least, best.setting, experiment.MeanText(best.mean, best.deviation))
}

// Methods shows the six methods of classification: what the table has of each, and what the paper reports of it on the datasets that are named by
// the first parts of their recipes. It is an error if the table lacks one.
func (c *Compared) Methods(recipe string, published ...string) error {
	heads, rows, err := c.methodsTable(recipe, published)
	if err != nil {
		return err
	}
	Table(heads, rows)
	return nil
}

func (c *Compared) methodsTable(recipe string, published []string) (heads []string, rows [][]string, err error) {
	metrics := []string{"top@1", "top@5", "loss", "ece"}
	heads = []string{"", "setting", "seeds"}
	for _, m := range metrics {
		heads = append(heads, plots.MetricTitle(m))
	}
	for _, name := range published {
		heads = append(heads, "published top-1, "+name)
	}
	for _, method := range idml.ClassificationMethods {
		cfg, err := idml.Recipe(recipe + "-" + method)
		if err != nil {
			return nil, nil, err
		}
		setting := string(cfg.Metric.Form)
		if cfg.Mixing.Mixes() {
			setting += " + " + cfg.Mixing.Method
		}
		row := []string{method, setting}
		for i, m := range metrics {
			r, ok := c.find(setting, m)
			if !ok {
				return nil, nil, fmt.Errorf("nb: the table has no %s of %q", m, setting)
			}
			if i == 0 {
				row = append(row, fmt.Sprint(r.seeds))
			}
			row = append(row, experiment.MeanText(r.mean, r.deviation))
		}
		for _, name := range published {
			other, err := idml.Recipe(name + "-" + method)
			if err != nil {
				return nil, nil, err
			}
			text := "–"
			if v, ok := other.Published()["top@1"]; ok {
				text = fmt.Sprintf("%.4f", v)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return heads, rows, nil
}
