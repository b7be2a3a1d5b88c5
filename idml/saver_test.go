// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// load reads a checkpoint of a run.
func load(t *testing.T, run *runlog.Run, name string, c Config) (*Model, State) {
	t.Helper()
	f, err := os.Open(run.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, s, err := Load(f, c)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m, s
}

// With 0 minutes between checkpoints, each step leaves one, and the one before: training goes on from that, bit for bit.
func TestCheckpointsWithinAnEpoch(t *testing.T) {
	c := tinyConfig()
	c.CheckpointMinutes = 0
	unbroken := newModel(t, c)
	losses, _ := trainSome(t, unbroken, State{}, c, 0)

	run, err := runlog.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = Train(ctx, backendtest.Open(t), newModel(t, c), State{}, smallData(c), TrainOptions{Run: run, Progress: func(p Progress) {
		if p.Step == 9 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]int{runlog.ModelFile: 9, runlog.PreviousModelFile: 8, runlog.BestFile: 6} {
		m, state := load(t, run, name, c)
		if state.Step != step {
			t.Errorf("%s is of step %d, want %d", name, state.Step, step)
		}
		if name != runlog.PreviousModelFile {
			continue // from the newest, other tests go on
		}
		rest, result := trainSome(t, m, state, c, 0)
		if diff := cmp.Diff(losses[step:], rest); diff != "" || result.State.Epoch != c.Epochs {
			t.Errorf("from %s: losses (-unbroken +resumed):\n%s", name, diff)
		}
		for _, p := range unbroken.Params() {
			want, _ := unbroken.Values(p.Name)
			if got, err := m.Values(p.Name); err != nil || !slices.Equal(got, want) {
				t.Errorf("from %s: %s ends with other values (%v)", name, p.Name, err)
			}
		}
	}
}

// The best file is the model of the best epoch.
func TestBestCheckpoint(t *testing.T) {
	c := tinyConfig()
	c.Epochs = 5
	run, err := runlog.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	result, err := Train(context.Background(), backendtest.Open(t), newModel(t, c), State{}, smallData(c), TrainOptions{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	_, state := load(t, run, runlog.BestFile, c)
	if diff := cmp.Diff(result.State.Best, state.Best); diff != "" || state.Epoch != state.Best.Epoch {
		t.Errorf("the best file is of epoch %d; its best evaluation (-result +file):\n%s", state.Epoch, diff)
	}
}

// A checkpoint that can't be written is an error that names the file, told once, and the one before loads. (The program's tests fill a real disk.)
func TestSaverTellsWhatFailed(t *testing.T) {
	c := tinyConfig()
	dir := t.TempDir()
	run, err := runlog.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t, c)
	s := saver{run: run}
	if err := errors.Join(s.save(m, State{}, true), s.wait()); err != nil {
		t.Fatal(err)
	}
	// A folder in the place of the file can't be written over.
	blocked := run.Path("model-next.safetensors")
	if err := os.MkdirAll(blocked+"/x", 0o777); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.save(m, State{Step: 1}, false), s.wait())
	if err == nil || !strings.Contains(err.Error(), blocked) {
		t.Errorf("%v, want an error that names %s", err, blocked)
	}
	if err := s.wait(); err != nil {
		t.Errorf("the same error twice: %v", err)
	}
	if _, state := load(t, run, runlog.ModelFile, c); state.Step != 0 {
		t.Errorf("the checkpoint is of step %d, want that before the fault", state.Step)
	}
}

// A step waits for the copy of ResNet-50 with its optimizer, 94 million values, and not for the disk:
//
//	go test ./idml -run none -bench Snapshot
func BenchmarkSnapshot(b *testing.B) {
	cfg := DefaultConfig()
	backbone, err := resnet.Named("resnet50")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Model.Backbone = backbone
	m, err := NewModel(cfg, 100)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := NewTrainer(backendtest.Open(b), m); err != nil {
		b.Fatal(err)
	}
	var c snapshot
	for b.Loop() {
		if err := c.take(m, State{Step: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
