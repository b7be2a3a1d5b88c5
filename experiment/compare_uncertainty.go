// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// uncertaintyPart shows what the uncertainty of the settings is worth, of those whose runs it was measured of; nil if of none.
func (a *Analysis) uncertaintyPart() (*plots.ComparisonPart, error) {
	var groups []UncertaintyGroup
	runs, missing, stale := 0, 0, 0
	for _, g := range a.Groups {
		u := UncertaintyGroup{Data: a.Data, Name: g.Name}
		for _, dir := range g.dirs {
			runs++
			r, err := ReadUncertainty(dir)
			if errors.Is(err, fs.ErrNotExist) {
				missing++
				continue
			}
			if err != nil {
				return nil, err
			}
			if r.stale() {
				stale++
			}
			u.Reports = append(u.Reports, r)
		}
		if len(u.Reports) > 0 {
			groups = append(groups, u)
		}
	}
	if len(groups) == 0 {
		return nil, nil
	}
	part := &plots.ComparisonPart{
		Heading: a.Data + ": what the uncertainty is worth", Classification: a.Task == idml.Classification,
		Text: "How well each number tells which images are uncertain: the uncertainty embedding’s norm ‖u‖ and mean β to the nearest images, beside numbers that need no uncertainty head.",
	}
	t := uncertaintyColumnsOf(groups)
	if missing > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Of %d of %d runs it was not measured: “idml uncertainty” does.", missing, runs))
	}
	if stale > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Of %d of %d runs it was measured on a checkpoint that is not the newest: “idml uncertainty” measures that.", stale, runs))
	}
	part.Tables = []plots.ComparisonTable{t}
	var bands []plots.Band
	for _, g := range groups {
		bands = append(bands, g.rejections())
	}
	for k, some := range slices.Collect(slices.Chunk(bands, mostCurves)) {
		f, err := plots.NewBands("share of images rejected by ‖u‖", groups[0].Reports[0].Wrong+", share of those kept", some...)
		if err != nil {
			return nil, err
		}
		f.FromZero = true
		part.Figures = append(part.Figures, plots.ComparisonFigure{
			Name: fmt.Sprintf("rejections-%d", k+1), Figure: f, Description: "Error of the images kept over the share rejected by the uncertainty, of each setting",
			Caption: "The error of the images that are kept where those with the largest ‖u‖ are rejected: the mean over seeds and, of several, a deviation to each side. A level line is worth nothing.",
		})
	}
	return part, nil
}

// stale tells whether the run has a newer checkpoint than the one that was measured.
func (r *UncertaintyReport) stale() bool {
	run, err := runlog.Open(r.Run)
	if err != nil {
		return false
	}
	c, err := checkpointOf(run.Path(runlog.ModelFile))
	return err == nil && c != r.Checkpoint
}

// rejections returns the error of those kept by ‖u‖ over the share that is rejected, over seeds.
func (g UncertaintyGroup) rejections() plots.Band {
	var seeds []map[int]float64
	var rejected []float64
	for _, r := range g.Reports {
		values := map[int]float64{}
		for k, p := range r.Reject[scoreNorm.Name].Curve {
			values[k] = p.Error.Value
			if len(seeds) == 0 {
				rejected = append(rejected, p.Rejected)
			}
		}
		seeds = append(seeds, values)
	}
	b := seedBand(g.Name, seeds)
	for i, k := range b.X {
		b.X[i] = rejected[int(k)]
	}
	b.WithoutMarks = true
	return b
}

// uncertaintyColumnsOf returns the table of settings and scores, with some of the measures.
func uncertaintyColumnsOf(groups []UncertaintyGroup) plots.ComparisonTable {
	wrong := groups[0].Reports[0].Wrong
	columns := []struct{ title, quantity, of string }{
		{"AUROC, " + wrong, runlog.QuantityAUROC, wrong},
		{"gain of rejecting", runlog.QuantityGain, "rejecting " + wrong},
		{"rank corr., center", runlog.QuantitySpearman, "distance to the class’s center"},
		{"AUROC, mixed", runlog.QuantityAUROC, "mixed half and half"},
		{"AUROC, other domain", runlog.QuantityAUROC, "another domain"},
	}
	whole := strings.NewReplacer(", ", ",\u00a0", " ± ", "\u00a0±\u00a0") // an interval and a mean with its deviation stay in one line
	t := plots.ComparisonTable{Wrap: true, Columns: []string{"setting", "number", "seeds"}}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.title)
	}
	t.Columns = append(t.Columns, "AUROC, corrupted")
	for _, g := range groups {
		for _, score := range g.Reports[0].Scores {
			row := plots.ComparisonRow{Name: g.Name, Cells: []string{score.Title, fmt.Sprint(len(g.Reports))}}
			for _, c := range columns {
				i := slices.IndexFunc(g.Lines(), func(m runlog.UncertaintyMeasure) bool { return m.Quantity == c.quantity && m.Of == c.of })
				cell := "–"
				if i >= 0 {
					cell = whole.Replace(g.Cell(i, score))
				}
				row.Cells = append(row.Cells, cell)
			}
			t.Rows = append(t.Rows, plots.ComparisonRow{Name: row.Name, Cells: append(row.Cells, whole.Replace(g.corruptedText(score)))})
		}
	}
	t.Notes = []string{fmt.Sprintf("0.5 is chance of each AUROC, 0 of the others. Of several seeds the mean ± a standard deviation, of one the value with its 95 %% interval over %s. "+
		"Corrupted: the mean over the kinds of corruption in the largest strength, without an interval.", groups[0].Reports[0].Over)}
	return t
}

// corruptedText returns the mean AUROC of corrupted images, over the kinds in the largest strength, over seeds.
func (g UncertaintyGroup) corruptedText(score runlog.UncertaintyScore) string {
	var seeds []float64
	for _, r := range g.Reports {
		var values []float64
		for _, kind := range datasets.AllCorruptionKinds() {
			of := datasets.Corrupt{Kind: kind, Strength: datasets.CorruptionStrengths}.String()
			if e := r.Estimate(runlog.QuantityAUROC, of, score.Name); e.Exists() {
				values = append(values, e.Value)
			}
		}
		if len(values) > 0 {
			seeds = append(seeds, mean(values))
		}
	}
	if len(seeds) == 0 {
		return MeanText(math.NaN(), math.NaN())
	}
	return MeanText(mean(seeds), deviation(seeds))
}
