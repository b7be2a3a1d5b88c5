// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"introspection/idml/runlog"
	measures "introspection/idml/uncertainty"
)

// worth is the section on what the uncertainty is worth, of uncertainty.json. Without that, it says how to measure it.
type worth struct {
	Stale   string // a warning
	Notes   []string
	Columns []string
	Rows    []worthRow
	Figures []*picture
}

// worthRow is a measure of each score.
type worthRow struct {
	Name, Chance string
	Cells        []worthCell
}

// worthCell is a value and its interval, which may be missing. It is Good if all of that lies on the right side of chance.
type worthCell struct {
	Value, Interval string
	Good            bool
}

// newWorth returns the section; nil without predictions, as before a run is measured at all.
func newWorth(run *runlog.Run, d *runData, newest *runlog.Checkpoint) (*worth, error) {
	u := d.uncertainty
	if u == nil {
		if len(d.predictions) == 0 {
			return nil, nil
		}
		return &worth{Notes: []string{"What the uncertainty is worth, on corrupted and mixed images, of another domain, and beside scores that need no uncertainty head, was not measured in this run: “idml uncertainty” does, with the run’s folder."}}, nil
	}
	w := &worth{Notes: worthNotes(*u)}
	w.fill(*u)
	if newest != nil && *newest != u.Checkpoint {
		w.Stale = fmt.Sprintf("This section is out of date: it was measured after epoch %d, step %s, and the newest checkpoint is of epoch %d, step %s. “idml uncertainty” measures that one.",
			u.Checkpoint.Epoch, thousands(u.Checkpoint.Step), newest.Epoch, thousands(newest.Step))
	}
	for _, f := range []func(*runlog.Run, runlog.Uncertainty) (*picture, error){rejections, corruptedScores, corruptedNorms, mixes, projected} {
		p, err := f(run, *u)
		if errors.Is(err, ErrNoData) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w.Figures = append(w.Figures, p)
	}
	return w, nil
}

// fewClasses is below how many classes intervals over classes are too narrow: see package uncertainty.
const fewClasses = 20

// worthNotes says what the table holds.
func worthNotes(u runlog.Uncertainty) []string {
	over := "classes, each with all its images: what other unseen classes could have given"
	if u.Over == runlog.OverImages {
		over = "images: what other images of the same classes could have given"
	}
	notes := []string{
		fmt.Sprintf("Measured after epoch %d on %s of %s, of which %s are right. ‖u‖ and mean β, over the pairs with the nearest images, are of the uncertainty head; the other columns need none.",
			u.Checkpoint.Epoch, count(u.Images, "image"), count(u.Classes, "class"), fraction(u.Right, true)),
		"AUROC: how often the number is larger for an image of the kind that is named than for one that is not. Gain: 1 if rejecting the most uncertain images is worth as much as rejecting the wrong ones first, 0 if as little as rejecting any; area: " +
			"the mean error of those kept. Growth: at how many of the steps to the next strength it grows. Spearman: rank correlation. Chance is what a number comes to that knows nothing; values whose interval lies beyond it on the right side are bold.",
		fmt.Sprintf("Intervals: 95 %%, %s bootstrap resamples (seed %d) of %s.", thousands(u.Resamples), u.BootstrapSeed, over),
	}
	if u.Over == runlog.OverClasses && u.Classes < fewClasses {
		notes[len(notes)-1] += " Of so few classes they are too narrow."
	}
	if u.Unseen != "" {
		notes = append(notes, "The other domain: "+u.Unseen+".")
	}
	return notes
}

// fill lists the measures, of corruptions those in the largest strength: the figure has all.
func (w *worth) fill(u runlog.Uncertainty) {
	for _, s := range u.Scores {
		w.Columns = append(w.Columns, s.Title)
	}
	_, strengths := corruptions(u)
	for _, m := range u.Measures {
		if _, strength, ok := (runlog.Row{Name: m.Of}).Corruption(); ok && strength < strengths {
			continue
		}
		row := worthRow{Name: m.Name(), Chance: fraction(m.Chance, true)}
		for _, s := range u.Scores {
			row.Cells = append(row.Cells, newWorthCell(m, m.Values[s.Name]))
		}
		w.Rows = append(w.Rows, row)
	}
}

func newWorthCell(m runlog.UncertaintyMeasure, e measures.Estimate) worthCell {
	c := worthCell{Value: fraction(e.Value, e.Exists())}
	if !e.Exists() || !finite(e.Low) {
		return c
	}
	c.Interval, c.Good = "["+fraction(e.Low, true)+", "+fraction(e.High, true)+"]", e.Low > m.Chance
	if m.Quantity == runlog.QuantityArea { // of errors: less is better
		c.Good = e.High < m.Chance
	}
	return c
}

func rejections(_ *runlog.Run, u runlog.Uncertainty) (*picture, error) {
	f, err := UncertaintyRejections(u)
	if err != nil {
		return nil, err
	}
	return newPicture("rejections", f, "Error of the images kept over the share that is rejected, by each score",
		"The error of the images that are kept where the most uncertain ones are rejected, by each score; bands are the intervals. A useful score lies below the random order and close to the perfect one, which rejects what is wrong first.")
}

func corruptedScores(_ *runlog.Run, u runlog.Uncertainty) (*picture, error) {
	f, err := UncertaintyCorruptions(u, runlog.UncertaintyScore{Name: scoreNorm, Title: "‖u‖"})
	if err != nil {
		return nil, err
	}
	return newPicture("corruptions", f, "AUROC of the uncertainty of corrupted images against clean ones over the strength of corruptions",
		"How often ‖u‖ is larger for a corrupted image than for a clean one, over the strength of what was done to it. Below 0.5 the uncertainty falls where it should grow.")
}

func corruptedNorms(_ *runlog.Run, u runlog.Uncertainty) (*picture, error) {
	f, err := UncertaintyHistograms(u)
	if err != nil {
		return nil, err
	}
	return newPicture("corruption-histograms", f, "Histograms of the uncertainty for each corruption and strength",
		"How ‖u‖ is distributed: of clean test images, filled, and of corrupted ones, by the strength. Where the outlines move to the right, the uncertainty knows of the corruption.")
}

func mixes(run *runlog.Run, u runlog.Uncertainty) (*picture, error) {
	f, err := UncertaintyMixing(run, u)
	if err != nil {
		return nil, err
	}
	return newPicture("mixing", f, "Uncertainty of mixes of two images, with pictures from one to the other",
		"From one image to another of a different class: pictures above, ‖u‖ below, of the two pairs that are shown and, as a band, of many. If the uncertainty knew of mixtures, lines would rise towards the middle.")
}

func projected(_ *runlog.Run, u runlog.Uncertainty) (*picture, error) {
	f, err := UncertaintyPlane(u)
	if err != nil {
		return nil, err
	}
	caption := "The semantic embeddings of " + count(len(u.Projection.Points), "test image") + " in the plane. The larger a dot, the more uncertain its image. "
	if n := len(f.shown); n < u.Classes {
		caption += strconv.Itoa(n) + " of the classes have colors, at equal distances in their order. "
	}
	return newPicture("plane", f, "Embeddings in the plane by principal components and t-SNE",
		strings.TrimSpace(caption+"Principal components keep large distances, t-SNE which images are near; its axes and the distances between clusters mean nothing."))
}
