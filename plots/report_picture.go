// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
)

// picture is a figure in the report. Name is that of its files.
type picture struct {
	Name, Heading string
	SVG           template.HTML
	Caption       string
	figure        Figure
}

// newPicture draws a figure, with a description for those who can't see it.
func newPicture(name string, f Figure, description, caption string) (*picture, error) {
	svg, err := inline(f, description)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &picture{Name: name, SVG: svg, Caption: caption, figure: f}, nil
}

// pictures returns all figures of the report, in its order.
func (r *report) pictures() []picture {
	var all []picture
	add := func(list ...*picture) {
		for _, p := range list {
			if p != nil {
				all = append(all, *p)
			}
		}
	}
	if r.Corrupted != nil {
		add(r.Corrupted.Figure)
	}
	add(r.Curves)
	if r.Uncertainty != nil {
		add(r.Uncertainty.Histogram, r.Uncertainty.Classes)
	}
	if r.Worth != nil {
		add(r.Worth.Figures...)
	}
	all = append(append(all, r.Grids...), r.Galleries...)
	if r.Confused != nil {
		add(r.Confused.Figure)
	}
	add(r.Surface)
	return all
}

// savePictures saves each figure as SVG and PNG in a folder.
func savePictures(folder string, list []picture) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, p := range list {
		for _, kind := range []string{".svg", ".png"} {
			if err := Save(filepath.Join(folder, p.Name+kind), p.figure); err != nil {
				return err
			}
		}
	}
	return nil
}

// inline returns a figure as SVG to stand inside an HTML page, with a
// description for those who can't see it.
func inline(f Figure, description string) (template.HTML, error) {
	var text bytes.Buffer
	if err := WriteSVG(&text, f); err != nil {
		return "", err
	}
	_, body, found := strings.Cut(text.String(), "<svg ")
	if !found {
		return "", errors.New("figure without <svg>")
	}
	body = strings.NewReplacer( // in HTML these are implied
		` xmlns:xlink="http://www.w3.org/1999/xlink"`, "", "\n\txmlns=\"http://www.w3.org/2000/svg\"", "",
		"\n\txmlns:xlink=\"http://www.w3.org/1999/xlink\"", "",
	).Replace(body)
	label := template.HTMLEscapeString(description)
	return template.HTML(`<svg role="img" aria-label="` + label + `" ` + body), nil
}
