// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"introspection/idml/runlog"
)

// checkCompare compares two runs on glyphs that differ in their seed.
func checkCompare(t *testing.T, first, second string) {
	figure := filepath.Join(t.TempDir(), "recall.svg")
	lines := strings.Split(strings.TrimSpace(succeed(t, "compare", "--figure", figure, first, second)), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], "R@1") || !strings.Contains(lines[0], "95 % over seeds") {
		t.Fatalf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	fraction, spread := `\d\.\d{3}`, `\d\.\d{3} ± \d\.\d{3} +\[−?\d\.\d{3}, \d\.\d{3}\]`
	for i, pattern := range []string{
		"^" + runlog.RowRawPixels + " +1 +" + fraction + " +–  ",
		"^" + runlog.RowUntrained + " +2 +" + spread + "  ",
		"^proxy-anchor released \\+ mixup +2 +" + spread + "  ",
	} {
		if !regexp.MustCompile(pattern).MatchString(lines[i+1]) {
			t.Errorf("line %d is %q, want %s", i+1, lines[i+1], pattern)
		}
	}
	if data, err := os.ReadFile(figure); err != nil || !bytes.Contains(data, []byte("<svg")) {
		t.Errorf("the figure: %v, %.80q", err, data)
	}
	fail(t, exitError, "repeats", "compare", first, first)

	page := filepath.Join(t.TempDir(), "both.html")
	if printed := succeed(t, "report", "--out", page, "--figures", filepath.Join(filepath.Dir(page), "figures"), first, second); printed != page+"\n" {
		t.Errorf("printed %q", printed)
	}
	compared := filepath.Join(t.TempDir(), "compared.html")
	succeed(t, "compare", "--report", compared, first, second)
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(compared); err != nil || !bytes.Equal(html, other) {
		t.Errorf("report and compare --report differ (%v)", err)
	}
}

func TestCompareBadInput(t *testing.T) {
	empty := t.TempDir()
	fail(t, exitUsage, "folders", "compare")
	fail(t, exitUsage, "--figures", "compare", "--figures", "x.svg", "a")
	fail(t, exitError, "nowhere", "compare", filepath.Join(empty, "nowhere"))
	fail(t, exitError, "config.json", "compare", empty)
}

func TestReportBadInput(t *testing.T) {
	empty := t.TempDir()
	fail(t, exitUsage, "run folder", "report")
	fail(t, exitUsage, "--figure", "report", "--figure", "x", "a")
	fail(t, exitError, "nowhere", "report", filepath.Join(empty, "nowhere"), empty)
	fail(t, exitError, "nowhere", "report", filepath.Join(empty, "nowhere"))
	fail(t, exitError, "config.json", "report", empty)
	if entries, _ := os.ReadDir(empty); len(entries) > 0 {
		t.Errorf("written into a folder without a run: %v", entries)
	}
}
