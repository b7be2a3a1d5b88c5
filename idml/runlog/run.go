// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Names of the files in a run folder; see the package comment for what they hold.
const (
	ConfigFile      = "config.json"
	EnvironmentFile = "environment.json"
	MetricsFile     = "metrics.jsonl"
	ResultsFile     = "results.json"
	PredictionsFile = "predictions.jsonl"
	UncertaintyFile = "uncertainty.json"
	ThumbnailFolder = "thumbnails"
	LogFile         = "log.txt"
)

// ErrExists reports that a folder given to Create holds a run already.
var ErrExists = errors.New("runlog: folder holds a run already")

// ErrNotRun reports that a folder given to Open holds no run.
var ErrNotRun = errors.New("runlog: not a run folder")

// Run is the folder of one training run. Its methods may be called from
// several goroutines, but only one program at a time should write to a folder.
type Run struct {
	dir string

	mu       sync.Mutex // guards metrics.jsonl's end and warnings
	warnings []error

	events eventFile
}

// Create makes the folder dir, with its parents, for a new run. A folder that
// exists is used if no file of a run is in it; else the error wraps ErrExists.
func Create(dir string) (*Run, error) {
	names := []string{
		ConfigFile, EnvironmentFile, MetricsFile, ResultsFile, PredictionsFile, UncertaintyFile, LogFile, ModelFile, PreviousModelFile, BestFile, nextModelFile,
	}
	if events, err := eventFiles(dir); err == nil {
		names = append(names, events...)
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, ConfigFile)); err != nil {
			return nil, fmt.Errorf("%w, or what is left of one: %s has a %s and no %s; choose another --out or remove the folder", ErrExists, dir, name, ConfigFile)
		}
		return nil, fmt.Errorf("%w: %s has a %s; choose another --out or remove the folder", ErrExists, dir, name)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("runlog: creating run folder %s: %w", dir, err)
	}
	return &Run{dir: dir}, nil
}

// Open opens the folder of a run that was begun before. If there is no
// config.json in it, the error wraps ErrNotRun.
func Open(dir string) (*Run, error) {
	info, err := os.Stat(filepath.Join(dir, ConfigFile))
	switch {
	case err == nil && info.Mode().IsRegular():
		return &Run{dir: dir}, nil
	case err == nil:
		return nil, fmt.Errorf("%w: %s in %s is not a file", ErrNotRun, ConfigFile, dir)
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s does not exist", ErrNotRun, dir)
		}
		return nil, fmt.Errorf("%w: %s has no %s", ErrNotRun, dir, ConfigFile)
	}
	return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
}

// Dir returns the folder, as it was given to Create or Open.
func (r *Run) Dir() string { return r.dir }

// Path returns the path of a file in the folder.
func (r *Run) Path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// Warnings returns what was left out in reading so far, such as a torn last
// line, each once.
func (r *Run) Warnings() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.warnings)
}

// warn notes err for Warnings unless it is there already.
func (r *Run) warn(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.warnings {
		if w.Error() == err.Error() {
			return
		}
	}
	r.warnings = append(r.warnings, err)
}

// WriteFile writes a file of the folder at once: write fills a temporary file
// beside it, which is flushed to the disk and then takes the name. If anything
// fails, a file that was there before stays as it was.
func (r *Run) WriteFile(name string, write func(w io.Writer) error) error {
	return writeFile(r.Path(name), true, write)
}

// Log opens log.txt to append to it. The caller closes it.
func (r *Run) Log() (io.WriteCloser, error) {
	f, err := os.OpenFile(r.Path(LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("runlog: opening %s: %w", r.Path(LogFile), err)
	}
	return f, nil
}
