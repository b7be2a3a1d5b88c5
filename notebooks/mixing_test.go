// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"regexp"
	"strings"
	"testing"

	"introspection/notebooks/nb"
)

const mixingNotebook = "05_mixing.ipynb"

// TestMixing holds what the notebook on mixing says against the outputs that are committed with it.
func TestMixing(t *testing.T) {
	checkPrivate(t, mixingNotebook)
	n := read(t, mixingNotebook)
	words, figures := spoken(t, n)
	found := tables(n)
	six := checkCompared(t, words, "classification.csv", func(c *nb.Compared) []string {
		return []string{c.Verdict("top@1", "released"), c.Above("top@1", 0.05)}
	})
	wantTables, wantFigures := 1, 4
	if six != nil {
		wantTables, wantFigures = wantTables+2, wantFigures+2
	}
	if len(found) != wantTables || figures != wantFigures {
		t.Fatalf("%d tables and %d figures, want %d and %d", len(found), figures, wantTables, wantFigures)
	}
	top := regexp.MustCompile(`top-1 after epoch 8: (0\.\d+); the loss teaches the uncertainty head in form released`).FindStringSubmatch(words)
	if top == nil || parse(t, top[1]) < 0.75 {
		t.Errorf("the classifier came to %q; ‖u‖ of one that hasn't learned says nothing", top)
	}
	if six == nil {
		return
	}
	for method, setting := range map[string]string{
		"baseline": "plain", "ism-baseline": "released", "mixup": "plain + mixup", "idml-mixup": "released + mixup", "cutmix": "plain + cutmix", "idml-cutmix": "released + cutmix",
	} {
		row := found[1][method]
		if row["setting"] != setting || row["published top-1, cifar10"] == "" || row["published top-1, imagenet"] == "–" {
			t.Errorf("row %s: %v", method, row)
		}
	}
}

// TestMixingUncertainty holds the words on ‖u‖ against the table of its means and of AUROC, before training and after it.
func TestMixingUncertainty(t *testing.T) {
	n := read(t, mixingNotebook)
	words, _ := spoken(t, n)
	found := tables(n)[0]
	if len(found) != 9 {
		t.Fatalf("%d mixtures, want the pure images and two methods in four shares", len(found))
	}
	number := func(row, column string) float64 {
		t.Helper()
		return parse(t, found[row][column])
	}
	pureBefore, pureAfter := number("pure", "mean ‖u‖ before"), number("pure", "mean ‖u‖ after")
	if times := pureAfter / pureBefore; times < 1.7 || times > 2.6 {
		t.Errorf("‖u‖ of pure images is %.2f times what it was: the text says about twice", times)
	}
	for name := range found {
		if name == "pure" {
			continue
		}
		before, after := number(name, "mean ‖u‖ before"), number(name, "mean ‖u‖ after")
		if after < 1.5*before || after > pureAfter {
			t.Errorf("%s: mean ‖u‖ %.3f before and %.3f after, of pure images %.3f: the text says that it grows, and is below that of pure images", name, before, after, pureAfter)
		}
		first, last := number(name, "AUROC before"), number(name, "AUROC after")
		switch {
		case strings.HasPrefix(name, "mixup") && (before >= pureBefore || first >= 0.5 || last < (first+0.5)/2 || last > 0.5):
			t.Errorf("%s: AUROC %.3f before and %.3f after: the text says that it rises more than half of the way to chance and not beyond it", name, first, last)
		case strings.HasPrefix(name, "cutmix") && (before <= pureBefore || first <= 0.5 || last >= 0.45):
			t.Errorf("%s: AUROC %.3f before and %.3f after: the text says that it falls below chance", name, first, last)
		}
	}
	for _, want := range []string{"mixup 0.50, after epoch 8", "no better than chance", "cutmix 0.53, after epoch 8", "below chance"} {
		if !strings.Contains(words, want) {
			t.Errorf("it doesn't say %q", want)
		}
	}
}
