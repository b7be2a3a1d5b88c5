// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/plots"
)

// mostCurves is how many settings a figure of curves shows.
const mostCurves = 6

// curvesPart shows how the settings trained, with their seeds as bands; nil if no run noted more than one epoch.
func (a *Analysis) curvesPart() (*plots.ComparisonPart, error) {
	var judged []plots.Band
	losses, names := map[string][]plots.Band{}, []string(nil) // by the name of the loss, since each has a scale of its own
	for _, g := range a.Groups {
		if g.Baseline {
			continue
		}
		evaluations, loss, err := g.curves(a.Judge())
		if err != nil {
			return nil, err
		}
		if len(evaluations.X) > 1 {
			judged = append(judged, evaluations)
		}
		if name := g.config.Loss.Name; len(loss.X) > 1 {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			losses[name] = append(losses[name], loss)
		}
	}
	part := &plots.ComparisonPart{
		Heading: a.Data + ": training", Classification: a.Task == idml.Classification,
		Text: "Each line is the mean over seeds, its band one sample standard deviation to each side; a single seed has no band.",
	}
	judge := plots.MetricTitle(a.Judge())
	if err := addCurves(part, "evaluations", judge+" in training", judge+" at the evaluations of training, epoch 0 being the untrained network.", judged); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := addCurves(part, "loss-"+name, "training loss, "+name, "The mean training loss of each epoch: "+name+".", losses[name]); err != nil {
			return nil, err
		}
	}
	if len(part.Figures) == 0 {
		return nil, nil
	}
	return part, nil
}

// addCurves adds figures of bands over epochs to a part, mostCurves in each.
func addCurves(part *plots.ComparisonPart, name, label, caption string, bands []plots.Band) error {
	for k, some := range slices.Collect(slices.Chunk(bands, mostCurves)) {
		f, err := plots.NewBands("epoch", label, some...)
		if err != nil {
			return err
		}
		f.WholeX = true
		file := name
		if k > 0 {
			file = fmt.Sprintf("%s-%d", name, k+1)
		}
		part.Figures = append(part.Figures, plots.ComparisonFigure{Name: file, Figure: f, Caption: caption, Description: label + " over epochs"})
	}
	return nil
}

// curves returns the metric that the group is judged by at each epoch that all its seeds were evaluated after, and their mean training loss of each epoch.
func (g Group) curves(judge string) (judged, loss plots.Band, err error) {
	var evaluations, losses []map[int]float64
	for _, dir := range g.dirs {
		run, err := runlog.Open(dir)
		if err != nil {
			return judged, loss, err
		}
		records, err := run.Records()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return judged, loss, err
		}
		e, l := byEpoch(records, judge)
		evaluations, losses = append(evaluations, e), append(losses, l)
	}
	return seedBand(g.Name, evaluations), seedBand(g.Name, losses), nil
}

// byEpoch returns a metric of the last evaluation of each epoch, and the mean loss of its steps.
func byEpoch(records []runlog.Record, metric string) (evaluations, losses map[int]float64) {
	evaluations, losses = map[int]float64{}, map[int]float64{}
	all := map[int][]float64{}
	for _, r := range records {
		v, ok := r.Metrics[metric]
		switch {
		case r.Kind == runlog.KindStep:
			all[r.Epoch] = append(all[r.Epoch], r.Loss)
		case ok:
			evaluations[r.Epoch] = v
		}
	}
	for epoch, list := range all {
		losses[epoch] = mean(list)
	}
	return evaluations, losses
}

// seedBand returns the mean over seeds at each epoch that all have, with a deviation to each side if there are several. Values that are not finite are left out.
func seedBand(name string, seeds []map[int]float64) plots.Band {
	b := plots.Band{Name: name}
	if len(seeds) == 0 {
		return b
	}
	last := 0
	for epoch := range seeds[0] {
		last = max(last, epoch)
	}
	for epoch := 0; epoch <= last; epoch++ {
		var values []float64
		for _, s := range seeds {
			if v, ok := s[epoch]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				values = append(values, v)
			}
		}
		if len(values) < len(seeds) {
			continue
		}
		m := mean(values)
		b.X, b.Y = append(b.X, float64(epoch)), append(b.Y, m)
		if d := deviation(values); len(seeds) > 1 {
			b.Low, b.High = append(b.Low, m-d), append(b.High, m+d)
		}
	}
	return b
}
