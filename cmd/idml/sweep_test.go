// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml/runlog"
)

// TestMain lets this binary be the program itself, signals and all, where it is called as that is, with a command and not with options of a test: sweeps start it
// so for each run.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
	}
	os.Exit(m.Run())
}

// sweepArgs are the arguments of a sweep over small images.
func sweepArgs(images, out string, more ...string) []string {
	return append([]string{"sweep", "--data", images, "--out", out}, append(tiny(sets("data.batch_size=6", "epochs=2")...), more...)...)
}

// A sweep trains each combination as "idml train" alone would and notes what fails; a second one has nothing to do but that.
func TestSweep(t *testing.T) {
	images, dir := writeImages(t, 6, 6, 6, 4, 4, 4), t.TempDir()
	out := filepath.Join(dir, "sweep")
	t.Chdir(filepath.Dir(images)) // paths in options may be relative
	args := sweepArgs(filepath.Base(images), out, "--metric", "plain,released", "--jobs", "2", "--grid", "data.batch_size=6,600")
	stdout, stderr, status := program(t, args...)
	if status != exitError || !strings.Contains(stderr, "idml: 2 of 4 runs failed") || strings.Count(stderr, ": begins\n") != 4 {
		t.Fatalf("status %d, %s", status, stderr)
	}
	for _, text := range []string{
		"2 finished, 2 failed of 4 runs in ", "log: " + filepath.Join(out, "logs", "plain", "data.batch_size=600.txt"),
		"failed: released/data.batch_size=600: 18 training images make no batch of 600",
	} {
		if !strings.Contains(stdout, text) {
			t.Errorf("it doesn't print %q:\n%s", text, stdout)
		}
	}
	failure, err := os.ReadFile(filepath.Join(out, "failed", "plain", "data.batch_size=600.txt"))
	if err != nil || !strings.Contains(string(failure), "no batch of 600") {
		t.Errorf("the note of a failure: %q, %v", failure, err)
	}

	whole, run := filepath.Join(dir, "whole"), filepath.Join(out, "released", "data.batch_size=6")
	succeed(t, append([]string{"train", "--data", images, "--out", whole, "--metric", "released"}, tiny(sets("data.batch_size=6", "epochs=2")...)...)...)
	if diff := cmp.Diff(results(t, whole).Rows, results(t, run).Rows); diff != "" {
		t.Errorf("the run of the sweep (-alone +sweep):\n%s", diff)
	}

	before := snapshot(t, run)
	if _, stderr, status := program(t, "sweep", "--resume", out); status != exitError || strings.Count(stderr, ": begins\n") != 2 {
		t.Errorf("the second time: status %d, %s", status, stderr)
	}
	if diff := cmp.Diff(before, snapshot(t, run)); diff != "" {
		t.Errorf("a run that had finished changed:\n%s", diff)
	}
	fail(t, exitError, "in plain/data.batch_size=6, epochs is 2, not 3", append(args, "--set", "epochs=3")...)
	if list := succeed(t, append(args, "--dry-run", "--shard", "1/2")...); strings.Count(list, "\n") != 2 || strings.Count(list, "failed before") != 2 {
		t.Errorf("--dry-run of a share prints\n%s", list)
	}
	if share := succeed(t, "sweep", "--resume", out, "--shard", "0/2"); !strings.Contains(share, "2 finished of 2 runs, a share of 4, in 0s\n") {
		t.Errorf("a share that is done prints\n%s", share)
	}
	_, stderr, _ = program(t, "sweep", "--resume", out, "--shard", "1/2")
	if want := "go on with: idml sweep --resume " + out + " --shard 1/2\n"; !strings.HasSuffix(stderr, want) {
		t.Errorf("a share with failures prints %s, want %s at its end", stderr, want)
	}
	if share := succeed(t, "sweep", "--resume", out, "--shard", "4/5"); !strings.Contains(share, "none of the 4 runs") {
		t.Errorf("an empty share prints\n%s", share)
	}
	checkCompareSweep(t, out)
}

// --dry-run lists runs and what is left out, and makes nothing.
func TestSweepDryRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "sweep")
	list := succeed(t, "sweep", "--recipe", "glyphs", "--loss", "all", "--metric", "all", "--seeds", "0-2", "--out", out, "--dry-run")
	// Five losses in three forms and two with proxies in all five, three seeds each.
	if n := strings.Count(list, " waiting\n"); n != (5*3+2*5)*3 {
		t.Errorf("%d runs", n)
	}
	if n := strings.Count(list, " left out\n"); n != 5*2*3 || !strings.Contains(list, "left out, 3: metric.form is \"released\"") {
		t.Errorf("%d left out:\n%s", n, list)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder was made")
	}
}

// process starts the program, all of it, in a process of its own.
func process(t *testing.T, output *bytes.Buffer, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// await waits until a file has a text.
func await(t *testing.T, path, text string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(20 * time.Millisecond) {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), text) {
			return
		}
	}
	t.Fatalf("%s never has %q", path, text)
}

