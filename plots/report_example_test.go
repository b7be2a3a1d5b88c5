// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"introspection/idml/runlog"
	"introspection/plots"
)

// ExampleWriteReport reports on a run that has only begun: the report says
// which parts are missing.
func ExampleWriteReport() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	run, err := runlog.Create(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := run.WriteConfig(map[string]any{"recipe": "glyphs", "seed": 1}); err != nil {
		fmt.Println(err)
	}
	path, err := plots.WriteReport(run, plots.ReportOptions{Title: "IDML on glyphs"})
	if err != nil {
		fmt.Println(err)
		return
	}
	html, err := os.ReadFile(path)
	fmt.Println(filepath.Base(path), err)
	for line := range strings.Lines(string(html)) {
		if strings.Contains(line, "There is no") {
			fmt.Print(line)
		}
	}
	// Output:
	// report.html <nil>
	// <p>There is no environment.json: where the run ran is not shown.</p>
	// <p>There is no metrics.jsonl: there are no training curves.</p>
	// <p>There is no results.json: the run has not ended, or was broken off; there is no table of results.</p>
	// <p>There is no predictions.jsonl: uncertainties and retrieved images are not shown.</p>
}
