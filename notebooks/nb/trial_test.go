// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// TestTrainOrResume goes on with a run that was stopped, and whose images have moved, leaves it when it is finished, and refuses other settings. It also holds the
// learning rates of the schedule against those that the run took.
func TestTrainOrResume(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	p := sampleTrees(t)
	backend := backendtest.Open(t)
	c := tinyConfig()
	c.Data.Folder, c.Epochs, c.EvaluateEvery, c.WarmupEpochs, c.Optimizer.DecayEvery = p.Folder, 3, 3, 1, 2
	c.Model.BatchNorm = idml.TrainedBatchNorm
	ctx, stop := context.WithCancel(t.Context())
	stopped := Must(experiment.Train(ctx, backend, c, "run", experiment.Options{Progress: func(p idml.Progress) {
		if p.Step == 8 {
			stop()
		}
	}}))
	if stopped.Status != runlog.StatusStopped || stopped.Steps != 8 {
		t.Fatalf("%s after step %d, want stopped after 8", stopped.Status, stopped.Steps)
	}
	c.Data.Folder = "elsewhere"
	Check(os.Rename(p.Folder, c.Data.Folder))
	finished, err := TrainOrResume(backend, c, "run")
	if err != nil {
		t.Fatal(err)
	}
	if finished.Status != runlog.StatusFinished || finished.Steps != 18 {
		t.Errorf("%s after step %d, want finished after 18", finished.Status, finished.Steps)
	}
	again, err := TrainOrResume(backend, c, "run")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(finished, again); diff != "" {
		t.Errorf("the finished run changed (-then +now):\n%s", diff)
	}
	checkRates(t, c, "run")
	c.Seed, c.Optimizer.LearningRate = 1, 1e-3
	if _, err := TrainOrResume(backend, c, "run"); err == nil || !strings.Contains(err.Error(), "other settings (optimizer.lr, seed)") {
		t.Errorf("other settings: error %v", err)
	}
	c.Data.Folder = "nowhere"
	if _, err := TrainOrResume(backend, c, "other"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no images: error %v", err)
	}
}

// checkRates compares the rates of a schedule with those that a run recorded.
func checkRates(t *testing.T, c idml.Config, dir string) {
	t.Helper()
	steps := 0
	for _, r := range Must(Must(runlog.Open(dir)).Records()) {
		if r.Kind != runlog.KindStep {
			continue
		}
		steps++
		if want := rates(c)[r.Epoch-1]; math.Abs(r.LR-want) > 1e-15 {
			t.Errorf("epoch %d was trained at the rate %g, the schedule says %g", r.Epoch, r.LR, want)
		}
	}
	if steps != 18 || rates(c)[0] == rates(c)[2] {
		t.Errorf("%d steps recorded, rates %v", steps, rates(c))
	}
	if err := SameLosses("a", dir, "b", dir); err != nil {
		t.Error(err)
	}
	if losses := Must(Losses(dir)); len(losses) != 18 {
		t.Errorf("%d losses", len(losses))
	}
	if err := SameWeights(dir, dir); err != nil {
		t.Error(err)
	}
	if SameLosses("a", dir, "b", "nowhere") == nil || SameWeights(dir, "nowhere") == nil {
		t.Error("a comparison with a run that there is not")
	}
}

func TestLossTable(t *testing.T) {
	heads, rows, equal := lossTable("a", map[int]float64{1: 2, 2: 3, 3: 1}, "b", map[int]float64{1: 2, 2: 3 + 1e-15, 4: 1})
	want := [][]string{{"step 1", "2.000000", "2.000000"}, {"step 2", "3.000000", "3.000000"}, {"step 3", "1.000000", "–"}, {"step 4", "–", "1.000000"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"", "a", "b"}, heads); diff != "" || equal != 1 {
		t.Errorf("%d equal to the last bit; %s", equal, diff)
	}
}

func TestSameTensors(t *testing.T) {
	file := func(tensors ...weights.Tensor) *weights.File { return &weights.File{Tensors: tensors} }
	a := weights.FromFloat32("a", []int{2}, []float32{1, 2})
	b := weights.FromFloat32("b", []int{1}, []float32{0})
	tests := []struct {
		name         string
		one, other   *weights.File
		equal, among int
	}{
		{"in another order", file(a, b), file(b, a), 2, 2},
		{"another value", file(a, b), file(a, weights.FromFloat32("b", []int{1}, []float32{1e-30})), 1, 2},
		{"another shape", file(a), file(weights.FromFloat32("a", []int{2, 1}, []float32{1, 2})), 0, 1},
		{"one missing", file(a, b), file(a), 1, 2},
		{"one more", file(a), file(a, b), 1, 2},
	}
	for _, test := range tests {
		if equal, all := sameTensors(test.one, test.other); equal != test.equal || all != test.among {
			t.Errorf("%s: %d of %d, want %d of %d", test.name, equal, all, test.equal, test.among)
		}
	}
}
