// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"introspection/idml/runlog"
)

// mostSteps is how many points the line of every step has at most; more are averaged.
const mostSteps = 1200

// curves returns the section on training; nil if nothing was noted.
func curves(records []runlog.Record, results *runlog.Results) (*picture, error) {
	records = resumed(records)
	panels := TrainingPanels(records, results)
	if len(panels) == 0 {
		return nil, nil
	}
	f, err := NewCurves("epoch", panels...)
	if errors.Is(err, ErrNoData) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	description, evaluated := "Training loss and recall over epochs", "retrieval on unseen classes after each evaluation"
	if evaluatesClasses(records) {
		description, evaluated = "Training loss and accuracy over epochs", "the accuracy on the test images at each evaluation"
		if results != nil && results.BestChosenOn == runlog.ChosenOnHeldOutImages {
			evaluated = "the accuracy on held-out training images at each evaluation"
		}
	}
	caption := "Training loss of the steps with the mean of each epoch"
	if len(evaluationPanel(records, results).Series) > 0 {
		caption += ", and " + evaluated + " (epoch 0: before training)"
	}
	if bad := notFinite(records); bad > 0 {
		caption += fmt.Sprintf(". The loss of %s was not a finite number and is left out", count(bad, "step"))
	}
	return newPicture("training", f, description, caption+".")
}

// TrainingPanels returns what Curves shows of a run over its epochs: the loss of
// each step with the mean of each epoch, and the retrieval on unseen classes, or
// the accuracy of a classifier, after each evaluation, epoch 0 being the untrained network, with both
// baselines as lines. A panel without values is left out; results may be nil.
func TrainingPanels(records []runlog.Record, results *runlog.Results) []Panel {
	var panels []Panel
	for _, p := range []Panel{lossPanel(records), evaluationPanel(records, results)} {
		if len(p.Series) > 0 {
			panels = append(panels, p)
		}
	}
	return panels
}

// resumed leaves out what was noted twice: after a run was resumed from an
// earlier step, the records of the first pass from that step on.
func resumed(records []runlog.Record) []runlog.Record {
	var out []runlog.Record
	for _, r := range records {
		for len(out) > 0 && (out[len(out)-1].Step > r.Step || out[len(out)-1].Step == r.Step && out[len(out)-1].Kind == r.Kind) {
			out = out[:len(out)-1]
		}
		out = append(out, r)
	}
	return out
}

// lossPanel returns the panel of the loss, without series if no step has a finite one.
func lossPanel(records []runlog.Record) Panel {
	perEpoch, largest := map[int]int{}, 1
	for _, r := range records {
		if r.Kind == runlog.KindStep {
			perEpoch[r.Epoch]++
			largest = max(largest, perEpoch[r.Epoch])
		}
	}
	each := Series{Name: "each step", Background: true}
	mean := Series{Name: "mean of epoch"}
	steps, sum, valid, epoch := 0, 0.0, 0, 0 // in the epoch so far
	close := func() {
		if valid > 0 {
			mean.X = append(mean.X, float64(epoch-1)+float64(steps)/float64(largest)/2)
			mean.Y = append(mean.Y, sum/float64(valid))
		}
		steps, sum, valid = 0, 0, 0
	}
	for _, r := range records {
		if r.Kind != runlog.KindStep {
			continue
		}
		if r.Epoch != epoch {
			close()
			epoch = r.Epoch
		}
		steps++
		if finite(r.Loss) {
			sum, valid = sum+r.Loss, valid+1
		}
		each.X = append(each.X, float64(epoch-1)+float64(steps)/float64(largest))
		each.Y = append(each.Y, r.Loss)
	}
	close()
	if len(mean.X) == 0 {
		return Panel{}
	}
	return Panel{YLabel: "training loss", Series: []Series{thin(each), mean}}
}

// thin averages a series in blocks so that mostSteps points are left at most.
func thin(s Series) Series {
	block := (len(s.X) + mostSteps - 1) / mostSteps
	if block <= 1 {
		return s
	}
	out := Series{Name: fmt.Sprintf("mean of %d steps", block), Background: s.Background}
	for i := 0; i < len(s.X); i += block {
		end := min(i+block, len(s.X))
		x, _ := meanDeviation(s.X[i:end])
		y, _ := meanDeviation(s.Y[i:end])
		out.X, out.Y = append(out.X, x), append(out.Y, y)
	}
	return out
}

// evaluatesClasses tells whether the evaluations are those of a classifier.
func evaluatesClasses(records []runlog.Record) bool {
	return slices.ContainsFunc(records, func(r runlog.Record) bool { return runlog.Judge(r.Metrics) == runlog.Top1 })
}

// evaluationPanel returns the panel of what was evaluated, without series if nothing was.
func evaluationPanel(records []runlog.Record, results *runlog.Results) Panel {
	p := Panel{YLabel: "fraction, unseen classes", FromZero: true}
	metrics := []string{runlog.Recall1, "map@r"}
	if evaluatesClasses(records) {
		metrics = []string{runlog.Top1}
	}
	for _, metric := range metrics {
		s := Series{Name: MetricTitle(metric)}
		some := false
		for _, r := range records {
			v, ok := r.Metrics[metric]
			if r.Kind != runlog.KindEval || !ok {
				continue
			}
			s.X, s.Y = append(s.X, float64(r.Epoch)), append(s.Y, v)
			some = some || finite(v)
		}
		if some {
			p.Series = append(p.Series, s)
		}
	}
	if len(p.Series) == 1 {
		p.YLabel = p.Series[0].Name + " on unseen classes"
	}
	if metrics[0] == runlog.Top1 {
		p.YLabel = "top-1 accuracy"
	}
	if results == nil {
		return p
	}
	for _, name := range []string{runlog.RowRawPixels, runlog.RowUntrained} {
		if v, metric, ok := judged(results, name); ok {
			p.Rules = append(p.Rules, Rule{MetricTitle(metric) + " of " + name, v})
		}
	}
	return p
}

// notFinite counts the steps whose loss is NaN or infinite.
func notFinite(records []runlog.Record) int {
	n := 0
	for _, r := range records {
		if r.Kind == runlog.KindStep && (math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0)) {
			n++
		}
	}
	return n
}
