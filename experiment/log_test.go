// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// logLines returns the lines of a run's log without their times, which must be there.
func logLines(t *testing.T, run *runlog.Run) []string {
	t.Helper()
	data, err := os.ReadFile(run.Path(runlog.LogFile))
	if err != nil {
		t.Fatal(err)
	}
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) `)
	var lines []string
	for line := range strings.Lines(string(data)) {
		if !stamp.MatchString(line) {
			t.Errorf("a line without its time: %q", line)
		}
		lines = append(lines, strings.TrimSuffix(stamp.ReplaceAllString(line, ""), "\n"))
	}
	return lines
}

// A logbook keeps what is said before there is a folder, hands everything on, and a second one appends.
func TestLogbook(t *testing.T) {
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	backend := backendtest.Open(t)
	var heard []string
	listener := Options{
		Progress: func(p idml.Progress) { heard = append(heard, fmt.Sprint("step ", p.Step)) },
		Warn:     func(text string) { heard = append(heard, text) },
	}
	l, o := newLogbook("training in x", backend, listener)
	o.warn("early, %s", "of two\nlines")
	if _, err := os.Stat(run.Path(runlog.LogFile)); err == nil {
		t.Error("there is a log before open")
	}
	cfg := idml.Glyphs()
	if err := l.open(run, cfg, idml.State{}); err != nil {
		t.Fatal(err)
	}
	o.Progress(idml.Progress{Step: 7})
	o.Progress(idml.Progress{Epoch: 1, Epochs: 2, Step: 8, Metrics: map[string]float64{"recall@2": 0.75, "recall@1": 0.5}})
	o.warn("strange")
	l.end(nil, errors.New("broken"))

	l, o = newLogbook("resuming x", backend, Options{})
	if err := l.open(run, cfg, idml.State{Epoch: 1, Batch: 2, Step: 10}); err != nil {
		t.Fatal(err)
	}
	o.Progress(idml.Progress{Step: 11})
	o.warn("late")
	l.end(&runlog.Results{Status: runlog.StatusStopped, Epochs: 1, Steps: 11, Seconds: 61.4, Rows: []runlog.Row{{Name: "last epoch", Epoch: 1, Metrics: map[string]float64{"nmi": 0.25}}}}, nil)
	l, _ = newLogbook("resuming x", backend, Options{})
	if err := l.open(run, cfg, idml.State{}); err != nil {
		t.Fatal(err)
	}
	l.end(nil, fmt.Errorf("embedding: %w", context.Canceled))

	if diff := cmp.Diff([]string{"early, of two\nlines", "step 7", "step 8", "strange"}, heard); diff != "" {
		t.Errorf("handed on:\n%s", diff)
	}
	lines := logLines(t, run)
	for _, i := range []int{0, 7, 13} {
		if i >= len(lines) || !regexp.MustCompile(`^(training in|resuming) x, idml .*, go1\..*, backend .+CPUs, JPEG by [a-z/-]+, devices for each batch: 1$`).MatchString(lines[i]) {
			t.Fatalf("line %d doesn't tell of the program:\n%s", i, strings.Join(lines, "\n"))
		}
	}
	settings := settingsText(cfg)
	if !strings.Contains(settings, "glyphs") || !strings.Contains(settings, fmt.Sprintf("%d epochs", cfg.Epochs)) {
		t.Errorf("settings: %s", settings)
	}
	want := []string{
		"warning: early, of two; lines", settings, "from epoch 1, batch 1, step 1 on",
		"epoch 1 of 2, step 8: recall@1 0.5000, recall@2 0.7500", "warning: strange", "error: broken",
		settings, "from epoch 2, batch 3, step 11 on", "warning: late", "last epoch (epoch 1): nmi 0.2500",
		"stopped: epochs 1, steps 11, 1m1s of training",
		settings, "from epoch 1, batch 1, step 1 on", "interrupted",
	}
	if diff := cmp.Diff(want, slices.Concat(lines[1:7], lines[8:13], lines[14:])); diff != "" {
		t.Errorf("log.txt (-want +got):\n%s", diff)
	}
}

// A log that can't be written is told once, and stops nothing.
func TestLogbookFault(t *testing.T) {
	var heard []string
	l, o := newLogbook("training", backendtest.Open(t), Options{Warn: func(text string) { heard = append(heard, text) }})
	closed, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	l.file = closed
	l.printf("a")
	o.Progress(idml.Progress{Metrics: map[string]float64{}})
	l.end(nil, errors.New("b"))
	if len(heard) != 1 || !strings.Contains(heard[0], "the log lacks lines") {
		t.Errorf("warnings: %q", heard)
	}
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(run.Dir()); err != nil {
		t.Fatal(err)
	}
	if l, _ := newLogbook("training", backendtest.Open(t), Options{}); l.open(run, idml.Glyphs(), idml.State{}) == nil {
		t.Error("a log was opened in no folder")
	}
}
