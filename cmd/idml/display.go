// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"

	"introspection/internal/kernel"
	"introspection/plots"
)

// MIME types of what is displayed in a notebook.
const (
	plainType = "text/plain"
	htmlType  = "text/html"
	pngType   = "image/png"
)

// A table is printed on the standard output when it is flushed and, in a notebook, displayed as HTML. Cells are written with a tab between them, a row a
// line; the first row is the heading.
type table struct {
	env  *environment
	flag uint
	text bytes.Buffer
}

// table returns an empty table; flags are those of package tabwriter.
func (env *environment) table(flags uint) *table { return &table{env: env, flag: flags} }

// Write takes cells; it never fails.
func (t *table) Write(p []byte) (int, error) { return t.text.Write(p) }

// Flush prints or displays what was written since the last time.
func (t *table) Flush() error {
	raw := t.text.String()
	t.text.Reset()
	if raw == "" {
		return nil
	}
	var plain bytes.Buffer
	w := tabwriter.NewWriter(&plain, 0, 0, 2, ' ', t.flag)
	_, _ = io.WriteString(w, raw) // into memory
	_ = w.Flush()
	if t.env.display == nil {
		_, err := t.env.stdout.Write(plain.Bytes())
		return err
	}
	t.env.display(kernel.Output{Data: map[string]string{plainType: strings.TrimRight(plain.String(), "\n"), htmlType: tableHTML(raw)}})
	return nil
}

// number is what is aligned on the right: a number, with what may stand around it, or "–".
var number = regexp.MustCompile(`^[\s\[]*[-+−–±]?\s*(\d|–|$)`)

// tableHTML returns a table of HTML with the cells of a text. A column with nothing but numbers below its heading is aligned on the right.
func tableHTML(raw string) string {
	var rows [][]string
	columns := 0
	for line := range strings.Lines(raw) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		rows = append(rows, cells)
		columns = max(columns, len(cells))
	}
	right, used := make([]bool, columns), make([]bool, columns)
	for c := range columns {
		right[c] = true
		for r, cells := range rows {
			if c < len(cells) && strings.TrimSpace(cells[c]) != "" {
				used[c] = true
				right[c] = right[c] && (r == 0 || number.MatchString(cells[c]))
			}
		}
	}
	var b strings.Builder
	b.WriteString(`<table>`)
	for r, cells := range rows {
		b.WriteString(`<tr>`)
		for c := range columns {
			if !used[c] && c > 0 { // behind the last tab
				continue
			}
			name, align, text := "td", "left", ""
			if r == 0 {
				name = "th"
			}
			if right[c] {
				align = "right"
			}
			if c < len(cells) {
				text = html.EscapeString(cells[c])
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s;white-space:nowrap">%s</%s>`, name, align, text, name)
		}
		b.WriteString(`</tr>`)
	}
	b.WriteString(`</table>`)
	return b.String()
}

// showFigure displays a figure, in place of an earlier one of the same name; on a terminal it does nothing. What can't be drawn is warned of.
func (env *environment) showFigure(name, description string, f plots.Figure) {
	if env.display == nil {
		return
	}
	var picture bytes.Buffer
	if err := plots.WriteSmallPNG(&picture, f); err != nil {
		env.warn(err.Error())
		return
	}
	width, height := f.Size()
	env.display(kernel.Output{
		Name:     name,
		Data:     map[string]string{plainType: description, pngType: base64.StdEncoding.EncodeToString(picture.Bytes())},
		Metadata: map[string]any{pngType: map[string]int{"width": int(width / plots.Px), "height": int(height / plots.Px)}},
	})
}

// saveFigure writes a figure into a file, and displays it.
func (env *environment) saveFigure(path string, f plots.Figure) error {
	if err := plots.Save(path, f); err != nil {
		return err
	}
	env.showFigure("", path, f)
	return nil
}

// showPage displays a page of HTML within the notebook, and a link to it, if it lies where the notebook's server can find it: in the current folder or
// below. On a terminal it does nothing.
func (env *environment) showPage(path string) {
	if env.display == nil {
		return
	}
	here, err := os.Getwd()
	if err != nil {
		return
	}
	whole := path
	if !filepath.IsAbs(whole) {
		whole = filepath.Join(here, whole)
	}
	relative, err := filepath.Rel(here, whole)
	if err != nil || !filepath.IsLocal(relative) {
		return
	}
	link := html.EscapeString((&url.URL{Path: filepath.ToSlash(relative)}).String())
	env.display(kernel.Output{Data: map[string]string{
		plainType: path,
		htmlType: fmt.Sprintf(`<a href="%s" target="_blank">%s</a><br><iframe src="%s" width="100%%" height="600" style="border:1px solid #ccc"></iframe>`,
			link, html.EscapeString(relative), link),
	}})
}
