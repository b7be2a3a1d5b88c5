// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"introspection/idml/runlog"
	"introspection/plots"
)

// liveCurves is the figure, in a notebook, of a training under way: loss and metrics so far, from what the run has noted.
type liveCurves struct {
	env     *environment
	dir     string    // the run folder
	next    time.Time // when it may be drawn again
	records int       // in the figure
}

// liveInterval is the least time between two drawings. Ours: a drawing takes a tenth of a second and is sent to the browser as a whole.
const liveInterval = 2 * time.Second

// liveShare is how much longer than a drawing the time to the next one is at least. Ours: training waits meanwhile, and each drawing reads all that the run has noted.
const liveShare = 20

// update draws the figure anew unless that was done a moment ago.
func (l *liveCurves) update(now time.Time) {
	if l.env.display == nil || now.Before(l.next) {
		return
	}
	begun := time.Now()
	l.draw()
	l.next = now.Add(max(liveInterval, liveShare*time.Since(begun)))
}

// draw draws the figure, if there is something new to draw. What can't be read or drawn is warned of.
func (l *liveCurves) draw() {
	if l.env.display == nil {
		return
	}
	run, err := runlog.Open(l.dir)
	if err != nil {
		return // there is no run yet, and training says why if there never will be
	}
	records, err := run.Records()
	if err != nil || len(records) == l.records {
		return // nothing is noted yet, or a line is being written
	}
	l.records = len(records)
	results, err := run.Results()
	var rows *runlog.Results
	if err == nil {
		rows = &results
	}
	f, err := plots.NewCurves("epoch", plots.TrainingPanels(records, rows)...)
	if errors.Is(err, plots.ErrNoData) {
		return
	}
	if err != nil {
		l.env.warn(err.Error())
		return
	}
	l.env.showFigure("curves", describe(records), f)
}

// describe says in a line what the figure shows, for front-ends that show no figures.
func describe(records []runlog.Record) string {
	text := "curves"
	for _, r := range records {
		switch r.Kind {
		case runlog.KindStep:
			text = fmt.Sprintf("curves up to step %d: loss %.4g", r.Step, r.Loss)
		case runlog.KindEval:
			judge := runlog.Judge(r.Metrics)
			text = fmt.Sprintf("curves up to epoch %d: %s %.3f", r.Epoch, plots.MetricTitle(judge), r.Metrics[judge])
		}
	}
	return text
}
