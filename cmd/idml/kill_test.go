// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/internal/sampletree"
)

// start starts the program in a process of its own, in its own words TestProgram.
func start(t *testing.T, output *bytes.Buffer, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProgram$")
	cmd.Env = append(os.Environ(), "IDML_TEST_PROGRAM="+strings.Join(args, "\x1f"))
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// isRun tells whether dir is a run that can be resumed.
func isRun(dir string) bool {
	_, err := runlog.Open(dir)
	return err == nil
}

// killedRuns are the runs that are killed, by the dataset whose layout they are on. That of CIFAR-10 is a classification, with CutMix, changed colors
// and a short last batch.
var killedRuns = []struct {
	data, recipe string
	settings     []string
}{
	{"cub", "cub", []string{"model.weights=", "warmup_epochs=0", "data.batch_size=4"}},
	{"cars", "cars", []string{"model.weights=", "warmup_epochs=0", "data.batch_size=4"}},
	{"sop", "sop", []string{"model.weights=", "warmup_epochs=0", "data.batch_size=4"}},
	{"cifar10", "cifar10-idml-cutmix", []string{"model.backbone.widening=8", "data.color_jitter=0.3", "data.lighting=0.1", "data.batch_size=20", "optimizer.decay_at=[1]"}},
}

// A run on each of the layouts is killed (SIGKILL), at random moments and while a checkpoint is being written, and resumed, until it
// has ended: its weights, its best ones and its losses are those of the unbroken run, bit for bit. IDML_KILLS sets the number of kills.
func TestKilledRunsEndAsUnbrokenOnes(t *testing.T) {
	kills := len(killedRuns)
	if text := os.Getenv("IDML_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("IDML_KILLS=%s: want a number", text)
		}
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("%d kills, seed %d", kills, seed)
	data := t.TempDir()
	for i, run := range killedRuns {
		if err := sampletree.Write(data, run.data, sampletree.DefaultOptions()); err != nil {
			t.Fatal(err)
		}
		share := kills / len(killedRuns)
		if i < kills%len(killedRuns) {
			share++
		}
		settings := append([]string{"epochs=2", "checkpoint_minutes=0"}, run.settings...)
		args := func(out string) []string {
			return append([]string{"train", "--recipe", run.recipe, "--data", data, "--out", out}, tiny(sets(settings...)...)...)
		}
		t.Run(run.data, func(t *testing.T) { killAndCompare(t, rng, args, share, i) })
	}
}

func killAndCompare(t *testing.T, rng *rand.Rand, args func(out string) []string, kills, odd int) {
	t.Helper()
	unbroken, broken := filepath.Join(t.TempDir(), "unbroken"), filepath.Join(t.TempDir(), "broken")
	var output bytes.Buffer
	begun := time.Now()
	if err := start(t, &output, args(unbroken)...).Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	whole := time.Since(begun)

	hits, inWrite := 0, 0
	for attempt := range 10*kills + 1 {
		command := args(broken)
		if isRun(broken) {
			command = []string{"train", "--resume", broken}
		} else if err := os.RemoveAll(broken); err != nil { // as the program says of a folder that isn't a run yet
			t.Fatal(err)
		}
		output.Reset()
		cmd := start(t, &output, command...)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		writing := 0
		switch {
		case hits == kills:
		case (attempt+odd)%2 == 1: // while a checkpoint is being written, a random one of the next
			writing = awaitWrite(broken, 1+rng.IntN(10), done)
			_ = cmd.Process.Kill() // it may have ended
		default:
			select {
			case <-time.After(time.Duration(rng.Int64N(int64(whole)))):
				_ = cmd.Process.Kill()
			case err := <-done:
				done <- err
			}
		}
		err := <-done
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			hits, inWrite = hits+1, inWrite+writing
		} else if err != nil {
			t.Fatalf("%v\n%s", err, &output)
		}
		if results, err := readResults(broken); err != nil || results.Status != runlog.StatusFinished {
			continue
		}
		compareRuns(t, unbroken, broken)
		if hits == kills {
			break
		}
		if err := os.RemoveAll(broken); err != nil { // and once more
			t.Fatal(err)
		}
	}
	t.Logf("an unbroken run takes %v; %d of %d kills hit a write", whole.Round(time.Millisecond), inWrite, hits)
	if hits < kills {
		t.Errorf("%d kills, want %d", hits, kills)
	}
}

// awaitWrite waits until the nth temporary file of a checkpoint is seen in the folder, and returns 1, or 0 if the process ended before.
func awaitWrite(dir string, n int, done chan error) int {
	last := ""
	for {
		select {
		case err := <-done:
			done <- err
			return 0
		default:
		}
		time.Sleep(200 * time.Microsecond)
		found, _ := filepath.Glob(filepath.Join(dir, ".model-next.safetensors.tmp-*"))
		if len(found) > 0 && found[0] != last {
			last = found[0]
			if n--; n == 0 {
				return 1
			}
		}
	}
}

func readResults(dir string) (runlog.Results, error) {
	run, err := runlog.Open(dir)
	if err != nil {
		return runlog.Results{}, err
	}
	return run.Results()
}

// compareRuns compares what two runs have come to: all but times must be the same.
func compareRuns(t *testing.T, unbroken, broken string) {
	t.Helper()
	for _, name := range []string{runlog.ModelFile, runlog.BestFile} {
		want, got := arraysOf(t, filepath.Join(unbroken, name)), arraysOf(t, filepath.Join(broken, name))
		if len(want) == 0 || len(want) != len(got) {
			t.Errorf("%s has %d arrays, want %d", name, len(got), len(want))
		}
		for i := range want {
			if want[i].Name != got[i].Name || !bytes.Equal(want[i].Data, got[i].Data) {
				t.Errorf("%s: %s differs", name, want[i].Name)
			}
		}
	}
	records := func(dir string) []runlog.Record {
		run, err := runlog.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := run.Records()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if diff := cmp.Diff(records(unbroken), records(broken), cmpopts.IgnoreFields(runlog.Record{}, "Seconds", "ImagesPerSecond")); diff != "" {
		t.Errorf("records (-unbroken +broken):\n%s", diff)
	}
	want, err := readResults(unbroken)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readResults(broken)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(runlog.Results{}, "Seconds")); diff != "" {
		t.Errorf("results (-unbroken +broken):\n%s", diff)
	}
	leftovers, err := filepath.Glob(filepath.Join(broken, ".*tmp*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %v, %v", leftovers, err)
	}
}

func arraysOf(t *testing.T, path string) []weights.Tensor {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := weights.ReadSafetensors(f)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", path, err))
	}
	slices.SortFunc(file.Tensors, func(a, b weights.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return file.Tensors
}
