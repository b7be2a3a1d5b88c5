// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"bytes"
	_ "embed" // for report.html
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path/filepath"

	"introspection/idml/runlog"
)

// ReportFile is the name of the report in a run folder.
const ReportFile = "report.html"

//go:embed report.html
var reportTemplate string

// ReportOptions say what a report shows beside what lies in the run folder.
type ReportOptions struct {
	// Title is the heading; "Training run" if it is empty.
	Title string
	// Distance is the introspective distance D(α, β) that the run used, to be
	// drawn as a Surface; nil leaves that section out.
	Distance func(alpha, beta float64) float64
	// Checkpoint is the run's newest one; nil if it isn't known. A report says so if uncertainty.json is of another one.
	Checkpoint *runlog.Checkpoint
	// Figures is a folder in which each figure is saved as SVG and as PNG; "" saves none. It is made if need be.
	Figures string
}

// report is what the template shows. A part that is nil or empty is left out.
type report struct {
	Title, Lead, Status string
	Classifies          bool // the run is one of classification
	Missing             []string
	Results             *table
	Corrupted           *section
	Curves              *picture
	Uncertainty         *uncertainty
	Worth               *worth
	Confused            *section
	Grids               []picture // of retrieved images
	Galleries           []picture // of classified images
	Surface             *picture
	Settings            []setting
	Environment         []setting
}

// section is a figure with a table; either may be missing.
type section struct {
	Figure *picture
	table
}

// table is a table of numbers: each row has as many cells as there are columns.
type table struct {
	Columns []string
	Rows    []tableRow
	Notes   []string
	Wrap    bool // cells may break at their spaces
}

// tableRow is a row of a table; Class is its class in the style sheet.
type tableRow struct {
	Class, Name string
	Cells       []string
}

// WriteReport writes report.html into the folder of run and returns its path.
// The file is complete in itself: figures are inside, nothing is loaded and no
// script runs. The same run folder and options give the same bytes.
//
// A run that was stopped early or lacks files gives a report that says what is missing; a
// file that is there but broken is an error that names it.
func WriteReport(run *runlog.Run, o ReportOptions) (path string, err error) {
	var html bytes.Buffer
	if err := RenderReport(&html, run, o); err != nil {
		return "", err
	}
	err = run.WriteFile(ReportFile, func(w io.Writer) error {
		_, err := w.Write(html.Bytes())
		return err
	})
	return run.Path(ReportFile), err
}

