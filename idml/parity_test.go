// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// The goals of the comparison with PyTorch on ResNet-50 at 224 pixels: relative L2 of feature maps and of each gradient, relative difference of each
// of 20 training steps' losses. bench/parity/parity.py makes the inputs and PyTorch's results; docs/parity.md shows what was measured.
const (
	parityFeatures  = 1e-5
	parityGradients = 1e-3
	parityLosses    = 1e-3
	parityBFloat16  = 5e-2
)

// parity is the folder that IDML_PARITY names, with the inputs of both sides.
type parity struct {
	dir    string
	inputs *weights.File
}

func openParity(t *testing.T) parity {
	t.Helper()
	p := parity{dir: os.Getenv("IDML_PARITY")}
	if p.dir == "" {
		t.Skip(`IDML_PARITY names no folder of bench/parity/parity.py: see "make parity"`)
	}
	p.inputs = p.read(t, "inputs")
	return p
}

func (p parity) read(t *testing.T, name string) *weights.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// write leaves a result for the table.
func (p parity) write(t *testing.T, name string, result any) {
	t.Helper()
	data, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, name+".json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p parity) setting(t *testing.T, name string) float64 {
	t.Helper()
	return float64(floats(t, p.inputs, "settings."+name)[0])
}

// images returns the pixels, uint8 [n, 224, 224, 3].
func (p parity) images(t *testing.T) *tensors.Tensor {
	t.Helper()
	pixels, ok := p.inputs.Tensor("images")
	if !ok || pixels.DType != "U8" {
		t.Fatal("inputs have no uint8 images")
	}
	return tensors.FromFlatDataAndDimensions(pixels.Data, pixels.Shape...)
}

