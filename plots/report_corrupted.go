// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"errors"
	"slices"

	"introspection/idml/runlog"
)

// corrupted returns the section on corrupted test images; nil if none were measured.
func corrupted(r *runlog.Results) (*section, error) {
	if r == nil || len(r.Corrupted) == 0 {
		return nil, nil
	}
	rows := r.Corrupted
	clean := slices.IndexFunc(r.Rows, func(row runlog.Row) bool { return row.Name == runlog.RowLast })
	s := new(section)
	metrics := metricColumns(r)
	for _, m := range metrics {
		s.Columns = append(s.Columns, MetricTitle(m))
	}
	if clean >= 0 {
		s.Rows = append(s.Rows, tableRow{Class: "own", Name: "as they are", Cells: cells(r.Rows[clean].Metrics, metrics)})
	}
	for _, row := range rows {
		s.Rows = append(s.Rows, tableRow{Name: row.Name, Cells: cells(row.Metrics, metrics)})
	}
	s.Notes = []string{"The network of the last epoch on the same test images, to which something was done with the strength that is named."}
	var panels []Panel
	for _, m := range []string{runlog.Top1, "ece"} {
		p := Panel{YLabel: MetricTitle(m), FromZero: true}
		if m == runlog.Top1 {
			p.YLabel = "top-1 accuracy"
		}
		p.Series = corruptedSeries(rows, r.Rows, clean, m)
		if len(p.Series) > 0 {
			panels = append(panels, p)
		}
	}
	f, err := NewCurves("strength of the corruption", panels...)
	if errors.Is(err, ErrNoData) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Figure, err = newPicture("corrupted", f, "Accuracy and calibration error over the strength of corruptions",
		"Top-1 accuracy and calibration error over the strength of what was done to the test images; strength 0 is nothing.")
	return s, err
}

// corruptedSeries returns a line for each corruption over its strength, from that of row clean, 0, if there is one.
func corruptedSeries(rows, plain []runlog.Row, clean int, metric string) []Series {
	var list []Series
	for _, row := range rows {
		name, strength, ok := row.Corruption()
		v, has := row.Metrics[metric]
		if !ok || !has || !finite(v) {
			continue
		}
		i := slices.IndexFunc(list, func(s Series) bool { return s.Name == name })
		if i < 0 {
			s := Series{Name: name}
			if clean >= 0 {
				if v, ok := plain[clean].Metrics[metric]; ok && finite(v) {
					s.X, s.Y = []float64{0}, []float64{v}
				}
			}
			i, list = len(list), append(list, s)
		}
		list[i].X, list[i].Y = append(list[i].X, float64(strength)), append(list[i].Y, v)
	}
	return list
}
