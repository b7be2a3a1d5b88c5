// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/google/go-cmp/cmp"

	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
)

// needDevices skips a test where there are too few devices to run it, as on one GPU; the CPU has them.
func needDevices(t *testing.T, devices int) {
	t.Helper()
	if has := backendtest.Open(t).NumDevices(); has < devices {
		t.Skipf("the backend has %d devices, the test needs %d", has, devices)
	}
}

// stepsOn takes the steps of the first epoch on so many devices and returns their losses.
func stepsOn(t *testing.T, m *Model, data Data, devices int) (losses []float64) {
	t.Helper()
	trainer, err := NewSharedTrainer(backendtest.Open(t), m, devices)
	if err != nil {
		t.Fatal(err)
	}
	run := training{config: m.config, data: data, model: m, trainer: trainer}
	for batch, err := range data.Train(0, 0).Iter() {
		if err != nil {
			t.Fatal(err)
		}
		loss, err := run.step(batch)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
		run.result.State.Batch++
	}
	return losses
}

// What runs on one device and on several may differ by, relative to the loss and to a parameter's norm: float32 sums in another order, after some steps of AdamW, which
// divides gradients by their size. Measured: up to 5e-6 and 1.1e-5.
const (
	roundingOfLosses     = 2e-5
	roundingOfParameters = 1e-4
)

// compareTraining compares losses and all parameters of two trainings, but those of the named heads.
func compareTraining(t *testing.T, a, b *Model, lossesA, lossesB []float64, without string) {
	t.Helper()
	if len(lossesA) != len(lossesB) {
		t.Fatalf("%d and %d losses", len(lossesA), len(lossesB))
	}
	worst, worstParameter, worstName := 0.0, 0.0, ""
	for i, loss := range lossesA {
		difference := math.Abs(loss-lossesB[i]) / math.Abs(loss)
		if worst = max(worst, difference); !(difference <= roundingOfLosses) {
			t.Errorf("step %d: losses %v and %v", i+1, loss, lossesB[i])
		}
	}
	for _, p := range a.Params() {
		if without != "" && strings.HasPrefix(p.Name, without) {
			continue
		}
		difference := relativeDistance(t, a, b, p.Name)
		if difference > worstParameter {
			worstParameter, worstName = difference, p.Name
		}
		if !(difference <= roundingOfParameters) {
			t.Errorf("%s differs by %.2g of its norm", p.Name, difference)
		}
	}
	t.Logf("%d losses differ by up to %.2g, parameters by up to %.2g (%s)", len(lossesA), worst, worstParameter, worstName)
}

// relativeDistance returns ‖x−y‖/‖x‖ of an array of two models.
func relativeDistance(t *testing.T, a, b *Model, name string) float64 {
	t.Helper()
	x, err := a.Values(name)
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.Values(name)
	if err != nil {
		t.Fatal(err)
	}
	var difference, norm float64
	for i := range x {
		difference += math.Pow(float64(x[i])-float64(y[i]), 2)
		norm += math.Pow(float64(x[i]), 2)
	}
	if norm == 0 {
		norm = 1
	}
	return math.Sqrt(difference / norm)
}

// onDevices is a configuration that compiles fast: one epoch without warm-up of the form and the loss.
func onDevices(form Form, loss, norm string) Config {
	c := tinyConfig()
	c.Epochs, c.WarmupEpochs, c.Metric.Form, c.Model.BatchNorm = 1, 0, form, norm
	c.Model.Backbone.Block = resnet.Basic
	if err := c.UseLoss(loss); err != nil {
		panic(err)
	}
	return c
}

// Steps on several devices are those on one within rounding: losses with proxies, mined and sampled ones, statistics of the batch, and mixes see the whole batch, and
// a last batch that can't be divided is like any other.
func TestStepsOnSeveralDevices(t *testing.T) {
	unmixed := onDevices(Paper, "triplet", FrozenBatchNorm)
	unmixed.Mixing.Method = NoMixing
	classifier := tinyClassifier()
	classifier.WarmupEpochs = 0
	short := classifierData(classifier)
	short.Train = func(epoch, skip int) train.Dataset { // of 50 images, in batches of 20
		return gratings{classes: 5, perClass: 10, batch: 20, size: 8, skip: skip}
	}
	tests := []struct {
		name    string
		config  Config
		devices int
		// In released, the uncertainty head's gradient is rounding noise: see ARCHITECTURE.md, Findings.
		without string
	}{
		{"released", onDevices(Released, "proxy-anchor", FrozenBatchNorm), 2, "uncertainty."},
		{"statistics of the batch", onDevices(Paper, "proxy-anchor", TrainedBatchNorm), 4, ""},
		{"mined", unmixed, 4, ""},
		{"sampled", onDevices(Paper, "margin", FrozenBatchNorm), 2, ""},
		{"classification", classifier, 4, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			needDevices(t, test.devices)
			if err := test.config.Validate(); err != nil {
				t.Fatal(err)
			}
			data := smallData(test.config)
			if test.config.Task == Classification {
				data = short
			}
			one, several := newModel(t, test.config), newModel(t, test.config)
			compareTraining(t, one, several, stepsOn(t, one, data, 1), stepsOn(t, several, data, test.devices), test.without)
		})
	}
}

