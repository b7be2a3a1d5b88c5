// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"slices"

	"introspection/idml/runlog"
	measures "introspection/idml/uncertainty"
)

// uncertainty is the section on uncertainty.
type uncertainty struct {
	Paragraphs []string
	Histogram  *picture
	Classes    *picture
	table
}

// clearKind names the images that nothing was done to.
const clearKind = "clear"

// newUncertainty returns the section on uncertainty; nil if there are no predictions.
func newUncertainty(predictions []runlog.Prediction) (*uncertainty, error) {
	if len(predictions) == 0 {
		return nil, nil
	}
	u := new(uncertainty)
	valid := slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool { return !finite(p.Uncertainty) })
	if lost := len(predictions) - len(valid); lost > 0 {
		u.Paragraphs = append(u.Paragraphs, fmt.Sprintf("The uncertainty of %s is not a finite number; they are left out here.", count(lost, "image")))
	}
	if len(valid) == 0 {
		return u, nil
	}
	kinds := byKind(valid)
	low, high := rangeOf(valid)
	u.fill(valid, kinds, len(kinds) > 1 && !allEqual(low, high))
	if allEqual(low, high) {
		u.Paragraphs = append(u.Paragraphs, fmt.Sprintf("All %s have the same uncertainty, %s: in this run it tells nothing about an image. "+
			"That is expected where the uncertainty embedding is normalized, or where no uncertainty is learned.", count(len(valid), "image"), short(high)))
		return u, nil
	}
	if ofClasses(valid) {
		u.Paragraphs = append(u.Paragraphs, mistakesSentence(valid))
	} else {
		u.Paragraphs = append(u.Paragraphs, errorsSentence(valid))
	}
	var err error
	if u.Histogram, err = histogram(valid, kinds); err != nil {
		return nil, err
	}
	u.Classes, err = byClass(valid)
	return u, err
}

// byClass shows the uncertainties of each class; nil if there is one class only.
func byClass(predictions []runlog.Prediction) (*picture, error) {
	f, err := UncertaintyByClass(predictions)
	if err != nil || len(f.groups) < 2 {
		return nil, err
	}
	caption := "The uncertainty in each class, the class with the largest median on top: the middle half of its images as a bar, 90 % of them as a line, and the median."
	if n := len(f.groups); n > MostBoxes {
		caption += fmt.Sprintf(" Of %d classes those at either end are shown.", n)
	}
	return newPicture("classes", f, "Distribution of the uncertainty in each class", caption)
}

// histogram shows the uncertainties by kind; of a classifier by right and wrong, if there is only one kind and both.
func histogram(predictions []runlog.Prediction, kinds []kind) (*picture, error) {
	description, by := "Histogram of the uncertainty by kind of ambiguity", ", by what was done to the images; each outline encloses the area 1"
	if right, wrong := bySuccess(predictions); ofClasses(predictions) && len(kinds) == 1 && len(right) > 0 && len(wrong) > 0 {
		kinds = []kind{{"right", right}, {"wrong", wrong}}
		description = "Histogram of the uncertainty of images that are right and wrong"
		by = ", by whether the most probable class is right; each outline encloses the area 1"
	}
	var groups []Group
	for _, kind := range kinds {
		groups = append(groups, Group{kind.name, uncertainties(kind.predictions)})
	}
	f, err := NewHistogram("uncertainty, norm of u", groups...)
	if err != nil {
		return nil, err
	}
	caption := "How the uncertainty is distributed"
	if len(kinds) > 1 {
		caption += by
	}
	return newPicture("uncertainty", f, description, caption+".")
}

// kind is the images of one kind of ambiguity.
type kind struct {
	name        string
	predictions []runlog.Prediction
}

// byKind groups predictions by their ambiguity: clear images first, then by name.
func byKind(predictions []runlog.Prediction) []kind {
	groups := map[string][]runlog.Prediction{}
	var names []string
	for _, p := range predictions {
		if _, ok := groups[p.Ambiguity]; !ok {
			names = append(names, p.Ambiguity)
		}
		groups[p.Ambiguity] = append(groups[p.Ambiguity], p)
	}
	slices.Sort(names) // the empty name comes first
	var out []kind
	for _, name := range names {
		title := name
		switch {
		case name == "" && len(names) == 1:
			title = "all images"
		case name == "":
			title = clearKind
		}
		out = append(out, kind{title, groups[name]})
	}
	return out
}

