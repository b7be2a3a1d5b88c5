// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
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
	var drawn, small bytes.Buffer
	Check(plots.WritePNG(&drawn, f))
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	Check(encoder.Encode(&small, coarse(Must(png.Decode(&drawn)))))
	w, h := f.Size()
	size := map[string]int{"width": int(w / plots.Px), "height": int(h / plots.Px)} // the picture has two dots a px
	Check(deliver(&protocol.DisplayData{
		Data:     map[protocol.MIMEType]any{protocol.MIMEImagePNG: small.Bytes()},
		Metadata: map[string]any{string(protocol.MIMEImagePNG): size},
	}))
}

// coarse returns a picture on white with 64 levels of red, green and blue instead of 256. The eye hardly sees it, and pictures of
// images take two thirds of the space in a saved notebook.
func coarse(img image.Image) *image.RGBA {
	const levels = 64
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	for i, v := range out.Pix {
		out.Pix[i] = uint8((int(v)*(levels-1) + 127) / 255 * 255 / (levels - 1))
	}
	return out
}

// Table shows rows of text under heads; the first column names the rows. It panics if a row has another length than heads.
func Table(heads []string, rows [][]string) {
	Check(HTML(table(heads, rows)))
}

// Results shows the rows of a run's results, with the metrics that are named, such as "recall@1", to three digits; what a row
// doesn't have is "–".
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
	for _, r := range results.Rows {
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
