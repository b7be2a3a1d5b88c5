// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/runlog"
)

// A logbook writes what a run says to its log.txt: a line each, with the time. It keeps what is said before the folder is a run. A line that
// can't be written is a warning and ends no training.
type logbook struct {
	warn func(format string, args ...any) // for the logbook's own faults

	mu     sync.Mutex
	held   []byte
	file   io.WriteCloser // nil before open
	failed bool
}

// newLogbook begins a log with what is being done, by which program and on what. The options that it returns are o, but what they tell is
// also logged: evaluations and warnings.
func newLogbook(doing string, backend compute.Backend, o Options) (*logbook, Options) {
	l := &logbook{warn: o.warn}
	l.printf("%s, %s, devices for each batch: %d", doing, programText(backend), o.devices())
	logged := o
	logged.Progress = func(p idml.Progress) {
		if p.Metrics != nil {
			l.printf("epoch %d of %d, step %d: %s", p.Epoch, p.Epochs, p.Step, metricsText(p.Metrics))
		}
		if o.Progress != nil {
			o.Progress(p)
		}
	}
	logged.Warn = func(text string) {
		l.printf("warning: %s", text)
		o.warn("%s", text)
	}
	return l, logged
}

// open writes what was held to the log of a run, the settings, and where training stands. The caller calls end.
func (l *logbook) open(run *runlog.Run, cfg idml.Config, state idml.State) error {
	file, err := run.Log()
	if err != nil {
		return err
	}
	l.mu.Lock()
	held := l.held
	l.file, l.held = file, nil
	l.mu.Unlock()
	l.write(held)
	l.printf("%s", settingsText(cfg))
	l.printf("from epoch %d, batch %d, step %d on", state.Epoch+1, state.Batch+1, state.Step+1)
	return nil
}

// end writes what came of the run and closes the log.
func (l *logbook) end(results *runlog.Results, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		l.printf("interrupted")
	case err != nil:
		l.printf("error: %v", err)
	default:
		for _, row := range results.Rows {
			l.printf("%s (epoch %d): %s", row.Name, row.Epoch, metricsText(row.Metrics))
		}
		l.printf("%s: epochs %d, steps %d, %s of training", results.Status, results.Epochs, results.Steps,
			time.Duration(results.Seconds*float64(time.Second)).Round(time.Second))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.file.Close() // every line was handed to the operating system before
}

// printf writes a text as one line.
func (l *logbook) printf(format string, args ...any) {
	text := strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf(format, args...)), "\n", "; ")
	l.write([]byte(time.Now().Format(time.RFC3339) + " " + text + "\n"))
}

// write writes lines at once, so that a line of a program that is killed is whole or missing.
func (l *logbook) write(lines []byte) {
	l.mu.Lock()
	if l.file == nil {
		l.held = append(l.held, lines...)
		l.mu.Unlock()
		return
	}
	_, err := l.file.Write(lines)
	first := err != nil && !l.failed
	l.failed = l.failed || first
	l.mu.Unlock()
	if first {
		l.warn("the log lacks lines: %v", err)
	}
}

// programText tells what computes, and on what.
func programText(backend compute.Backend) string {
	e := runlog.HostEnvironment()
	parts := []string{"idml " + cmp.Or(e.Revision, "of unknown revision"), fmt.Sprintf("%s %s/%s", e.Go, e.OS, e.Arch)}
	for _, path := range slices.Sorted(maps.Keys(e.Modules)) {
		if strings.HasPrefix(path, "github.com/gomlx/") {
			parts = append(parts, path+" "+e.Modules[path])
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("backend %s (%s)", backend.Name(), backend.Description()), fmt.Sprintf("%d CPUs", e.CPUs), "JPEG by "+datasets.JPEGDecoder), ", ")
}

// metricsText lists metrics by name.
func metricsText(metrics map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		parts = append(parts, fmt.Sprintf("%s %.4f", name, metrics[name]))
	}
	return strings.Join(parts, ", ")
}

// settingsText tells the settings that say most; config.json has all.
func settingsText(cfg idml.Config) string {
	return fmt.Sprintf("%s; recipe %s, seed %d, %d epochs of which %d warm up, batches of %d images of %d pixels, %s with lr %g, %d dimensions",
		title(cfg), cmp.Or(cfg.Recipe, "none"), cfg.Seed, cfg.Epochs, cfg.WarmupEpochs, cfg.Data.BatchSize, cfg.Data.ImageSize, cfg.Optimizer.Name, cfg.Optimizer.LearningRate,
		cfg.Model.EmbeddingSize)
}
