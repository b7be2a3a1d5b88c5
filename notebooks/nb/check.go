// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"context"
	"fmt"
	"html"
	"os"
	"runtime"
	"strings"
	"time"

	"introspection/datasets"
)

// Verify looks through the datasets, each of whose images it decodes, and shows how far it is.
func (p Photographs) Verify(ctx context.Context) ([]*datasets.Verification, error) {
	live := NewLive(trainingInterval)
	begun, images := time.Now(), 0
	var out []*datasets.Verification
	for _, name := range p.Names {
		v, err := datasets.Verify(ctx, os.DirFS(p.Folder), name, datasets.VerifyOptions{
			Workers: runtime.GOMAXPROCS(0),
			Progress: func(done, total int) {
				text := fmt.Sprintf("%s: %s of %s files", Title(name), thousands(done), thousands(total))
				Check(live.Update(fmt.Sprintf(`<div>%s</div><progress style="width:480px" value="%d" max="%d"></progress>`, html.EscapeString(text), done, total)))
			},
		})
		if err != nil {
			return nil, err
		}
		images += v.Train.Images + v.Test.Images
		out = append(out, v)
	}
	return out, live.Done(fmt.Sprintf("looked at %s images in %s", thousands(images), time.Since(begun).Round(time.Second)))
}

// Counts shows how many images and classes the datasets have, beside the published numbers.
func Counts(found []*datasets.Verification) {
	Table(countsTable(found))
}

func countsTable(found []*datasets.Verification) (heads []string, rows [][]string) {
	heads = []string{"", "images", "images published", "classes", "classes published"}
	for _, v := range found {
		for _, half := range []struct {
			use string
			datasets.Half
		}{{"to train", v.Train}, {"to retrieve", v.Test}} {
			row := []string{Title(v.Dataset) + ", " + half.use, thousands(half.Images), "–", thousands(half.Classes), "–"}
			if published := half.Published; published != nil {
				row[2], row[4] = thousands(published.Images), thousands(published.Classes)
			}
			rows = append(rows, row)
		}
	}
	return heads, rows
}

// Findings shows what is wrong with the datasets' files, and how many images are gray, which is in order.
func Findings(found []*datasets.Verification) {
	Table(findingsTable(found))
}

func findingsTable(found []*datasets.Verification) (heads []string, rows [][]string) {
	heads = []string{"", "missing", "unreadable", "extra", "empty classes", "gray", "size", "the first file"}
	for _, v := range found {
		var first []string
		for _, list := range [][]string{v.Missing, unreadable(v), v.Extra, v.Empty, v.Gray} {
			first = append(first, list...)
		}
		size := "as published"
		if half := v.Train; half.Published == nil || *half.Published != half.Count || *v.Test.Published != v.Test.Count {
			size = "not as published"
		}
		rows = append(rows, []string{
			Title(v.Dataset), thousands(len(v.Missing)), thousands(len(v.Unreadable)), thousands(len(v.Extra)), thousands(len(v.Empty)),
			thousands(len(v.Gray)), size, strings.Join(first[:min(1, len(first))], ""),
		})
	}
	return heads, rows
}

// unreadable lists the files that can't be read, with the reasons.
func unreadable(v *datasets.Verification) []string {
	var out []string
	for _, fault := range v.Unreadable {
		out = append(out, fault.Path+": "+fault.Err)
	}
	return out
}

// thousands writes a number with commas, as 60,502.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
