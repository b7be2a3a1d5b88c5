// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
)

// A trainer stands for the program that trains a run: it writes what that leaves behind. fail and stop name runs that fail or end early.
type trainer struct {
	fail, stop string

	mu          sync.Mutex
	begun       []string
	slots       map[int]bool
	most, beats int
}

func (tr *trainer) launch(_ context.Context, l experiment.Launch) error {
	tr.mu.Lock()
	how := "new "
	if l.Resume {
		how = "resumed "
	}
	tr.begun = append(tr.begun, how+l.Run.Name)
	if tr.slots == nil {
		tr.slots = map[int]bool{}
	}
	if tr.slots[l.Slot] {
		tr.beats++
	}
	tr.slots[l.Slot] = true
	tr.most = max(tr.most, len(tr.slots))
	tr.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	defer func() {
		tr.mu.Lock()
		delete(tr.slots, l.Slot)
		tr.mu.Unlock()
	}()
	fmt.Fprintln(l.Log, "training", l.Run.Name)
	if l.Run.Name == tr.fail {
		return errors.New("the disk is full")
	}
	status := runlog.StatusFinished
	if l.Run.Name == tr.stop {
		status = runlog.StatusStopped
	}
	return write(l, status)
}

// write makes the folder of a run, or goes on in it.
func write(l experiment.Launch, status string) error {
	run, err := runlog.Open(l.Dir)
	if !l.Resume {
		if run, err = runlog.Create(l.Dir); err != nil {
			return err
		}
		text, err := os.ReadFile(l.Settings)
		if err != nil {
			return err
		}
		var cfg idml.Config
		if err := json.Unmarshal(text, &cfg); err != nil {
			return err
		}
		if err := run.WriteConfig(cfg); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return run.WriteResults(runlog.Results{Status: status})
}

// states lists where runs stand.
func states(reports []experiment.RunReport) (list []string) {
	for _, r := range reports {
		list = append(list, r.Name+" "+r.State)
	}
	return list
}

func sweepOptions(tr *trainer, jobs int) experiment.SweepOptions {
	return experiment.SweepOptions{Jobs: jobs, Launch: tr.launch}
}

func TestSweepRunsAtATime(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		dir, plan := t.TempDir(), planOf(t, func(g *experiment.Grid) { g.Seeds = []uint64{0, 1, 2, 3, 4} })
		tr := new(trainer)
		o := sweepOptions(tr, jobs)
		var told []string
		o.Report = func(k int, r experiment.RunReport) {
			told = append(told, fmt.Sprint(k, " ", r.State))
			if plan.Runs[k].Name != r.Name {
				t.Errorf("run %d is %s", k, r.Name)
			}
		}
		for _, r := range experiment.Sweep(t.Context(), dir, plan.Runs, o) {
			if r.State != experiment.RunFinished || r.Results == nil || r.Err != nil {
				t.Errorf("%+v", r)
			}
		}
		if tr.most != jobs || tr.beats > 0 || len(tr.begun) != 10 || len(told) != 20 {
			t.Errorf("%d at once with %d jobs, %d times two in one place; %v; told %v", tr.most, jobs, tr.beats, tr.begun, told)
		}
		again := new(trainer)
		experiment.Sweep(t.Context(), dir, plan.Runs, sweepOptions(again, jobs))
		if len(again.begun) > 0 {
			t.Errorf("trained again: %v", again.begun)
		}
	}
}

