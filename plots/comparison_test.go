// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"introspection/plots"
)

func comparison(t *testing.T) plots.Comparison {
	t.Helper()
	figure, err := plots.NewDifferences("difference in R@1", []plots.Contrast{{Name: "a <b>", Mean: 0.1}})
	ready(t, err)
	return plots.Comparison{
		Title: "Settings & seeds", Lead: "What was compared.", Notes: []string{"One run is missing."},
		Parts: []plots.ComparisonPart{{
			Heading: "glyphs", Text: "R@1 first.",
			Figures: []plots.ComparisonFigure{{Figure: figure, Caption: "Beside zero.", Description: `differences "d"`}},
			Tables: []plots.ComparisonTable{{
				Columns: []string{"setting", "R@1"}, Notes: []string{"Three seeds."},
				Rows: []plots.ComparisonRow{{Name: "plain", Cells: []string{"0.5"}}, {Name: "published", Cells: []string{"0.7"}, Paper: true}},
			}},
		}},
	}
}

func TestWriteComparison(t *testing.T) {
	var first, second bytes.Buffer
	ready(t, plots.WriteComparison(&first, comparison(t)))
	ready(t, plots.WriteComparison(&second, comparison(t)))
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same report gives other bytes")
	}
	html := first.String()
	for _, want := range []string{
		"<h1>Settings &amp; seeds</h1>", "What was compared.", "One run is missing.", "<h2>glyphs</h2>", "Beside zero.", "a &lt;b&gt;", `aria-label="differences &#34;d&#34;"`,
		`<tr><th scope="row">plain</th><td>0.5</td></tr>`, `<tr class="paper"><th scope="row">published</th><td>0.7</td></tr>`, "Three seeds.",
		"font-variant-numeric", "</html>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if found := regexp.MustCompile(`(src|href)="?https?:|<script|ZgotmplZ`).FindString(html); found != "" {
		t.Errorf("the report has %q", found)
	}
}

func TestWriteComparisonErrors(t *testing.T) {
	if err := plots.WriteComparison(fullDisk{}, comparison(t)); !errors.Is(err, errFull) {
		t.Errorf("WriteComparison: %v", err)
	}
	c := comparison(t)
	c.Parts[0].Tables[0].Rows[1].Cells = nil
	if err := plots.WriteComparison(&bytes.Buffer{}, c); err == nil || !strings.Contains(err.Error(), `"published"`) || !strings.Contains(err.Error(), "glyphs") {
		t.Errorf("a row without cells: %v", err)
	}
}
