// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// An Analysis is a comparison with what was asked of it.
type Analysis struct {
	*Comparison
	Differences []Difference
	Ablations   []Ablation
	Bootstrap   BootstrapOptions
}

// AnalysisOptions say what is compared.
type AnalysisOptions struct {
	Bootstrap BootstrapOptions
	// Against names the setting that all others are compared with, as [Comparison.Group] takes it; with "" the pairs are those of [Comparison.PlainPairs].
	Against string
	// Ablation looks for the steps of ablations.
	Ablation bool
}

// Analyze compares the settings of a comparison by pairs, and finds ablations if they are asked for.
func (c *Comparison) Analyze(o AnalysisOptions) (*Analysis, error) {
	a := &Analysis{Comparison: c, Bootstrap: o.Bootstrap}
	pairs := c.PlainPairs()
	if o.Against != "" {
		var err error
		if pairs, err = c.PairsWith(o.Against); err != nil {
			return nil, err
		}
	}
	var err error
	if a.Differences, err = c.Differences(pairs, o.Bootstrap); err != nil {
		return nil, err
	}
	if o.Ablation {
		if a.Ablations, err = c.Ablations(o.Bootstrap); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// csvColumns are the columns of WriteCSV. A row of a setting has the interval of the mean over seeds; one of a difference has all three.
var csvColumns = []string{
	"dataset", "kind", "setting", "reference", "metric", "seeds", "paired", "mean", "deviation", "seeds_low", "seeds_high",
	"queries_low", "queries_high", "classes_low", "classes_high", "queries", "classes",
}

// Kinds of rows in a CSV file.
const (
	kindBaseline   = "baseline"
	kindSetting    = "setting"
	kindPublished  = "published"  // the paper's, not measured here
	kindDifference = "difference" // setting minus reference
	kindAblation   = "ablation"   // a step of an ablation minus the one before
)

// WriteCSV writes comparisons as one table with a row for each number, fractions with all their digits; what there isn't is empty.
func WriteCSV(w io.Writer, list []*Analysis) error {
	out := csv.NewWriter(w)
	rows := [][]string{csvColumns}
	for _, a := range list {
		for _, g := range a.Groups {
			rows = append(rows, a.groupRows(g)...)
		}
		for _, d := range a.Differences {
			rows = append(rows, a.differenceRow(kindDifference, d))
		}
		for _, ablation := range a.Ablations {
			for _, step := range ablation.Steps {
				for _, d := range step.Differences {
					rows = append(rows, a.differenceRow(kindAblation, d))
				}
			}
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("compare: writing CSV: %w", err)
	}
	return nil
}

// groupRows returns a row for each metric of a group, and of what is published of it.
func (a *Analysis) groupRows(g Group) (rows [][]string) {
	kind := kindSetting
	if g.Baseline {
		kind = kindBaseline
	}
	for _, metric := range a.Metrics() {
		i := g.Interval(metric)
		rows = append(rows, []string{
			a.Data, kind, g.Name, "", metric, strconv.Itoa(len(g.Seeds)), "", number(g.Mean(metric)), number(g.Deviation(metric)), number(i.Low), number(i.High),
			"", "", "", "", "", "",
		})
		if v, ok := g.Published[metric]; ok {
			rows = append(rows, []string{a.Data, kindPublished, g.Name, "", metric, "", "", number(v), "", "", "", "", "", "", "", "", ""})
		}
	}
	return rows
}

// differenceRow returns the row of a difference.
func (a *Analysis) differenceRow(kind string, d Difference) []string {
	return []string{
		a.Data, kind, d.Name, d.Reference, d.Metric, strconv.Itoa(len(d.Seeds)), strconv.FormatBool(len(d.Seeds) > 0), number(d.Mean), number(deviation(d.Values)),
		number(d.OverSeeds.Low), number(d.OverSeeds.High), number(d.OverQueries.Low), number(d.OverQueries.High), number(d.OverClasses.Low), number(d.OverClasses.High),
		strconv.Itoa(d.Queries), strconv.Itoa(d.Classes),
	}
}

// number writes a number with all its digits, "" for NaN.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