// RenderReport is WriteReport that writes the report elsewhere.
func RenderReport(w io.Writer, run *runlog.Run, o ReportOptions) error {
	r, err := newReport(run, o)
	if err != nil {
		return err
	}
	page, err := template.New(ReportFile).Parse(reportTemplate)
	if err != nil {
		return fmt.Errorf("plots: report: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, r); err != nil {
		return fmt.Errorf("plots: report: %w", err)
	}
	if o.Figures != "" {
		if err := savePictures(o.Figures, r.pictures()); err != nil {
			return fmt.Errorf("plots: report: %w", err)
		}
	}
	_, err = w.Write(html.Bytes())
	return err
}

// newReport reads the run and makes all parts of its report.
func newReport(run *runlog.Run, o ReportOptions) (*report, error) {
	d, err := readRun(run)
	if err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	r := &report{Title: o.Title, Missing: d.missing}
	if r.Title == "" {
		r.Title = "Training run"
	}
	r.Lead, r.Status, r.Classifies = lead(d.results), status(d), d.classifies()
	r.Results = resultsTable(d.results)
	if r.Corrupted, err = corrupted(d.results); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Settings, err = settings(d.config); err != nil {
		return nil, fmt.Errorf("plots: report: %s: %w", run.Path(runlog.ConfigFile), err)
	}
	r.Environment = environment(d.environment)
	if r.Curves, err = curves(d.records, d.results); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Uncertainty, err = newUncertainty(d.predictions); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Worth, err = newWorth(run, d, o.Checkpoint); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Confused, err = confused(d.predictions); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Grids, err = grids(run, d.predictions); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if r.Galleries, err = galleries(run, d.predictions); err != nil {
		return nil, fmt.Errorf("plots: report: %w", err)
	}
	if o.Distance != nil {
		if r.Surface, err = surface(o.Distance); err != nil {
			return nil, fmt.Errorf("plots: report: %w", err)
		}
	}
	return r, nil
}

// runData is what was found in a run folder; parts that are not there are nil.
type runData struct {
	config      []byte
	environment *runlog.Environment
	records     []runlog.Record
	results     *runlog.Results
	predictions []runlog.Prediction
	uncertainty *runlog.Uncertainty
	missing     []string // sentences on what is not there
}

// readRun reads all files of a run but the pictures.
func readRun(run *runlog.Run) (*runData, error) {
	d := new(runData)
	var config rawJSON
	if ok, err := d.read(run.ReadConfig(&config), "config.json: the settings are not shown"); err != nil {
		return nil, err
	} else if ok {
		d.config = config
	}
	e, err := run.Environment()
	if ok, err := d.read(err, "environment.json: where the run ran is not shown"); err != nil {
		return nil, err
	} else if ok {
		d.environment = &e
	}
	d.records, err = run.Records()
	if ok, err := d.read(err, "metrics.jsonl: there are no training curves"); err != nil {
		return nil, err
	} else if ok && len(d.records) == 0 {
		d.missing = append(d.missing, "metrics.jsonl is empty: there are no training curves.")
	}
	results, err := run.Results()
	if ok, err := d.read(err, "results.json: the run has not ended, or was broken off; there is no table of results"); err != nil {
		return nil, err
	} else if ok {
		d.results = &results
	}
	lacking := "uncertainties and retrieved images are not shown"
	if d.classifies() {
		lacking = "uncertainties, confused classes and test images are not shown"
	}
	d.predictions, err = run.Predictions()
	if ok, err := d.read(err, "predictions.jsonl: "+lacking); err != nil {
		return nil, err
	} else if ok && len(d.predictions) == 0 {
		d.missing = append(d.missing, "predictions.jsonl is empty: "+lacking+".")
	}
	measured, err := run.Uncertainty()
	if err == nil {
		d.uncertainty = &measured
	} else if !errors.Is(err, fs.ErrNotExist) { // most runs have none
		return nil, err
	}
	if d.results != nil && d.results.Status != runlog.StatusFinished {
		d.missing = append(d.missing, fmt.Sprintf("Training was stopped before its last epoch, after %s: what follows is as of then.", count(d.results.Epochs, "epoch")))
	}
	for _, w := range run.Warnings() {
		d.missing = append(d.missing, warning(w))
	}
	return d, nil
}

// read looks at the error of a reader: it notes a file that isn't there, and
// hands other errors on. It returns whether the file was read.
func (d *runData) read(err error, lacking string) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		d.missing = append(d.missing, "There is no "+lacking+".")
		return false, nil
	}
	return err == nil, err
}

// warning writes a warning of the reader without the folder's path, which may
// differ for equal runs.
func warning(err error) string {
	var format *runlog.FormatError
	if errors.As(err, &format) {
		return fmt.Sprintf("%s, line %d: %v.", filepath.Base(format.File), format.Line, format.Err)
	}
	return err.Error()
}

// surface returns the section on the introspective distance.
func surface(distance func(alpha, beta float64) float64) (*picture, error) {
	f, err := NewSurface(distance, DefaultSurfaceDomain())
	if err != nil {
		return nil, err
	}
	f.ZLabel, f.Arrows = "introspective distance D(α, β)", true
	return newPicture("surface", f, "Heat map of the introspective distance over semantic distance and uncertainty, with its gradient",
		"The distance D that training works with, of the semantic distance α and the uncertainty β of a pair. Lines join equal distances: "+
			"where they lean to the right, a more uncertain pair counts as closer. Arrows are the gradient, the longer the steeper: a loss that wants a pair farther apart moves it along them, "+
			"one that wants it closer against them.")
}
