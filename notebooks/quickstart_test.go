// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tables returns the HTML tables among a notebook's outputs: for each, cells by the names of row and column.
func tables(n notebook) []map[string]map[string]string {
	line := regexp.MustCompile(`(?s)<tr>(.*?)</tr>`)
	cell := regexp.MustCompile(`(?s)<t[hd](?: [^>]*)?>(.*?)</t[hd]>`)
	var out []map[string]map[string]string
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			html := text(o.Data["text/html"])
			if !strings.HasPrefix(html, "<table>") {
				continue
			}
			rows := map[string]map[string]string{}
			var heads []string
			for _, l := range line.FindAllStringSubmatch(html, -1) {
				var cells []string
				for _, c := range cell.FindAllStringSubmatch(l[1], -1) {
					cells = append(cells, c[1])
				}
				if heads == nil {
					heads = cells
					continue
				}
				rows[cells[0]] = map[string]string{}
				for i, v := range cells {
					rows[cells[0]][heads[i]] = v
				}
			}
			out = append(out, rows)
		}
	}
	return out
}

// TestQuickstart holds what the first notebook's text says against the outputs that are committed with it: who trains it anew
// must see whether the words still fit.
func TestQuickstart(t *testing.T) {
	n := read(t, "01_quickstart.ipynb")
	found := tables(n)
	if len(found) != 2 {
		t.Fatalf("%d tables, want the results and the ambiguity", len(found))
	}
	number := func(table int, row, column string) float64 {
		t.Helper()
		v, err := strconv.ParseFloat(found[table][row][column], 64)
		if err != nil {
			t.Fatalf("table %d, row %q, column %q: %v", table, row, column, err)
		}
		return v
	}
	last := number(0, "last epoch", "R@1")
	for _, baseline := range []string{"raw pixels", "untrained network"} {
		if v := number(0, baseline, "R@1"); last < v+0.1 {
			t.Errorf("R@1 is %.3f, that of the baseline %s %.3f", last, baseline, v)
		}
	}
	for _, kind := range []string{"blend", "blur", "occlusion"} {
		if v, clear := number(1, kind, "R@1"), number(1, "clear", "R@1"); v >= clear {
			t.Errorf("R@1 of %s images is %.3f, of clear ones %.3f", kind, v, clear)
		}
		if least, most := number(1, kind, "least third"), number(1, kind, "most third"); most >= least {
			t.Errorf("R@1 of %s images is %.3f in the most ambiguous third, %.3f in the least", kind, most, least)
		}
		if v := number(1, kind, "AUROC against clear"); v > 0.65 {
			t.Errorf("the AUROC of %s images is %.3f: the text says that none is far above chance", kind, v)
		}
	}
	if v := number(1, "blend", "AUROC against clear"); v > 0.45 {
		t.Errorf("the AUROC of blends is %.3f: the text says that it is below chance", v)
	}
}

// TestQuickstartOutputs checks that the committed outputs are what a reader should see: the figures in their own size, one line
// left of the training's progress, the untaught form that the text speaks of, and nothing on standard error.
func TestQuickstartOutputs(t *testing.T) {
	var figures, progress int
	var printed strings.Builder
	for i, c := range read(t, "01_quickstart.ipynb").Cells {
		for _, o := range c.Outputs {
			if o.Type == "error" || o.Name == "stderr" {
				t.Errorf("cell %d has an error: %s", i, text(o.Text))
			}
			if o.Data["image/png"] != nil {
				figures++
			}
			if strings.Contains(text(o.Data["text/html"]), " steps in ") {
				progress++
			}
			printed.WriteString(text(o.Text))
		}
	}
	if figures != 5 || progress != 1 {
		t.Errorf("%d figures and %d lines of progress, want 5 and 1", figures, progress)
	}
	for _, want := range []string{"form of the metric: released", "teaches the uncertainty head: false", "runs/quickstart/report.html"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("nothing prints %q", want)
		}
	}
}
