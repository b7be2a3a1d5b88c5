// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// ComparisonReport lays out comparisons as a report: for each dataset the settings, their differences, the ablations, how they trained, and what the uncertainty is worth
// where that was measured. Notes are shown on top.
func ComparisonReport(list []*Analysis, notes []string) (plots.Comparison, error) {
	c := plots.Comparison{Title: "Comparison of runs", Notes: notes}
	runs, seconds := 0, 0.0
	var data []string
	for _, a := range list {
		for _, g := range a.Groups {
			runs += len(g.dirs)
		}
		seconds += a.Seconds
		data = append(data, a.Data)
		for _, part := range []func() (*plots.ComparisonPart, error){
			a.settingsPart, a.differencesPart, a.ablationsPart, a.curvesPart, a.uncertaintyPart,
		} {
			p, err := part()
			if err != nil {
				return c, err
			}
			if p != nil {
				c.Parts = append(c.Parts, *p)
			}
		}
	}
	c.Lead = fmt.Sprintf("%d runs on %s, trained for %s in all.", runs, strings.Join(data, ", "), time.Duration(seconds*float64(time.Second)).Round(time.Second))
	return c, nil
}

// settingsPart shows what each setting came to.
func (a *Analysis) settingsPart() (*plots.ComparisonPart, error) {
	var methods []plots.Method
	for _, g := range a.Groups {
		methods = append(methods, plots.Method{Name: g.Name, Values: g.Values[a.Judge()], Baseline: g.Baseline})
	}
	figure, err := plots.NewIntervals(a.JudgeTitle(), methods)
	if err != nil {
		return nil, err
	}
	metrics, judge := a.Metrics(), plots.MetricTitle(a.Judge())
	t := plots.ComparisonTable{Columns: []string{"setting", "seeds", judge + ", 95 % over seeds"}}
	for _, m := range metrics {
		t.Columns = append(t.Columns, plots.MetricTitle(m))
	}
	sources := map[string]bool{}
	for _, g := range a.Groups {
		row := plots.ComparisonRow{Name: g.Name, Cells: []string{strconv.Itoa(len(g.Seeds)), IntervalText(g.Interval(a.Judge()))}}
		paper := plots.ComparisonRow{Name: "published", Cells: []string{"–", "–"}, Paper: true}
		for _, m := range metrics {
			row.Cells = append(row.Cells, MeanText(g.Mean(m), g.Deviation(m)))
			cell := "–"
			if v, ok := g.Published[m]; ok {
				cell = MeanText(v, math.NaN())
			}
			paper.Cells = append(paper.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
		if len(g.Published) == 0 {
			continue
		}
		t.Rows = append(t.Rows, paper)
		if !sources[g.Source] {
			sources[g.Source] = true
			t.Notes = append(t.Notes, "Published: "+g.Source+". It was not measured here, and other settings may differ.")
		}
	}
	return &plots.ComparisonPart{
		Heading: a.Data + ": settings", Classification: a.Task == idml.Classification,
		Figures: []plots.ComparisonFigure{{
			Name: "settings", Figure: figure, Description: judge + " of each setting with mean, deviation and seeds",
			Caption: judge + " after the last epoch: the mean as a diamond, one sample standard deviation to each side, and every seed as a dot.",
		}},
		Tables: []plots.ComparisonTable{t},
	}, nil
}

// differencesPart shows the differences between settings, nil if there are none.
func (a *Analysis) differencesPart() (*plots.ComparisonPart, error) {
	if len(a.Differences) == 0 {
		return nil, nil
	}
	part := &plots.ComparisonPart{
		Heading: a.Data + ": differences", Classification: a.Task == idml.Classification,
		Text:   "What each setting reaches more than its reference on the same " + a.Queries() + ".",
		Tables: []plots.ComparisonTable{a.differencesTable()},
	}
	part.Tables[0].Notes = append(part.Tables[0].Notes, a.bootstrapNote(a.Differences[0]))
	figure, err := a.differencesFigure(a.Differences, func(d Difference) string { return d.Name })
	judge := plots.MetricTitle(a.Judge())
	part.Figures = []plots.ComparisonFigure{{
		Name: "differences", Figure: figure, Description: "Differences in " + judge + " with bootstrap intervals",
		Caption: "Differences in " + judge + " from the reference that the table names.",
	}}
	return part, err
}

// bootstrapNote says what intervals were made of.
func (a *Analysis) bootstrapNote(d Difference) string {
	return fmt.Sprintf("95 %% intervals: over seeds by Student’s t; over %s and classes, percentiles of %d resamples (seed %d) of %d %s and of %d classes.",
		a.Queries(), a.Bootstrap.Resamples, a.Bootstrap.Seed, d.Queries, a.Queries(), d.Classes)
}

// differencesFigure draws the differences in the metric that runs are judged by.
func (a *Analysis) differencesFigure(list []Difference, name func(Difference) string) (plots.Figure, error) {
	var contrasts []plots.Contrast
	for _, d := range list {
		if d.Metric == a.Judge() {
			contrasts = append(contrasts, plots.Contrast{
				Name: name(d), Mean: d.Mean, Values: d.Values,
				Thick: [2]float64{d.OverQueries.Low, d.OverQueries.High}, Thin: [2]float64{d.OverClasses.Low, d.OverClasses.High},
			})
		}
	}
	figure, err := plots.NewDifferences("difference in "+plots.MetricTitle(a.Judge()), contrasts)
	if err != nil {
		return nil, err
	}
	figure.ThickLabel, figure.ThinLabel = "95 % over "+a.Queries(), "95 % over classes"
	return figure, nil
}

// differencesTable lists the differences.
func (a *Analysis) differencesTable() plots.ComparisonTable {
	t := plots.ComparisonTable{Columns: []string{"setting", "reference", "metric", "seeds", "difference", "over seeds", "over " + a.Queries(), "over classes"}}
	for _, d := range a.Differences {
		t.Rows = append(t.Rows, plots.ComparisonRow{Name: d.Name, Cells: []string{
			d.Reference, plots.MetricTitle(d.Metric), d.SeedsText(), SignedText(d.Mean), SignedIntervalText(d.OverSeeds), SignedIntervalText(d.OverQueries), SignedIntervalText(d.OverClasses),
		}})
	}
	return t
}

// ablationsPart shows the ablations, nil if none was asked for or found.
func (a *Analysis) ablationsPart() (*plots.ComparisonPart, error) {
	if len(a.Ablations) == 0 {
		return nil, nil
	}
	part := &plots.ComparisonPart{
		Heading: a.Data + ": from the loss to its introspective form",
		Text: "Each step has one thing more than the one before. The loss alone is trained for twice the epochs, since a step with mixup sees twice the images; " +
			"the constant factor reshapes distances as the introspective metric does and knows nothing of the single image.",
	}
	var steps []Difference
	titles := map[Pair]string{}
	for _, ablation := range a.Ablations {
		t := plots.ComparisonTable{Columns: []string{ablation.Loss, "seeds", "R@1", "95 % over seeds", "from the step before", "over seeds", "over queries", "over classes"}}
		for _, s := range ablation.Steps {
			t.Rows = append(t.Rows, plots.ComparisonRow{Name: s.Title, Cells: s.Cells()})
			if len(s.Differences) > 0 {
				steps = append(steps, s.Differences[0])
				titles[s.Differences[0].Pair] = ablation.Loss + " " + s.Title
			}
		}
		if missing := ablation.Missing(); len(missing) > 0 {
			t.Notes = append(t.Notes, "No run of: "+strings.Join(missing, "; ")+".")
		}
		part.Tables = append(part.Tables, t)
	}
	if len(steps) == 0 {
		return part, nil
	}
	figure, err := a.differencesFigure(steps, func(d Difference) string { return titles[d.Pair] })
	part.Figures = []plots.ComparisonFigure{{
		Name: "steps", Figure: figure, Description: "Differences in R@1 from the step before, with bootstrap intervals", Caption: "R@1: each step minus the one before.",
	}}
	return part, err
}

// Cells returns what a table says of a step: the number of seeds, R@1 and its interval over seeds, the difference from the step before and its three
// intervals.
func (s AblationStep) Cells() []string {
	if s.Group == nil {
		return []string{"0", "–", "–", "–", "–", "–", "–"}
	}
	g, metric := s.Group, runlog.Recall1
	cells := []string{strconv.Itoa(len(g.Seeds)), MeanText(g.Mean(metric), g.Deviation(metric)), IntervalText(g.Interval(metric))}
	if len(s.Differences) == 0 {
		return append(cells, "–", "–", "–", "–")
	}
	d := s.Differences[0]
	return append(cells, SignedText(d.Mean), SignedIntervalText(d.OverSeeds), SignedIntervalText(d.OverQueries), SignedIntervalText(d.OverClasses))
}