// A run that fails is noted and doesn't end the others; it is tried again the next time, and then the note is gone.
func TestSweepFailures(t *testing.T) {
	dir, plan := t.TempDir(), planOf(t, func(g *experiment.Grid) { g.Seeds = []uint64{0, 1} })
	reports := experiment.Sweep(t.Context(), dir, plan.Runs, sweepOptions(&trainer{fail: "paper/seed-0", stop: "plain/seed-1"}, 1))
	want := []string{"plain/seed-0 finished", "paper/seed-0 failed", "plain/seed-1 failed", "paper/seed-1 finished"}
	if diff := cmp.Diff(want, states(reports)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if reports[1].Err == nil || !strings.Contains(experiment.Failure(dir, "paper/seed-0"), "the disk is full") {
		t.Errorf("%v; noted %q", reports[1].Err, experiment.Failure(dir, "paper/seed-0"))
	}
	if !strings.Contains(experiment.Failure(dir, "plain/seed-1"), "before its last epoch") || experiment.Failure(dir, "plain/seed-0") != "" {
		t.Errorf("noted %q of the one that ended early, %q of one that finished", experiment.Failure(dir, "plain/seed-1"), experiment.Failure(dir, "plain/seed-0"))
	}
	if log, err := os.ReadFile(reports[1].Log); err != nil || string(log) != "training paper/seed-0\n" {
		t.Errorf("log: %q, %v", log, err)
	}

	tr := new(trainer)
	reports = experiment.Sweep(t.Context(), dir, plan.Runs, sweepOptions(tr, 1))
	if diff := cmp.Diff([]string{"new paper/seed-0", "resumed plain/seed-1"}, tr.begun); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	for _, r := range reports {
		if r.State != experiment.RunFinished || experiment.Failure(dir, r.Name) != "" {
			t.Errorf("%+v, noted %q", r, experiment.Failure(dir, r.Name))
		}
	}
}

// When the context ends, the run under way is stopped, no other begins, and nothing has failed.
func TestSweepStopped(t *testing.T) {
	dir, plan := t.TempDir(), planOf(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	tr := &trainer{stop: plan.Runs[1].Name}
	o := sweepOptions(tr, 1)
	o.Report = func(k int, r experiment.RunReport) {
		if k == 1 {
			cancel()
		}
	}
	reports := experiment.Sweep(ctx, dir, plan.Runs, o)
	want := []string{"finished", "stopped", "waiting", "waiting"}
	for i, r := range reports {
		if r.State != want[i] || r.Err != nil {
			t.Errorf("%s is %s (%v), want %s", r.Name, r.State, r.Err, want[i])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "failed")); err == nil {
		t.Error("a failure is noted")
	}
}

// What a killed program left before its folder was a run is cleared away; a run of other settings is not touched; a run that another program trains
// is left to that.
func TestSweepFoldersOfAllKinds(t *testing.T) {
	dir, plan := t.TempDir(), planOf(t, func(g *experiment.Grid) { g.Seeds = []uint64{0, 1} })
	leftover := filepath.Join(dir, filepath.FromSlash(plan.Runs[0].Name), runlog.ResultsFile)
	writeFile(t, leftover, []byte("{"))
	foreign, err := runlog.Create(filepath.Join(dir, filepath.FromSlash(plan.Runs[1].Name)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := plan.Runs[1].Config
	cfg.Epochs++
	if err := foreign.WriteConfig(cfg); err != nil {
		t.Fatal(err)
	}
	var inner []string
	o := experiment.SweepOptions{Jobs: 1, Launch: func(ctx context.Context, l experiment.Launch) error {
		if l.Run.Name == plan.Runs[2].Name { // another sweep, while this one trains the run
			inner = states(experiment.Sweep(ctx, dir, plan.Runs[2:3], sweepOptions(new(trainer), 1)))
		}
		return write(l, runlog.StatusFinished)
	}}
	reports := experiment.Sweep(t.Context(), dir, plan.Runs, o)
	want := []string{plan.Runs[0].Name + " finished", plan.Runs[1].Name + " failed", plan.Runs[2].Name + " finished", plan.Runs[3].Name + " finished"}
	if diff := cmp.Diff(want, states(reports)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := fmt.Sprint(reports[1].Err); !strings.Contains(text, "epochs is 21, not 20") {
		t.Errorf("the run of other settings: %s", text)
	}
	if diff := cmp.Diff([]string{plan.Runs[2].Name + " busy"}, inner); diff != "" {
		t.Errorf("the other sweep (-want +got):\n%s", diff)
	}
}
