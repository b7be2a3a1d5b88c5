// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"introspection/idml"
	"introspection/idml/runlog"
)

// Where a run of a sweep stands.
const (
	RunWaiting  = "waiting"  // not begun
	RunTraining = "training" // being trained, by this program
	RunStopped  = "stopped"  // trained in part
	RunFinished = "finished" // trained to its last epoch and measured
	RunFailed   = "failed"   // ended by an error, in this program
	RunBusy     = "busy"     // being trained by another program
)

// A RunReport tells where a run of a sweep stands.
type RunReport struct {
	Name, State string
	// Results are what it came to, nil before it is measured.
	Results *runlog.Results
	// Err is why it failed.
	Err error
	// Log is the file with what the program said that trained it.
	Log string
}

// A Launch is what is needed to train a run of a sweep.
type Launch struct {
	Run PlannedRun
	// Dir is the run's folder. With Resume, it is a run that goes on; else there is none yet, and Settings is a file with its configuration.
	Dir, Settings string
	Resume        bool
	// Slot is a number below SweepOptions.Jobs that no other run has at the same time.
	Slot int
	// Log takes what the training says. A process that trains should have the file itself as its output: it is locked, and the lock lasts as long as the
	// process has it open, so that no other program trains the same run even if this one is killed.
	Log *os.File
}

// SweepOptions say how a sweep is run.
type SweepOptions struct {
	// Jobs is the number of runs at a time.
	Jobs int
	// Launch trains a run until it has ended, or, after ctx has, was stopped so that it can be resumed.
	Launch func(ctx context.Context, l Launch) error
	// Report is called, if it isn't nil, when a run begins and when it ends, never twice at once; k counts the runs of this call from 0.
	Report func(k int, r RunReport)
}

// sweep is a Sweep under way.
type sweep struct {
	dir string
	o   SweepOptions
	mu  sync.Mutex // guards o.Report
}

// Sweep trains those of the runs that have not ended, in their folders below dir: one that was begun goes on, another begins anew. A run that fails is noted in
// the folder "failed" and doesn't end the others; when Sweep is called again, it is tried again. When ctx ends, the runs under way are
// stopped and no other begins. The reports have the order of the runs.
func Sweep(ctx context.Context, dir string, runs []PlannedRun, o SweepOptions) []RunReport {
	s := &sweep{dir: dir, o: o}
	reports := make([]RunReport, len(runs))
	slots := make(chan int, o.Jobs)
	for slot := range o.Jobs {
		slots <- slot
	}
	var wait sync.WaitGroup
	for k, r := range runs {
		if reports[k] = ReportRun(dir, r); reports[k].State == RunFinished {
			continue
		}
		select {
		case <-ctx.Done():
			continue
		case slot := <-slots:
			wait.Go(func() {
				defer func() { slots <- slot }()
				if ctx.Err() == nil {
					reports[k] = s.train(ctx, k, r, slot)
				}
			})
		}
	}
	wait.Wait()
	return reports
}

// ReportRun tells where a run of the sweep in dir stands, as far as its folder shows. A folder with other settings than planned has failed.
func ReportRun(dir string, r PlannedRun) RunReport {
	report := RunReport{Name: r.Name, State: RunWaiting, Log: logPath(dir, r.Name)}
	failed := func(err error) RunReport {
		report.State, report.Err = RunFailed, err
		return report
	}
	run, err := runlog.Open(runPath(dir, r.Name))
	if errors.Is(err, runlog.ErrNotRun) {
		return report
	}
	if err != nil {
		return failed(err)
	}
	var cfg idml.Config
	if err := run.ReadConfig(&cfg); err != nil {
		return failed(err)
	}
	if difference := configDifference(cfg, r.Config); difference != "" {
		return failed(fmt.Errorf("%s is a run of other settings than planned: %s", run.Dir(), difference))
	}
	results, err := run.Results()
	if err != nil {
		return failed(err)
	}
	report.State, report.Results = RunStopped, &results
	if results.Status == runlog.StatusFinished {
		report.State = RunFinished
	}
	return report
}

func runPath(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

func logPath(dir, name string) string {
	return filepath.Join(dir, logFolder, filepath.FromSlash(name)+".txt")
}

func failurePath(dir, name string) string {
	return filepath.Join(dir, failureFolder, filepath.FromSlash(name)+".txt")
}

// train trains a run and reports on it.
func (s *sweep) train(ctx context.Context, k int, r PlannedRun, slot int) RunReport {
	report := RunReport{Name: r.Name, State: RunFailed, Log: logPath(s.dir, r.Name)}
	log, err := openLog(report.Log)
	switch {
	case errors.Is(err, errLocked):
		report.State = RunBusy
	case err != nil:
		report.Err = err
	default:
		defer log.Close()
		report = s.trainLocked(ctx, k, r, slot, log)
	}
	s.report(k, report)
	return report
}

func (s *sweep) report(k int, r RunReport) {
	if s.o.Report == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Report(k, r)
}

// trainLocked trains a run that is this program's alone.
func (s *sweep) trainLocked(ctx context.Context, k int, r PlannedRun, slot int, log *os.File) RunReport {
	before := ReportRun(s.dir, r)
	if before.State == RunFinished || before.State == RunFailed {
		return s.note(before)
	}
	l := Launch{Run: r, Dir: runPath(s.dir, r.Name), Resume: before.State == RunStopped, Slot: slot, Log: log}
	failed := func(err error) RunReport {
		after := before
		after.State, after.Err = RunFailed, err
		return s.note(after)
	}
	if !l.Resume {
		l.Settings = filepath.Join(s.dir, logFolder, filepath.FromSlash(r.Name)+".json")
		if err := prepare(l); err != nil {
			return failed(err)
		}
	}
	before.State = RunTraining
	s.report(k, before)
	err := s.o.Launch(ctx, l)
	after := ReportRun(s.dir, r)
	switch {
	case after.State == RunFinished || after.State == RunFailed:
		return s.note(after)
	case ctx.Err() != nil:
		return after
	case err == nil:
		err = errors.New("training ended before its last epoch")
	}
	return failed(err)
}

// prepare clears away what a program left that was killed before its folder was a run, and writes the run's settings.
func prepare(l Launch) error {
	if err := os.RemoveAll(l.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(l.Dir), 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(l.Run.Config, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.Settings, append(text, '\n'), 0o666)
}

// note writes why a run failed into the sweep's folder, or removes what stood there of a run that didn't.
func (s *sweep) note(r RunReport) RunReport {
	path := failurePath(s.dir, r.Name)
	if r.State != RunFailed {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.State, r.Err = RunFailed, err
		}
		return r
	}
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, fmt.Appendf(nil, "%s\n%v\n", time.Now().Format(time.RFC3339), r.Err), 0o666)
	}
	if err != nil {
		r.Err = fmt.Errorf("%w; it could not be noted: %w", r.Err, err)
	}
	return r
}

// Failure returns what the sweep in dir noted when the named run failed, "" if it didn't.
func Failure(dir, name string) string {
	text, err := os.ReadFile(failurePath(dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}
