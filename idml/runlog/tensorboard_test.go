// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
)

// tensorBoard returns what two readers of TensorBoard's, which testdata/scalars.py tells of, see in a run: [step, value] by reader and tag.
// It skips the test where "make setup" wasn't run; "make test" runs it.
func tensorBoard(t *testing.T, run *runlog.Run) map[string]map[string][][2]float64 {
	t.Helper()
	python := filepath.FromSlash("../../.venv/bin/python")
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no .venv: run make setup (make test does)")
	}
	command := exec.CommandContext(t.Context(), python, "testdata/scalars.py", run.Dir())
	var stderr bytes.Buffer
	command.Stderr = &stderr
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var read map[string]map[string][][2]float64
	if err := json.Unmarshal(printed, &read); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return read
}

// expected returns what TensorBoard is to read of records: [step, value] by tag.
func expected(records []runlog.Record) map[string][][2]float64 {
	want := map[string][][2]float64{}
	add := func(tag string, r runlog.Record, v float64) {
		want[tag] = append(want[tag], [2]float64{float64(r.Step), float64(float32(v))})
	}
	for _, r := range records {
		if r.Kind == runlog.KindStep {
			add("train/loss", r, r.Loss)
			add("train/lr", r, r.LR)
			add("train/images_per_second", r, r.ImagesPerSecond)
		}
		for name, v := range r.Metrics {
			add("eval/"+name, r, v)
		}
	}
	return want
}

// TensorBoard itself reads a run that was killed in the middle of writing an event, and once more later, as if it had never stopped.
func TestTensorBoardReadsRuns(t *testing.T) {
	run := create(t)
	before := []runlog.Record{eval(0, 0.3), step(2, 5), step(4, 4), step(6, 3), eval(6, 0.5)}
	appendRecords(t, run, append(before, step(8, 99), step(10, 99))...)
	file := eventFiles(t, run)[0]
	whole := get(t, run, filepath.Base(file))
	put(t, run, filepath.Base(file), whole[:len(whole)-30])

	run = reopen(t, run, 6)
	between := []runlog.Record{step(8, 2.5), step(10, 2)}
	appendRecords(t, run, append(between, step(12, 77), eval(12, 0.77))...)

	run = reopen(t, run, 11)
	after := []runlog.Record{step(12, 1.5), eval(12, 0.625)}
	appendRecords(t, run, after...)

	want := expected(append(append(before, between...), after...))
	read := tensorBoard(t, run)
	for _, reader := range []string{"scalars", "tensors"} {
		if diff := cmp.Diff(want, read[reader]); diff != "" {
			t.Errorf("%s (-written +read):\n%s", reader, diff)
		}
	}
	records, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, expected(records)); diff != "" {
		t.Errorf("metrics.jsonl (-want +got):\n%s", diff)
	}
}