// Ctrl-C stops the run under way at a checkpoint, and the sweep goes on from there. A sweep that is killed leaves its run to itself, which no other touches;
// a run that is killed as well goes on from its checkpoint. In the end it is as if nothing had happened.
func TestSweepInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for half a minute")
	}
	images, dir := writeImages(t, 6, 6, 6, 4, 4, 4), t.TempDir()
	const epochs = "16"
	training := tiny(sets("data.batch_size=6", "mixing.method=none", "metric.form=plain", "epochs="+epochs)...)
	out := filepath.Join(dir, "sweep")
	sweep := append([]string{"sweep", "--data", images, "--out", out, "--seeds", "0-1"}, training...)
	first, second := filepath.Join(out, "seed-0"), filepath.Join(out, "seed-1")

	var output bytes.Buffer
	cmd := process(t, &output, sweep...)
	await(t, filepath.Join(out, "logs", "seed-0.txt"), "epoch 1 of "+epochs)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("interrupted: %v\n%s", err, &output)
	}
	if !strings.Contains(output.String(), "1 stopped, 1 waiting of 2 runs") || !strings.Contains(output.String(), "go on with: idml sweep --resume "+out+"\n") {
		t.Errorf("interrupted, it prints\n%s", &output)
	}
	if r := results(t, first); r.Status != runlog.StatusStopped || r.Epochs < 1 {
		t.Fatalf("the interrupted run: %+v", r)
	}

	output.Reset()
	cmd = process(t, &output, "sweep", "--resume", out)
	await(t, filepath.Join(out, "logs", "seed-1.txt"), "epoch 1 of "+epochs)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if text := output.String(); !strings.Contains(text, "1 of 2: seed-0: goes on\n") || !strings.Contains(text, "1 of 2: seed-0: finished") {
		t.Errorf("resumed, it prints\n%s", text)
	}
	trainer := trainerOf(t, second)
	if list := succeed(t, "sweep", "--resume", out, "--dry-run"); !strings.Contains(list, "seed-1  stopped") {
		t.Errorf("--dry-run prints\n%s", list)
	}
	if stdout, stderr, status := program(t, "sweep", "--resume", out); status != exitError || !strings.Contains(stdout, "1 finished, 1 busy of 2 runs") {
		t.Errorf("while the killed sweep's run goes on: status %d, %s%s", status, stdout, stderr)
	}
	if err := trainer.Kill(); err != nil {
		t.Fatal(err)
	}

	for ; ; time.Sleep(20 * time.Millisecond) { // until the killed process is gone
		if _, stderr, status := program(t, "sweep", "--resume", out); status == exitOK {
			break
		} else if !strings.Contains(stderr, "another program") {
			t.Fatal(stderr)
		}
	}
	alone := filepath.Join(dir, "alone")
	succeed(t, append([]string{"train", "--data", images, "--out", alone, "--set", "seed=1"}, training...)...)
	compareRuns(t, alone, second)
}

