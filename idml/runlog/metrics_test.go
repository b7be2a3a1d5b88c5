// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/runlog"
)

func TestRecordsRoundTrip(t *testing.T) {
	run := create(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want []runlog.Record
	for step := range 50 {
		r := runlog.Record{
			Kind: runlog.KindStep, Epoch: 1 + step/10, Step: step + 1, Loss: rng.NormFloat64(), LR: 1e-3 * rng.Float64(),
			ImagesPerSecond: 1000 * rng.Float64(), Seconds: float64(step) * 0.1,
		}
		if step%10 == 9 {
			r.Kind, r.Metrics = runlog.KindEval, map[string]float64{"recall@1": rng.Float64(), "nmi": rng.Float64()}
		}
		if err := run.AppendRecord(r); err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	got, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w := run.Warnings(); len(w) != 0 {
		t.Errorf("warnings %v", w)
	}
}

func TestRecordForm(t *testing.T) {
	run := create(t)
	records := []runlog.Record{
		{Kind: "step", Epoch: 1, Step: 2, Loss: math.NaN(), LR: 0.5, ImagesPerSecond: math.Inf(1), Seconds: 4},
		{Kind: "eval", Epoch: 1, Step: 2, Seconds: 5, Metrics: map[string]float64{"nmi": math.Inf(-1), "recall@1": 1e-9}},
	}
	for _, r := range records {
		if err := run.AppendRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"kind":"step","epoch":1,"step":2,"loss":"NaN","lr":0.5,"images_per_second":"Infinity","seconds":4}
{"kind":"eval","epoch":1,"step":2,"loss":0,"lr":0,"images_per_second":0,"seconds":5,"metrics":{"nmi":"-Infinity","recall@1":1e-9}}
`
	if diff := cmp.Diff(want, get(t, run, "metrics.jsonl")); diff != "" {
		t.Error(diff)
	}
	for line := range strings.Lines(want) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	got, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
}

func TestNullIsNaN(t *testing.T) {
	run := create(t)
	put(t, run, "metrics.jsonl", `{"kind":"step","loss":null,"metrics":{"f1":null}}`+"\n")
	got, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	want := []runlog.Record{{Kind: "step", Loss: math.NaN(), Metrics: map[string]float64{"f1": math.NaN()}}}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
}

func TestTornLastLine(t *testing.T) {
	const one, two = `{"kind":"step","epoch":1,"step":1}`, `{"kind":"step","epoch":1,"step":2}`
	tests := []struct {
		name, text string
		steps      []int
		warning    string
		afterwards []int // steps read after one more, step 9, was appended
	}{
		{"whole", one + "\n" + two + "\n", []int{1, 2}, "", []int{1, 2, 9}},
		{"torn", one + "\n" + two[:20], []int{1}, ":2: the last line is torn", []int{1, 9}},
		{"only the line break is missing", one + "\n" + two, []int{1, 2}, "", []int{1, 2, 9}},
		{"first line torn", one[:5], nil, ":1: the last line is torn", []int{9}},
		{"empty", "", nil, "", []int{9}},
		{"blank line", one + "\n\n" + two + "\n", []int{1, 2}, "", []int{1, 2, 9}},
	}
	steps := func(t *testing.T, run *runlog.Run) []int {
		records, err := run.Records()
		if err != nil {
			t.Fatal(err)
		}
		var out []int
		for _, r := range records {
			out = append(out, r.Step)
		}
		return out
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := create(t)
			put(t, run, "metrics.jsonl", tt.text)
			steps(t, run)
			if diff := cmp.Diff(tt.steps, steps(t, run)); diff != "" {
				t.Error(diff)
			}
			warnings := run.Warnings()
			if tt.warning == "" && len(warnings) != 0 {
				t.Errorf("warnings %v, want none", warnings)
			}
			if tt.warning != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Error(), tt.warning)) {
				t.Errorf("warnings %v, want one that says %q", warnings, tt.warning)
			}
			if err := run.AppendRecord(runlog.Record{Kind: "step", Epoch: 1, Step: 9}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.afterwards, steps(t, run)); diff != "" {
				t.Errorf("after appending: %s", diff)
			}
		})
	}
}

func TestBrokenLineIsNamed(t *testing.T) {
	for _, line := range []string{`{"kind":`, `{"loss":"low"}`, `[1]`, `{"step":1.5}`} {
		run := create(t)
		put(t, run, "metrics.jsonl", "{}\n\n"+line+"\n{}\n")
		_, err := run.Records()
		var format *runlog.FormatError
		if !errors.As(err, &format) || format.Line != 3 || format.File != run.Path("metrics.jsonl") {
			t.Errorf("%s: %v, want a FormatError of line 3", line, err)
		}
	}
}

func TestAppendFromManyGoroutines(t *testing.T) {
	run := create(t)
	var group sync.WaitGroup
	for step := range 40 {
		group.Go(func() {
			if err := run.AppendRecord(runlog.Record{Kind: "step", Step: step}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	records, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, r := range records {
		sum += r.Step
	}
	if len(records) != 40 || sum != 39*40/2 {
		t.Errorf("%d records whose steps sum to %d", len(records), sum)
	}
}

func TestAppendRecordError(t *testing.T) {
	run := create(t)
	missing, err := runlog.Create(run.Path("inner"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, run, "x", "")
	blocked := run.Path("inner/metrics.jsonl/x")
	if _, err := runlog.Create(blocked); err != nil { // makes a folder where the file should be
		t.Fatal(err)
	}
	if err := missing.AppendRecord(runlog.Record{}); err == nil || !strings.Contains(err.Error(), "metrics.jsonl") {
		t.Errorf("AppendRecord: %v, want an error that names the file", err)
	}
}

// FuzzRecords checks that whatever lies in metrics.jsonl, reading ends without
// a panic, and that a record appended after a successful reading is read back.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{"", "{}\n", `{"step":1}`, "{\"step\":1}\n{\"st", "null\n", "\n\n", "{\"loss\":\"NaN\"}\n", "1\n", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		run := create(t)
		put(t, run, "metrics.jsonl", text)
		before, err := run.Records()
		if err != nil {
			return
		}
		if err := run.AppendRecord(runlog.Record{Kind: "eval", Step: 7}); err != nil {
			t.Fatal(err)
		}
		after, err := run.Records()
		if err != nil || len(after) != len(before)+1 || after[len(before)].Step != 7 {
			t.Errorf("after appending to %q: %v, %v", text, after, err)
		}
	})
}