// config is the released recipe of CUB-200-2011 where a step counts as an epoch.
func (p parity) config(t *testing.T, compute string) Config {
	t.Helper()
	c := DefaultConfig()
	c.Model.Compute = compute
	c.Metric.Form = Released
	c.WarmupEpochs = int(p.setting(t, "warmup_steps"))
	o := &c.Optimizer
	o.LearningRate, o.ProxyFactor, o.WeightDecay = p.setting(t, "lr"), p.setting(t, "proxy_factor"), p.setting(t, "weight_decay")
	o.Clip, o.DecayEvery, o.DecayFactor = p.setting(t, "clip"), int(p.setting(t, "decay_every")), p.setting(t, "decay_factor")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// model returns the network with the weights of the inputs.
func (p parity) model(t *testing.T, c Config) *Model {
	t.Helper()
	proxies := floats(t, p.inputs, "proxies")
	m, err := NewModel(c, len(proxies)/c.Model.EmbeddingSize)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range m.Params() {
		name := "weights." + a.Name
		if a.Name == ProxiesName {
			name = ProxiesName
		}
		if err := m.SetValues(a.Name, floats(t, p.inputs, name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// float64Params are the model's variables as float64.
type float64Params struct{ graphParams }

func (p float64Params) Value(name string) *Node {
	return ConvertDType(p.graphParams.Value(name), dtypes.Float64)
}

// network returns the feature maps and the gradients of Σ w·(mean over height and width) for all arrays of the backbone, computed in the type.
func (p parity) network(t *testing.T, m *Model, f *weights.File, dtype dtypes.DType) map[string][]float32 {
	t.Helper()
	var trained []string
	for _, a := range m.Params() {
		if a.Group == Backbone {
			trained = append(trained, a.Name)
		}
	}
	exec, err := model.NewExec(backendtest.Open(t), m.store, func(_ *model.Scope, in []*Node) []*Node {
		g := in[0].Graph()
		params := graphParams{m, g}
		var all resnet.Params = params
		if dtype == dtypes.Float64 {
			all = float64Params{params}
		}
		features := m.config.Model.Backbone.Features(all, ConvertDType(in[0], dtype), resnet.StoredStatistics)
		loss := ReduceAllSum(Mul(ReduceMean(features, 1, 2), ConvertDType(in[1], dtype)))
		var nodes []*Node
		for _, name := range trained {
			nodes = append(nodes, params.Value(name))
		}
		return append([]*Node{ConvertDType(features, dtypes.Float32)}, Gradient(loss, nodes...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(input(t, f, "images"), input(t, f, "w"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{"features": tensors.MustCopyFlatData[float32](out[0])}
	for i, name := range trained {
		values["gradients."+name] = tensors.MustCopyFlatData[float32](out[1+i])
	}
	return values
}

// parityRow is a row of the table: the largest relative L2 differences of the feature maps and of a gradient. Goal is 1 where the goals hold.
type parityRow struct {
	Statistics string  `json:"statistics"`
	Comparison string  `json:"comparison"`
	Features   float64 `json:"features"`
	Gradients  float64 `json:"gradients"`
	Goal       int     `json:"goal"`
}

func newParityRow(statistics, comparison string, goal bool, got, want map[string][]float32) parityRow {
	row := parityRow{Statistics: statistics, Comparison: comparison}
	if goal {
		row.Goal = 1
	}
	for name := range want {
		r := relative(got[name], want[name])
		if name == "features" {
			row.Features = r
		} else {
			row.Gradients = max(row.Gradients, r)
		}
	}
	return row
}

// TestParityNetwork compares feature maps and gradients with torchvision's, on torchvision's random weights with two kinds of statistics of batch
// normalization. The goals hold in float64 for both, and in float32 for the initial statistics. The calibrated ones make a random network amplify
// every rounding: there, ours must be as near to float64 as torchvision's own float32.
func TestParityNetwork(t *testing.T) {
	p := openParity(t)
	var rows []parityRow
	for _, statistics := range []string{"initial", "calibrated"} {
		f := p.read(t, "network-"+statistics)
		m := p.model(t, p.config(t, Float32))
		for _, a := range m.Params() {
			if a.Group == Statistics && statistics == "initial" {
				fresh := make([]float32, a.Shape[0])
				for i := range fresh {
					fresh[i] = float32(a.constant)
				}
				if err := m.SetValues(a.Name, fresh); err != nil {
					t.Fatal(err)
				}
			}
		}
		double, single := p.network(t, m, f, dtypes.Float64), p.network(t, m, f, dtypes.Float32)
		torchDouble, torchSingle := map[string][]float32{}, map[string][]float32{}
		for name := range double {
			torchDouble[name], torchSingle[name] = floats(t, f, "float64."+name), floats(t, f, "float32."+name)
		}
		rows = append(rows,
			newParityRow(statistics, "float64, ours and torchvision's", true, double, torchDouble),
			newParityRow(statistics, "float32, ours and torchvision's", statistics == "initial", single, torchSingle),
			newParityRow(statistics, "ours in float32 and float64", false, single, torchDouble),
			newParityRow(statistics, "torchvision's in float32 and float64", false, torchSingle, torchDouble))
		ours, theirs := rows[len(rows)-2], rows[len(rows)-1]
		if !(ours.Features <= 2*theirs.Features && ours.Gradients <= 2*theirs.Gradients) {
			t.Errorf("%s statistics: ours is further from float64 than torchvision's float32", statistics)
		}
	}
	for _, r := range rows {
		t.Logf("%s statistics, %s: features %.2g, gradients %.2g", r.Statistics, r.Comparison, r.Features, r.Gradients)
		if r.Goal == 1 && !(r.Features <= parityFeatures && r.Gradients <= parityGradients) {
			t.Errorf("%s statistics, %s: want at most %g and %g", r.Statistics, r.Comparison, parityFeatures, parityGradients)
		}
	}
	p.write(t, "network", rows)
}

// TestParityTraining compares the losses of the training steps, and writes ours.
func TestParityTraining(t *testing.T) {
	p := openParity(t)
	for _, test := range []struct {
		compute string
		goal    float64
	}{{Float32, parityLosses}, {BFloat16, parityBFloat16}} {
		t.Run(test.compute, func(t *testing.T) {
			want := floats(t, p.read(t, "losses-"+test.compute), "losses")
			losses, seconds := p.train(t, test.compute)
			worst := 0.0
			for step, loss := range losses {
				r := math.Abs(loss-float64(want[step])) / math.Abs(float64(want[step]))
				t.Logf("step %d: loss %.6f, PyTorch %.6f, relative difference %.2g, %.1f s", step, loss, want[step], r, seconds[step])
				if worst = max(worst, r); !(r <= test.goal) {
					t.Errorf("step %d: the losses differ by %.2g, want at most %g", step, r, test.goal)
				}
			}
			t.Logf("worst relative difference %.2g", worst)
			p.write(t, "losses-"+test.compute, map[string][]float64{"losses": losses, "seconds": seconds})
		})
	}
}

// train runs the steps from the inputs' weights, and returns their losses and how long each took, in seconds; the first of a kind also compiles.
func (p parity) train(t *testing.T, compute string) (losses, seconds []float64) {
	t.Helper()
	c := p.config(t, compute)
	trainer, err := NewTrainer(backendtest.Open(t), p.model(t, c))
	if err != nil {
		t.Fatal(err)
	}
	images, labels := p.images(t), input(t, p.inputs, "labels")
	permutations, lambdas := input(t, p.inputs, "permutations"), floats(t, p.inputs, "lambdas")
	if permutations.DType() != dtypes.Int32 {
		t.Fatalf("permutations are %s", permutations.DType())
	}
	flat, batch := tensors.MustCopyFlatData[int32](permutations), permutations.Shape().Dimensions[1]
	for step, lambda := range lambdas {
		start := time.Now()
		loss, err := trainer.Step(StepInput{
			Images: images, Labels: labels, Mix: Mix{Lambda: float64(lambda), Permutation: flat[step*batch : (step+1)*batch]},
			LearningRate: c.Optimizer.Rate(step), Warmup: step < c.WarmupEpochs,
		})
		if err != nil {
			t.Fatal(err)
		}
		losses, seconds = append(losses, loss), append(seconds, time.Since(start).Seconds())
	}
	return losses, seconds
}
