// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"introspection/idml/runlog"
	"introspection/plots"
)

// Must returns v. It panics if err isn't nil, so that a cell ends where something failed and the notebook's run fails with it.
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// Check panics if err isn't nil: Must for functions that return an error alone.
func Check(err error) {
	if err != nil {
		panic(err)
	}
}

// Show shows a figure in its own size, as PNG, which all programs that show notebooks can show. It panics if the figure can't be
// drawn.
func Show(f plots.Figure) {
	var small bytes.Buffer
	Check(plots.WriteSmallPNG(&small, f))
	show(f, protocol.MIMEImagePNG, small.Bytes())
}

// ShowPhotographs is Show for a figure that consists of photographs: as JPEG, which takes a fifth of the space.
func ShowPhotographs(f plots.Figure) {
	var small bytes.Buffer
	Check(plots.WriteJPEG(&small, f))
	show(f, "image/jpeg", small.Bytes())
}

// show displays a figure that was encoded, in the figure's size.
func show(f plots.Figure, mime protocol.MIMEType, data []byte) {
	w, h := f.Size()
	size := map[string]int{"width": int(w / plots.Px), "height": int(h / plots.Px)}
	Check(deliver(&protocol.DisplayData{Data: map[protocol.MIMEType]any{mime: data}, Metadata: map[string]any{string(mime): size}}))
}

// Say shows a paragraph of text. Unlike what is printed, it keeps its place among tables and figures.
func Say(format string, args ...any) { Check(HTML(paragraph("div", format, args...))) }

// Heading shows a line in bold, to stand above a table or a figure.
func Heading(format string, args ...any) { Check(HTML(paragraph("b", format, args...))) }

func paragraph(tag, format string, args ...any) string {
	return fmt.Sprintf("<%s>%s</%[1]s>", tag, html.EscapeString(fmt.Sprintf(format, args...)))
}

// Table shows rows of text under heads; the first column names the rows. It panics if a row has another length than heads.
func Table(heads []string, rows [][]string) {
	Check(HTML(table(heads, rows)))
}

// Results shows the rows of a run's results and then the published ones, if there are any, with the metrics that are named, such as
// "recall@1", to three digits; what a row doesn't have is "–".
func Results(results runlog.Results, metrics ...string) {
	Table(resultsTable(results, metrics))
}

func table(heads []string, rows [][]string) string {
	var b strings.Builder
	line := func(texts []string, tag string) {
		b.WriteString("<tr>")
		for i, text := range texts {
			cell := tag
			if i == 0 {
				cell = "th"
			}
			fmt.Fprintf(&b, "<%s>%s</%[1]s>", cell, html.EscapeString(text))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<table>\n<thead>")
	line(heads, "th")
	b.WriteString("</thead>\n<tbody>\n")
	for i, row := range rows {
		if len(row) != len(heads) {
			panic(fmt.Sprintf("nb: row %d of a table has %d cells under %d heads", i, len(row), len(heads)))
		}
		line(row, "td")
	}
	b.WriteString("</tbody>\n</table>")
	return b.String()
}

func resultsTable(results runlog.Results, metrics []string) (heads []string, rows [][]string) {
	heads = []string{""}
	for _, m := range metrics {
		heads = append(heads, plots.MetricTitle(m))
	}
	all := results.Rows
	if results.Published != nil {
		all = append(slices.Clone(all), runlog.Row{Name: "published", Metrics: results.Published})
	}
	for _, r := range all {
		row := []string{r.Name}
		for _, m := range metrics {
			text := "–"
			if v, ok := r.Metrics[m]; ok {
				text = fraction(v)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return heads, rows
}

// fraction writes a fraction to three digits, "–" if there is none.
func fraction(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.3f", v)
}