// Each device gets its own part of what there is for each image, and all of the rest.
func TestSpread(t *testing.T) {
	mesh, err := distributed.NewDeviceMesh([]int{2}, []string{"batch"})
	if err != nil {
		t.Fatal(err)
	}
	divided, err := distributed.BuildSpec(mesh).S("batch").Done()
	if err != nil {
		t.Fatal(err)
	}
	args := []any{tensors.FromValue([][]uint8{{1}, {2}, {3}, {4}}), float32(5), tensors.FromValue([]int32{6, 7, 8, 9})}
	for _, test := range []struct {
		spec *distributed.ShardingSpec
		want []any
	}{
		{divided, []any{[][]uint8{{1}, {2}}, float32(5), []int32{6, 7}, [][]uint8{{3}, {4}}, float32(5), []int32{8, 9}}},
		{distributed.NewReplicatedShardingSpec(mesh), []any{
			[][]uint8{{1}, {2}, {3}, {4}}, float32(5), []int32{6, 7, 8, 9}, [][]uint8{{1}, {2}, {3}, {4}}, float32(5), []int32{6, 7, 8, 9},
		}},
	} {
		all, parts, err := spread(args, test.spec)
		if err != nil || len(parts) != 2 {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		for i, a := range all {
			if x, ok := a.(*tensors.Tensor); ok {
				all[i] = x.Value()
			}
		}
		if diff := cmp.Diff(test.want, all); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.spec, diff)
		}
	}
}

// A run that goes from two devices to four in one process, and from its checkpoint to one, ends as that on one. Checkpoints are written beside the training, and images are embedded on
// one device, while the variables are on several.
func TestRunsMoveBetweenDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles eight programs")
	}
	needDevices(t, 4)
	c := onDevices(Paper, "proxy-anchor", TrainedBatchNorm)
	c.Epochs, c.CheckpointMinutes = 2, 0
	unbroken := newModel(t, c)
	want, _ := trainSome(t, unbroken, State{}, c, 0)
	run, err := runlog.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	part := func(m *Model, state State, devices, steps int) State {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		result, err := Train(ctx, backendtest.Open(t), m, state, smallData(c), TrainOptions{Devices: devices, Run: run, Progress: func(p Progress) {
			if p.Metrics == nil {
				losses = append(losses, p.Loss)
			}
			if len(losses) == steps {
				cancel()
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return result.State
	}
	m := newModel(t, c)
	state := part(m, State{}, 2, 4)
	state = part(m, state, 4, 8)
	loaded, saved, err := loadRun(run, c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(state, saved); diff != "" {
		t.Errorf("state (-run +checkpoint):\n%s", diff)
	}
	if diff := cmp.Diff(embedOn(t, m), embedOn(t, loaded)); diff != "" {
		t.Errorf("embeddings (-on four devices +from the checkpoint):\n%s", diff)
	}
	part(loaded, saved, 1, -1)
	compareTraining(t, unbroken, loaded, want, losses, "")
}

// loadRun loads the newest checkpoint of a run.
func loadRun(run *runlog.Run, c Config) (*Model, State, error) {
	f, err := os.Open(run.Path(runlog.ModelFile))
	if err != nil {
		return nil, State{}, err
	}
	defer f.Close()
	return Load(f, c)
}

// embedOn embeds the evaluation's images.
func embedOn(t *testing.T, m *Model) *Embedded {
	t.Helper()
	e, err := NewEmbedder(backendtest.Open(t), m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Embed(t.Context(), smallData(m.config).Evaluation)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// counted is a backend that says that it has so many devices.
type counted struct {
	compute.Backend
	devices int
}

func (b counted) NumDevices() int { return b.devices }

func TestCheckDevices(t *testing.T) {
	tests := []struct {
		devices, batch, perClass int
		want                     string // "" for no fault
	}{
		{1, 7, 0, ""},
		{4, 12, 3, ""},
		{8, 16, 0, ""},
		{0, 16, 0, "want at least 1"},
		{-2, 16, 0, "-2 devices"},
		{9, 18, 0, "has 8: use at most 8"},
		{4, 30, 0, "data.batch_size is 30, which 4 devices can't share evenly: make it 28 or 32, or train on 3"},
		{4, 30, 5, "make it 20 or 40, or train on 3"},
		{8, 6, 0, "make it 8, or train on 6"},
		{3, 7, 0, "make it 6 or 9, or train on 1"},
	}
	for _, test := range tests {
		c := tinyConfig()
		c.Data.BatchSize, c.Data.ImagesPerClass = test.batch, test.perClass
		err := c.CheckDevices(counted{backendtest.Open(t), 8}, test.devices)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d devices, batches of %d (%d a class): %v, want %q", test.devices, test.batch, test.perClass, err, test.want)
		}
	}
	if _, err := NewSharedTrainer(counted{backendtest.Open(t), 2}, newModel(t, tinyConfig()), 4); err == nil || !strings.Contains(err.Error(), "use at most 2") {
		t.Errorf("a trainer on more devices than there are: %v", err)
	}
}
