// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"io"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/wholefile"
	"introspection/plots"
)

// ReportOptions say where a report goes.
type ReportOptions struct {
	// Out is the HTML file; "" is report.html in the folder of the run.
	Out string
	// Figures is a folder in which each figure is saved as SVG and as PNG; "" saves none.
	Figures string
}

// Report writes report.html into a run folder from what lies there, and returns its path. The same folder gives the same bytes.
func Report(dir string) (string, error) { return ReportOf(dir, ReportOptions{}) }

// ReportOf is Report with a choice of where the report and its figures go.
func ReportOf(dir string, o ReportOptions) (string, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return "", err
	}
	p := plots.ReportOptions{Title: title(cfg), Figures: o.Figures}
	if cfg.Metric.Form == idml.Paper {
		p.Distance = func(alpha, beta float64) float64 { return idml.IntrospectiveDistance(alpha, beta, cfg.Metric.Tau) }
	}
	if c, err := checkpointOf(run.Path(runlog.ModelFile)); err == nil { // a report needs none
		p.Checkpoint = &c
	}
	if o.Out == "" {
		return plots.WriteReport(run, p)
	}
	return o.Out, wholefile.Write(o.Out, false, func(w io.Writer) error { return plots.RenderReport(w, run, p) })
}

// ReportOnRuns writes one report on several finished runs, o.Out, as "idml compare --report" does: see [Compare] and [ComparisonReport]. Notes are shown on top.
func ReportOnRuns(runs, notes []string, o ReportOptions) error {
	if o.Out == "" {
		return errors.New("a report on several runs: name its file")
	}
	comparisons, err := Compare(runs)
	if err != nil {
		return err
	}
	var list []*Analysis
	for _, c := range comparisons {
		a, err := c.Analyze(AnalysisOptions{Bootstrap: DefaultBootstrap()})
		if err != nil {
			return err
		}
		list = append(list, a)
	}
	return WriteComparisonReport(list, notes, o)
}

// WriteComparisonReport writes the report of comparisons into o.Out, and their figures.
func WriteComparisonReport(list []*Analysis, notes []string, o ReportOptions) error {
	page, err := ComparisonReport(list, notes)
	if err != nil {
		return err
	}
	if o.Figures != "" {
		if err := page.SaveFigures(o.Figures); err != nil {
			return err
		}
	}
	return wholefile.Write(o.Out, false, func(w io.Writer) error { return plots.WriteComparison(w, page) })
}

// title says in a line what was run.
func title(cfg idml.Config) string {
	text := cfg.Data.Name + ": " + cfg.Loss.Name + ", " + string(cfg.Metric.Form) + " metric"
	if cfg.Task == idml.Classification {
		text = cfg.Data.Name + ": " + string(cfg.Task) + ", " + string(cfg.Metric.Form) + " logits"
	}
	if cfg.Mixing.Mixes() {
		text += ", " + cfg.Mixing.Method
	}
	return text
}
