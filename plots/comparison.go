// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"bytes"
	_ "embed" // for comparison.html
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed comparison.html
var comparisonTemplate string

// Comparison is a report on several runs.
type Comparison struct {
	Title, Lead string
	// Notes are warnings, shown on top.
	Notes []string
	Parts []ComparisonPart
}

// ComparisonPart is a section of a Comparison: text, figures and tables, each of which may be left out. Classification tells that it is
// about classifiers, not retrieval: the report then explains how those are tested.
type ComparisonPart struct {
	Heading, Text  string
	Classification bool
	Figures        []ComparisonFigure
	Tables         []ComparisonTable
}

// ComparisonFigure is a figure with its caption, and a description for those who can't see it. Name is that of its files.
type ComparisonFigure struct {
	Name                 string
	Figure               Figure
	Caption, Description string
}

// ComparisonTable is a table of text. The first of the columns is that of the rows' names. Wrap breaks cells at their spaces where there isn't room for them.
type ComparisonTable struct {
	Wrap    bool
	Columns []string
	Rows    []ComparisonRow
	Notes   []string
}

// ComparisonRow is a row of a table. A row with Paper stands for published numbers, which were not measured here.
type ComparisonRow struct {
	Name  string
	Cells []string
	Paper bool
}

// comparisonPage is what the template shows.
type comparisonPage struct {
	Title, Lead string
	Style       template.CSS
	Notes       []string
	Parts       []comparisonSection

	Retrieval, Classification bool // what the parts are about; without parts, retrieval
}

type comparisonSection struct {
	Heading, Text string
	Figures       []picture
	Tables        []table
}

// WriteComparison writes a report as one HTML file that is complete in itself: figures are inside, nothing is loaded and no script runs. The same report gives
// the same bytes.
func WriteComparison(w io.Writer, c Comparison) error {
	style, err := reportStyle()
	if err != nil {
		return err
	}
	page := comparisonPage{Title: c.Title, Lead: c.Lead, Style: style, Notes: c.Notes, Retrieval: len(c.Parts) == 0}
	for _, part := range c.Parts {
		page.Classification = page.Classification || part.Classification
		page.Retrieval = page.Retrieval || !part.Classification
		section, err := part.section()
		if err != nil {
			return fmt.Errorf("plots: comparison: %s: %w", part.Heading, err)
		}
		page.Parts = append(page.Parts, section)
	}
	parsed, err := template.New("comparison.html").Parse(comparisonTemplate)
	if err != nil {
		return fmt.Errorf("plots: comparison: %w", err)
	}
	var html bytes.Buffer
	if err := parsed.Execute(&html, page); err != nil {
		return fmt.Errorf("plots: comparison: %w", err)
	}
	if _, err := w.Write(html.Bytes()); err != nil {
		return fmt.Errorf("plots: comparison: %w", err)
	}
	return nil
}

// SaveFigures saves each figure of the report as SVG and as PNG in a folder, which is made if need be. A name that an earlier part has, as where there are several
// datasets, begins with the number of its part.
func (c Comparison) SaveFigures(folder string) error {
	var list []picture
	taken := map[string]bool{}
	for i, part := range c.Parts {
		for _, f := range part.Figures {
			name := fileName(f.Name)
			if name == "" || taken[name] {
				name = fmt.Sprintf("part-%d-%s", i+1, name)
			}
			taken[name] = true
			list = append(list, picture{Name: name, figure: f.Figure})
		}
	}
	return savePictures(folder, list)
}

// reportStyle returns the style sheet of the report of a run.
func reportStyle() (template.CSS, error) {
	_, after, _ := strings.Cut(reportTemplate, "<style>")
	style, _, found := strings.Cut(after, "</style>")
	if !found {
		return "", errors.New("plots: report.html has no style sheet")
	}
	return template.CSS(style), nil
}

// section draws the figures of a part and lays out its tables.
func (p ComparisonPart) section() (comparisonSection, error) {
	s := comparisonSection{Heading: p.Heading, Text: p.Text}
	for _, f := range p.Figures {
		picture, err := newPicture(f.Name, f.Figure, f.Description, f.Caption)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, *picture)
	}
	for _, t := range p.Tables {
		out := table{Columns: t.Columns, Notes: t.Notes, Wrap: t.Wrap}
		for _, r := range t.Rows {
			if len(r.Cells)+1 != len(t.Columns) {
				return s, fmt.Errorf("row %q has %d cells for %d columns", r.Name, len(r.Cells), len(t.Columns)-1)
			}
			row := tableRow{Name: r.Name, Cells: r.Cells}
			if r.Paper {
				row.Class = "paper"
			}
			out.Rows = append(out.Rows, row)
		}
		s.Tables = append(s.Tables, out)
	}
	return s, nil
}