// trainerOf returns the process that trains in a folder.
func trainerOf(t *testing.T, dir string) *os.Process {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(data), os.Args[0]+"\x00train") || !strings.Contains(string(data), "\x00"+dir+"\x00") {
			continue
		}
		var pid int
		for _, digit := range filepath.Base(filepath.Dir(path)) {
			pid = 10*pid + int(digit-'0')
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(syscall.Signal(0)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Fatalf("no process trains in %s", dir)
	return nil
}

func TestSweepBadInput(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		status int
		text   string
		args   []string
	}{
		{exitUsage, "--out", []string{"--recipe", "glyphs"}},
		{exitUsage, "--recipe", []string{"--out", dir}},
		{exitUsage, "exclude", []string{"--out", dir, "--recipe", "glyphs", "--config", "x.json"}},
		{exitUsage, "--seeds", []string{"--out", dir, "--recipe", "glyphs", "--seeds", "2-0"}},
		{exitUsage, "--seeds", []string{"--out", dir, "--recipe", "glyphs", "--seeds", "0-99999999999"}},
		{exitUsage, "--seeds", []string{"--out", dir, "--recipe", "glyphs", "--seeds", "0,,1"}},
		{exitUsage, "--mixup", []string{"--out", dir, "--recipe", "glyphs", "--mixup", "maybe"}},
		{exitUsage, "--jobs", []string{"--out", dir, "--recipe", "glyphs", "--jobs", "-1"}},
		{exitUsage, "from 0 to N-1", []string{"--out", dir, "--recipe", "glyphs", "--shard", "4/4"}},
		{exitUsage, "from 0 to N-1", []string{"--out", dir, "--recipe", "glyphs", "--shard", "-1/4"}},
		{exitUsage, "from 0 to N-1", []string{"--out", dir, "--recipe", "glyphs", "--shard", "1"}},
		{exitUsage, "KEY=VALUE", []string{"--out", dir, "--recipe", "glyphs", "--grid", "epochs"}},
		{exitUsage, "name the values", []string{"--out", dir, "--recipe", "glyphs", "--grid", "epochs="}},
		{exitUsage, "--resume", []string{"--resume", dir, "--seeds", "0"}},
		{exitUsage, `"more"`, []string{"--out", dir, "--recipe", "glyphs", "more"}},
		{exitError, "epochs is 0", []string{"--out", dir, "--recipe", "glyphs", "--grid", "epochs=1,0"}},
		{exitError, "ablation", []string{"--out", dir, "--recipe", "glyphs", "--ablation", "--mixup", "true"}},
		{exitError, "fashion, folder, glyphs", []string{"--out", dir, "--recipe", "glyphs,birds"}},
		{exitError, "none.json", []string{"--out", dir, "--config", "none.json"}},
		{exitError, "sweep.json", []string{"--resume", dir}},
	} {
		fail(t, test.status, test.text, append([]string{"sweep"}, test.args...)...)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestSplitValues(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "a": {"a"}, "a,b": {"a", "b"}, "[1,1],[2,2]": {"[1,1]", "[2,2]"}, `"a,b",c`: {`"a,b"`, "c"}, "a,": {"a", ""}, `{"x":[1,2]},3`: {`{"x":[1,2]}`, "3"},
	} {
		if diff := cmp.Diff(want, splitValues(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{
		"": nil, "7": {7}, "0-2,9": {0, 1, 2, 9}, "3-3": {3}, "18446744073709551615": {1<<64 - 1},
	} {
		if got, err := parseSeeds(text); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

// Jobs with GPUs have one each, by turns.
func TestEnvironmentOf(t *testing.T) {
	for slot, want := range []string{"4", "7", "4"} {
		env := environmentOf(slot, []string{"4", "7"})
		if got := env[len(env)-1]; got != "CUDA_VISIBLE_DEVICES="+want {
			t.Errorf("slot %d: %s", slot, got)
		}
	}
	if diff := cmp.Diff(os.Environ(), environmentOf(1, nil)); diff != "" {
		t.Errorf("without GPUs:\n%s", diff)
	}
}

func TestLastError(t *testing.T) {
	log := bytes.NewReader([]byte("idml: of an earlier time\nepoch 1\nidml: first\nidml: second\n" + strings.Repeat("x", 1<<17) + "\nend"))
	if got := lastError(log, 26); got != "second" {
		t.Errorf("%q", got)
	}
	if got := lastError(log, 70); got != "" {
		t.Errorf("%q after the last", got)
	}
}

// checkCompareSweep compares the finished runs of TestSweep's.
func checkCompareSweep(t *testing.T, sweep string) {
	dir := t.TempDir()
	table, report := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.html")
	stdout, stderr, status := program(t, "compare", "--ablation", "--csv", table, "--report", report, "--bootstrap", "200", "--seed", "3", sweep)
	if status != exitOK || !regexp.MustCompile(`^warning: 2 of 4 runs of .* left out: idml sweep --resume .*\n$`).MatchString(stderr) {
		t.Fatalf("status %d, %s", status, stderr)
	}
	interval := `\[[+−]?\d\.\d{3}, [+−]?\d\.\d{3}\]`
	for _, pattern := range []string{
		`(?m)^proxy-anchor plain \+ mixup +1 +\d\.\d{3} +–  `,
		`(?m)^proxy-anchor released \+ mixup +proxy-anchor plain \+ mixup +1 paired +[+−]?\d\.\d{3} +– +` + interval + " +" + interval + "$",
		`on the same 12 queries of 3 classes; 95 % intervals \(bootstrap: 200 resamples\)`,
		`(?m)^loss at equal compute +0 +–`,
		`(?m)^\+ constant factor \(released\) +1 +\d`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("compare doesn't print %s:\n%s", pattern, stdout)
		}
	}
	if again := succeed(t, "compare", "--ablation", "--bootstrap", "200", "--seed", "3", sweep); again != stdout {
		t.Errorf("the second time it prints\n%s", again)
	}
	if data, err := os.ReadFile(table); err != nil || !strings.HasPrefix(string(data), "dataset,kind,setting,") {
		t.Errorf("CSV: %v, %.80q", err, data)
	}
	if data, err := os.ReadFile(report); err != nil || !strings.Contains(string(data), "<svg") || !strings.Contains(string(data), "</html>") {
		t.Errorf("report: %v, %.80q", err, data)
	}
	fail(t, exitError, "40", "compare", "--bootstrap", "10", filepath.Join(sweep, "plain", "data.batch_size=6"))
	if plan, err := experiment.ReadPlan(sweep); err != nil || len(plan.Runs) != 4 || len(plan.LeftOut) != 0 {
		t.Errorf("the plan: %+v, %v", plan, err)
	}
}
