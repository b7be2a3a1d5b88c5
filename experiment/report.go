// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"introspection/idml"
	"introspection/plots"
)

// Report writes report.html into a run folder from what lies there, and returns its path.
func Report(dir string) (string, error) {
	run, cfg, err := openRun(dir)
	if err != nil {
		return "", err
	}
	o := plots.ReportOptions{Title: title(cfg)}
	if cfg.Metric.Form == idml.Paper {
		o.Distance = func(alpha, beta float64) float64 { return idml.IntrospectiveDistance(alpha, beta, cfg.Metric.Tau) }
	}
	return plots.WriteReport(run, o)
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
