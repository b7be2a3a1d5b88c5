// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"fmt"

	"introspection/experiment"
	"introspection/idml/runlog"
	"introspection/plots"
)

// Evaluations returns a metric of a run over its epochs, as a curve of a name; epoch 0 is the untrained network.
func Evaluations(dir, metric, name string) (plots.Series, error) {
	s := plots.Series{Name: name}
	run, err := runlog.Open(dir)
	if err != nil {
		return s, err
	}
	records, err := run.Records()
	if err != nil {
		return s, err
	}
	for _, r := range records {
		if v, ok := r.Metrics[metric]; ok && r.Kind == runlog.KindEval {
			s.X, s.Y = append(s.X, float64(r.Epoch)), append(s.Y, v)
		}
	}
	if len(s.X) == 0 {
		return s, fmt.Errorf("nb: %s has no evaluation of %s", dir, metric)
	}
	return s, nil
}

// CompareRuns compares finished runs on the same images, as "idml compare --csv" does.
func CompareRuns(dirs ...string) (*Compared, error) {
	list, err := experiment.Compare(dirs)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("nb: runs on %d datasets, want one", len(list))
	}
	a, err := list[0].Analyze(experiment.AnalysisOptions{Bootstrap: experiment.DefaultBootstrap()})
	if err != nil {
		return nil, err
	}
	var table bytes.Buffer
	if err := experiment.WriteCSV(&table, []*experiment.Analysis{a}); err != nil {
		return nil, err
	}
	return readCompared(&table)
}
