// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os"
	"strings"
	"testing"

	"introspection/notebooks/nb"
)

const lossesNotebook = "03_losses.ipynb"

// checkPrivate looks for paths of the machine that a notebook ran on.
func checkPrivate(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"/root", "/work", "/home", "/tmp"} {
		if strings.Contains(string(data), private) {
			t.Errorf("%s has a path of the machine that it ran on: %s", name, private)
		}
	}
}

// checkCompared holds what a notebook was committed with against the table in docs that it reads: it says that the table is missing if and only if it is, and its
// sentences are what the table says now. It returns the table, nil if there is none.
func checkCompared(t *testing.T, words, name string, sentences func(*nb.Compared) []string) *nb.Compared {
	t.Helper()
	missing := strings.Contains(words, "docs/"+name+" is missing")
	table, err := nb.ReadCompared(name)
	if errors.Is(err, fs.ErrNotExist) {
		if !missing {
			t.Errorf("docs/%s is missing, and the notebook was executed with it", name)
		}
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if missing {
		t.Fatalf("docs/%s is there, and the notebook was executed without it: execute it again", name)
	}
	for _, want := range sentences(table) {
		if !strings.Contains(html.UnescapeString(words), want) {
			t.Errorf("docs/%s has changed, execute the notebook again; it doesn't say %q", name, want)
		}
	}
	return table
}

// reach returns the ends of a range of distances, as "0.27 to 0.49".
func reach(t *testing.T, text string) (from, to float64) {
	t.Helper()
	if _, err := fmt.Sscanf(text, "%f to %f", &from, &to); err != nil {
		t.Fatalf("%q is no range: %v", text, err)
	}
	return from, to
}

// TestLosses holds what the notebook on losses says against the outputs that are committed with it.
func TestLosses(t *testing.T) {
	checkPrivate(t, lossesNotebook)
	n := read(t, lossesNotebook)
	words, figures := spoken(t, n)
	found := tables(n)
	sweep := checkCompared(t, words, "losses.csv", func(c *nb.Compared) []string {
		return []string{c.Verdict("recall@1", "paper"), c.Verdict("recall@1", "released"), c.Above("recall@1", 0.1)}
	})
	wantTables, wantFigures := 6, 6
	if sweep != nil {
		wantTables, wantFigures = wantTables+2, wantFigures+2
	}
	if len(found) != wantTables || figures != wantFigures {
		t.Fatalf("%d tables and %d figures, want %d and %d", len(found), figures, wantTables, wantFigures)
	}
	if got := strings.Count(words, " steps in "); got != 6 {
		t.Errorf("%d trainings, want three losses in two forms", got)
	}
	if len(found[0]) != 7 || len(found[1]) != 7 || len(found[2]) != 7 {
		t.Errorf("%d losses listed, %d published, %d asked", len(found[0]), len(found[1]), len(found[2]))
	}
	for loss, cells := range found[1] {
		for head, cell := range cells {
			var plain, introspective float64
			if _, err := fmt.Sscanf(cell, "%f → %f", &plain, &introspective); head != "" && (err != nil || introspective <= plain) {
				t.Errorf("%s, %s: %q; the text says that by the paper's table the form helps every loss (%v)", loss, head, cell, err)
			}
		}
	}
	if sweep == nil {
		return
	}
	for _, span := range sweep.Spans("recall@1") {
		rows := 0
		for name := range found[6] {
			if short, _, _ := strings.Cut(name, ","); short == span.Name || name == span.Name {
				rows++
			}
		}
		if rows != 1 {
			t.Errorf("the table of the sweep has %d rows %q", rows, span.Name)
		}
	}
}

// TestLossesWants holds the words on what losses want of a pair against the tables of where they pull and push.
func TestLossesWants(t *testing.T) {
	found := tables(read(t, lossesNotebook))
	ends := []struct {
		loss, head string
		first      bool // the lower end, else the upper one
		want       float64
	}{
		{"contrastive", "pulls at", true, 0},
		{"contrastive", "pushes at", false, 0.5},
		{"margin", "pulls at", true, 1},
		{"margin", "pushes at", false, 1.4},
		{"proxy-anchor", "pulls at", true, 1.25},
		{"proxy-anchor", "pushes at", false, 1.58},
		{"triplet", "pulls at", true, 0.9},
		{"triplet", "pulls at", false, 1},
		{"triplet", "pushes at", true, 0.5},
		{"triplet", "pushes at", false, 0.6},
		{"multi-similarity", "pulls at", true, 0.9},
		{"multi-similarity", "pushes at", false, 0.65},
		{"proxy-nca", "pulls at", true, 0.95},
		{"proxy-nca", "pushes at", false, 0.62},
	}
	for _, end := range ends {
		from, to := reach(t, found[2][end.loss][end.head])
		got := to
		if end.first {
			got = from
		}
		if got < end.want-0.03 || got > end.want+0.03 {
			t.Errorf("%s %s %.2f to %.2f; the text speaks of %v", end.loss, end.head, from, to, end.want)
		}
	}
	for loss, grows := range map[string]bool{"contrastive": true, "proxy-anchor": true, "multi-similarity": false} {
		_, before := reach(t, found[3][loss]["plain"])
		for _, beta := range []string{"β = 1", "β = 3", "β = 9"} {
			_, to := reach(t, found[3][loss][beta])
			if grows != (to > before) || !grows && to != before {
				t.Errorf("%s pushes up to %.2f at %s and %.2f before: the text says that it reaches farther: %t", loss, to, beta, before, grows)
			}
			before = to
		}
	}
}

// TestLossesTrained holds the words on the notebook's own runs: one loss stays where it began in the form paper, and warns; everything else learns.
func TestLossesTrained(t *testing.T) {
	n := read(t, lossesNotebook)
	words, _ := spoken(t, n)
	results := tables(n)[4]
	untrained := parse(t, results["untrained network"]["R@1"])
	for _, setting := range []string{"contrastive plain", "multi-similarity plain", "multi-similarity paper", "proxy-anchor plain", "proxy-anchor paper"} {
		if v := parse(t, results[setting]["R@1"]); v < untrained+0.1 {
			t.Errorf("R@1 of %s is %.3f, of the untrained network %.3f: the text says that it learns", setting, v, untrained)
		}
	}
	if v := parse(t, results["contrastive paper"]["R@1"]); v > untrained+0.05 {
		t.Errorf("R@1 of contrastive paper is %.3f, of the untrained network %.3f: the text says that it stays where it began", v, untrained)
	}
	if got := strings.Count(words, "hardly any gradient reaches"); got != 4 {
		t.Errorf("%d warnings, the text speaks of one after each of four epochs", got)
	}
	before, after, _ := strings.Cut(words, "<b>multi-similarity, plain</b>")
	if strings.Contains(after, "hardly any gradient reaches") || !strings.Contains(before, "<b>contrastive, paper</b>") {
		t.Error("another run than contrastive paper warns")
	}
}