// fill makes the table, with a row for each kind and one for all; with
// compared, it tells how the kinds differ from clear images.
func (u *uncertainty) fill(all []runlog.Prediction, kinds []kind, compared bool) {
	metric, explained := runlog.Recall1, "R@1: share whose nearest image is of the same class."
	if ofClasses(all) {
		metric, explained = runlog.Top1, "Top-1: share whose most probable class is the right one."
	}
	u.Columns = []string{"count", "mean u", "s.d.", MetricTitle(metric)}
	if len(kinds) > 1 {
		kinds = append(slices.Clone(kinds), kind{"all", all})
	}
	if compared {
		u.Columns = append(u.Columns, "AUROC", "rank corr.")
		u.Notes = []string{
			"AUROC: how often an image of this kind is more uncertain than a clear one; 0.5 is chance, below it the uncertainty falls. " +
				"Rank corr.: Spearman’s correlation of the uncertainty with how much was done to the image. " + explained,
		}
	}
	var clear []float64
	for _, k := range kinds {
		if k.name == clearKind {
			clear = uncertainties(k.predictions)
		}
	}
	for _, k := range kinds {
		u.Rows = append(u.Rows, k.row(clear, compared))
	}
}

// row returns a kind's line of the table; clear are the uncertainties of clear images.
func (k kind) row(clear []float64, compared bool) tableRow {
	values := uncertainties(k.predictions)
	mean, deviation := meanDeviation(values)
	if allEqual(slices.Min(values), slices.Max(values)) && len(values) > 1 {
		deviation = 0
	}
	right := 0
	var amounts []float64
	for _, p := range k.predictions {
		if p.Correct {
			right++
		}
		amounts = append(amounts, p.Amount)
	}
	cells := []string{thousands(len(values)), short(mean), short(deviation), fraction(float64(right)/float64(len(values)), true)}
	if compared {
		apart, correlation := "–", "–"
		if k.name != clearKind && k.name != "all" {
			v, ok := measures.AUROC(values, clear)
			apart = fraction(v, ok)
			v, ok = measures.Spearman(values, amounts)
			correlation = fraction(v, ok)
		}
		cells = append(cells, apart, correlation)
	}
	return tableRow{Name: k.name, Cells: cells}
}

// ofClasses tells whether predictions are those of a classifier.
func ofClasses(predictions []runlog.Prediction) bool {
	return slices.ContainsFunc(predictions, func(p runlog.Prediction) bool { return len(p.Top) > 0 })
}

// bySuccess parts predictions that are right from those that are wrong.
func bySuccess(predictions []runlog.Prediction) (right, wrong []runlog.Prediction) {
	for _, p := range predictions {
		if p.Correct {
			right = append(right, p)
		} else {
			wrong = append(wrong, p)
		}
	}
	return right, wrong
}

// tellsErrors returns the AUROC by which a quantity is larger in wrong predictions than in right ones.
func tellsErrors(predictions []runlog.Prediction, quantity func(runlog.Prediction) float64) (float64, bool) {
	values := func(list []runlog.Prediction) (out []float64) {
		for _, p := range list {
			out = append(out, quantity(p))
		}
		return out
	}
	right, wrong := bySuccess(predictions)
	return measures.AUROC(values(wrong), values(right))
}

// uncertaintyOf returns the uncertainty of a prediction.
func uncertaintyOf(p runlog.Prediction) float64 { return p.Uncertainty }

// mistakesSentence says how well the uncertainty tells a classifier's mistakes, and how well its own probabilities do.
func mistakesSentence(predictions []runlog.Prediction) string {
	v, ok := tellsErrors(predictions, uncertaintyOf)
	if !ok {
		return "All images are right or all are wrong, so the uncertainty can’t be compared with mistakes."
	}
	text := fmt.Sprintf("Does the uncertainty tell mistakes? The AUROC of images whose most probable class is wrong against those where it is right is %s (0.5 is chance, 1 is perfect)",
		fraction(v, true))
	sure := slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool { return len(p.Top) == 0 || !finite(p.Top[0].Probability) })
	if v, ok := tellsErrors(sure, func(p runlog.Prediction) float64 { return 1 - p.Top[0].Probability }); ok {
		text += fmt.Sprintf("; that of 1 minus the probability of that class, which needs no uncertainty head, is %s", fraction(v, true))
	}
	return text + "."
}

// errorsSentence says how well the uncertainty tells wrong queries from right ones.
func errorsSentence(predictions []runlog.Prediction) string {
	v, ok := tellsErrors(predictions, uncertaintyOf)
	if !ok {
		return "All queries are right or all are wrong at rank 1, so the uncertainty can’t be compared with errors."
	}
	return fmt.Sprintf("Does the uncertainty tell errors? The AUROC of queries that are wrong at rank 1 against those that are right is %s (0.5 is chance, 1 is perfect).", fraction(v, true))
}

// uncertainties returns the uncertainties of predictions.
func uncertainties(predictions []runlog.Prediction) []float64 {
	var out []float64
	for _, p := range predictions {
		out = append(out, p.Uncertainty)
	}
	return out
}

// rangeOf returns the smallest and the largest uncertainty.
func rangeOf(predictions []runlog.Prediction) (low, high float64) {
	values := uncertainties(predictions)
	return slices.Min(values), slices.Max(values)
}

// allEqual tells whether values from low to high differ no more than rounding
// in float32 makes norms of vectors of length 1 differ.
func allEqual(low, high float64) bool { return high-low <= 1e-5*max(high, -low) }
