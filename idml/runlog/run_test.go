// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
)

// create returns a new run in a folder that the test removes.
func create(t *testing.T) *runlog.Run {
	t.Helper()
	run, err := runlog.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// put writes a file of the run as it is given.
func put(t *testing.T, run *runlog.Run, name, text string) {
	t.Helper()
	if err := os.WriteFile(run.Path(name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// get returns the text of a file of the run.
func get(t *testing.T, run *runlog.Run, name string) string {
	t.Helper()
	data, err := os.ReadFile(run.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCreateAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "demo")
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Open(dir); !errors.Is(err, runlog.ErrNotRun) {
		t.Errorf("Open before config.json: %v, want ErrNotRun", err)
	}
	if _, err := runlog.Create(dir); err != nil {
		t.Errorf("Create in a folder without a run: %v", err)
	}
	if err := run.WriteConfig(map[string]int{"epochs": 3}); err != nil {
		t.Fatal(err)
	}
	opened, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if opened.Dir() != dir || opened.Path("a/b") != filepath.Join(dir, "a", "b") {
		t.Errorf("Dir %q, Path %q", opened.Dir(), opened.Path("a/b"))
	}
}

func TestCreateKeepsAnOldRun(t *testing.T) {
	for _, name := range []string{"config.json", "metrics.jsonl", "results.json", "predictions.jsonl", "model.safetensors"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := runlog.Create(dir)
			if !errors.Is(err, runlog.ErrExists) {
				t.Fatalf("Create: %v, want ErrExists", err)
			}
			for _, part := range []string{dir, "--out", "remove"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

func TestCreateAndOpenErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Create(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Create of a file: %v, want an error that names it", err)
	}
	withFolder := t.TempDir()
	if err := os.Mkdir(filepath.Join(withFolder, "config.json"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, t.TempDir(), filepath.Join(t.TempDir(), "none"), withFolder} {
		if _, err := runlog.Open(dir); !errors.Is(err, runlog.ErrNotRun) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open(%s): %v, want ErrNotRun that names it", dir, err)
		}
	}
}

func TestWriteFileIsAllOrNothing(t *testing.T) {
	run := create(t)
	put(t, run, "model.safetensors", "old")
	broken := errors.New("broken")
	err := run.WriteFile("model.safetensors", func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("half", 10000))
		return broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), run.Path("model.safetensors")) {
		t.Errorf("WriteFile: %v, want the cause and the file", err)
	}
	if got := get(t, run, "model.safetensors"); got != "old" {
		t.Errorf("a failed write left %.20q", got)
	}
	if err := run.WriteFile("model.safetensors", func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, run, "model.safetensors"); got != "new" {
		t.Errorf("got %q, want new", got)
	}
	entries, err := os.ReadDir(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("temporary files were left: %v", entries)
	}
	if err := run.WriteFile("none/x", func(io.Writer) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WriteFile in a missing folder: %v", err)
	}
}

func TestLogAppends(t *testing.T) {
	run := create(t)
	for _, line := range []string{"one\n", "two\n"} {
		log, err := run.Log()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(log, line); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff("one\ntwo\n", get(t, run, "log.txt")); diff != "" {
		t.Error(diff)
	}
	if err := os.RemoveAll(run.Dir()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Log(); err == nil || !strings.Contains(err.Error(), "log.txt") {
		t.Errorf("Log without a folder: %v, want an error that names log.txt", err)
	}
}

// TestReadersNameTheFile gives each reader no file, then a broken one.
func TestReadersNameTheFile(t *testing.T) {
	readers := []struct {
		file string
		read func(*runlog.Run) error
	}{
		{"config.json", func(r *runlog.Run) error { return r.ReadConfig(new(any)) }},
		{"environment.json", func(r *runlog.Run) error { _, err := r.Environment(); return err }},
		{"metrics.jsonl", func(r *runlog.Run) error { _, err := r.Records(); return err }},
		{"results.json", func(r *runlog.Run) error { _, err := r.Results(); return err }},
		{"predictions.jsonl", func(r *runlog.Run) error { _, err := r.Predictions(); return err }},
		{"thumbnails/00000.png", func(r *runlog.Run) error { _, err := r.Thumbnail(0); return err }},
	}
	for _, tt := range readers {
		t.Run(tt.file, func(t *testing.T) {
			run := create(t)
			if err := tt.read(run); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), run.Path(tt.file)) {
				t.Errorf("no file: %v, want fs.ErrNotExist that names it", err)
			}
			if err := os.MkdirAll(filepath.Dir(run.Path(tt.file)), 0o777); err != nil {
				t.Fatal(err)
			}
			put(t, run, tt.file, "{\"seconds\": [}\n{}\n")
			var format *runlog.FormatError
			if err := tt.read(run); !errors.As(err, &format) || format.File != run.Path(tt.file) {
				t.Errorf("broken file: %v, want a FormatError that names it", err)
			}
		})
	}
}
