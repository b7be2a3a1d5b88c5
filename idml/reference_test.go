// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// Tolerances against the float64 reference: see testdata/reference/README.md.
const (
	tensorTolerance = 1e-4 // relative L2 of a tensor
	lossTolerance   = 1e-5 // relative
)

// reference reads a file of the PyTorch reference, from the folder in IDML_REFERENCE if it is set.
func reference(t *testing.T, name string) *weights.File {
	t.Helper()
	dir := os.Getenv("IDML_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "reference")
	}
	data, err := os.ReadFile(filepath.Join(dir, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := weights.ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// floats returns a tensor's values.
func floats(t *testing.T, f *weights.File, name string) []float32 {
	t.Helper()
	tensor, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("the reference has no tensor %q", name)
	}
	v, err := tensor.Float32()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// input returns a tensor as GoMLX's, float32 or int32 as the file has it.
func input(t *testing.T, f *weights.File, name string) *tensors.Tensor {
	t.Helper()
	tensor, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("the reference has no tensor %q", name)
	}
	if tensor.DType != "I32" {
		return tensors.FromFlatDataAndDimensions(floats(t, f, name), tensor.Shape...)
	}
	ints, err := tensor.Int()
	if err != nil {
		t.Fatal(err)
	}
	v := make([]int32, len(ints))
	for i, x := range ints {
		v[i] = int32(x)
	}
	return tensors.FromFlatDataAndDimensions(v, tensor.Shape...)
}

// relative returns ‖got − want‖/‖want‖, or ‖got‖ where want is 0.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var diff, norm float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		diff += d * d
		norm += float64(want[i]) * float64(want[i])
	}
	if norm == 0 {
		return math.Sqrt(diff)
	}
	return math.Sqrt(diff / norm)
}

// expect compares an output with the reference's tensor of the name. NaN never passes.
func expect(t *testing.T, f *weights.File, name string, got *tensors.Tensor, tolerance float64) {
	t.Helper()
	if r := relative(tensors.MustCopyFlatData[float32](got), floats(t, f, name)); !(r <= tolerance) {
		t.Errorf("%s: relative L2 difference %.3g, want at most %g", name, r, tolerance)
	}
}

// run executes a graph function.
func run(t *testing.T, fn func([]*Node) []*Node, args ...any) []*tensors.Tensor {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), fn)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestProxyAnchorAgainstReference(t *testing.T) {
	for _, file := range []string{"proxy_anchor_small", "proxy_anchor_raw_uncertainty", "proxy_anchor_wide"} {
		for form, prefix := range map[Form]string{ReleasedRaw: "", Paper: "paper_"} {
			t.Run(file+"/"+string(form), func(t *testing.T) {
				f := reference(t, file)
				out := run(t, func(in []*Node) []*Node {
					m := Metric{Form: form, Tau: DefaultTau}
					similarity := m.ProxySimilarity(Embedding{in[0], in[1]}, in[2])
					loss := proxyAnchor().Value(m, LossInput{Embedding: Embedding{in[0], in[1]}, Labels: in[3], Proxies: in[2]})
					return append([]*Node{similarity, loss}, Gradient(loss, in[0], in[1], in[2])...)
				}, input(t, f, "X"), input(t, f, "V"), input(t, f, "P"), input(t, f, "y"))
				expect(t, f, prefix+"similarity", out[0], tensorTolerance)
				expect(t, f, prefix+"loss", out[1], lossTolerance)
				for i, name := range []string{"dX", "dV", "dP"} {
					expect(t, f, prefix+name, out[2+i], tensorTolerance)
				}
			})
		}
		t.Run(file+"/plain", func(t *testing.T) {
			f := reference(t, file)
			out := run(t, func(in []*Node) []*Node {
				return []*Node{proxyAnchor().Value(Metric{Plain, DefaultTau}, LossInput{Embedding: Embedding{in[0], in[1]}, Labels: in[3], Proxies: in[2]})}
			}, input(t, f, "X"), input(t, f, "V"), input(t, f, "P"), input(t, f, "y"))
			expect(t, f, "plain_loss", out[0], lossTolerance)
		})
	}
}

func proxyAnchor() ProxyAnchor {
	return ProxyAnchor{Scale: ProxyAnchorScale, Margin: ProxyAnchorMargin}
}

func TestIntrospectiveDistanceAgainstReference(t *testing.T) {
	f := reference(t, "introspective_distance")
	out := run(t, func(in []*Node) []*Node {
		d := Metric{Paper, DefaultTau}.Pairs(Embedding{in[0], in[1]}).Distance
		return append([]*Node{d}, Gradient(ReduceAllSum(Mul(d, in[2])), in[0], in[1])...)
	}, input(t, f, "S"), input(t, f, "U"), input(t, f, "w"))
	for i, name := range []string{"distance", "dS", "dU"} {
		expect(t, f, name, out[i], tensorTolerance)
	}
}

func TestIntrospectiveLogitsAgainstReference(t *testing.T) {
	f := reference(t, "introspective_logits")
	out := run(t, func(in []*Node) []*Node {
		m, e := Metric{Form: Released, Tau: DefaultTau}, Embedding{in[0], positivePart(in[1])}
		logits := m.Logits(e, in[2], in[3])
		loss := CrossEntropy{}.Value(m, LossInput{Embedding: e, Labels: in[4], Proxies: in[2], Bias: in[3]})
		return append([]*Node{logits, linear(in[0], in[2], in[3]), loss}, Gradient(loss, in[:4]...)...)
	}, input(t, f, "features"), input(t, f, "uncertainty"), input(t, f, "weight"), input(t, f, "bias"), input(t, f, "y"))
	expect(t, f, "logits", out[0], tensorTolerance)
	expect(t, f, "test_logits", out[1], tensorTolerance)
	expect(t, f, "loss", out[2], lossTolerance)
	for i, name := range []string{"d_features", "d_uncertainty", "d_weight", "d_bias"} {
		expect(t, f, name, out[3+i], tensorTolerance)
	}
}

// referenceConfig is the narrow network of the reference.
func referenceConfig() Config {
	c := DefaultConfig()
	c.Data.ImageSize = 64
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Bottleneck, Width: 8, Blocks: []int{1, 2, 1, 1}}
	c.Model.EmbeddingSize = 16
	return c
}

// referenceModel returns that network with the reference's weights, and the images [4, 64, 64, 3].
func referenceModel(t *testing.T, c Config, classes int) (*Model, *tensors.Tensor) {
	t.Helper()
	f := reference(t, "two_head_resnet")
	m, err := NewModel(c, classes)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params() {
		if p.Name == ProxiesName {
			continue
		}
		if err := m.SetValues(p.Name, floats(t, f, "weights."+p.Name)); err != nil {
			t.Fatal(err)
		}
	}
	images := run(t, func(in []*Node) []*Node { return []*Node{TransposeAllAxes(in[0], 0, 2, 3, 1)} }, input(t, f, "images"))
	return m, images[0]
}

func TestNetworkAgainstReference(t *testing.T) {
	m, images := referenceModel(t, referenceConfig(), 5)
	exec, err := model.NewExec(backendtest.Open(t), m.store, func(_ *model.Scope, images *Node) (*Node, *Node) {
		e := m.embed(images, resnet.StoredStatistics)
		return e.Semantic, normalizeRows(e.Uncertainty)
	})
	if err != nil {
		t.Fatal(err)
	}
	semantic, uncertainty, err := exec.Call2(images)
	if err != nil {
		t.Fatal(err)
	}
	f := reference(t, "two_head_resnet")
	expect(t, f, "semantic", semantic, tensorTolerance)
	expect(t, f, "uncertainty", uncertainty, tensorTolerance)
}

// referenceRun is the training of the reference: six steps with its settings, weights and inputs.
type referenceRun struct {
	f       *weights.File
	config  Config
	model   *Model
	images  *tensors.Tensor
	trainer *Trainer
}

// newReferenceRun prepares the reference's training with a form of the metric, with settings as the change, if any, leaves them.
func newReferenceRun(t *testing.T, form Form, change func(*Config)) *referenceRun {
	t.Helper()
	r := &referenceRun{f: reference(t, "training_steps_"+strings.ReplaceAll(string(form), "-", "_")), config: referenceConfig()}
	r.config.Metric.Form = form
	r.config.Optimizer = OptimizerConfig{
		Name:         "adamw",
		LearningRate: r.setting(t, "lr"), ProxyFactor: r.setting(t, "proxy_lr_factor"), WeightDecay: r.setting(t, "weight_decay"),
		Clip: r.setting(t, "clip"), Epsilon: r.setting(t, "eps"), DecayEvery: int(r.setting(t, "decay_every")), DecayFactor: r.setting(t, "decay_factor"),
	}
	if change != nil {
		change(&r.config)
	}
	r.model, r.images = referenceModel(t, r.config, 5)
	if err := r.model.SetValues(ProxiesName, floats(t, r.f, "proxies")); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.trainer, err = NewTrainer(backendtest.Open(t), r.model); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *referenceRun) setting(t *testing.T, name string) float64 {
	return float64(floats(t, r.f, "settings."+name)[0])
}

// reset takes model and optimizer back to before the first step; what was compiled is kept.
func (r *referenceRun) reset(t *testing.T, initial *Model) {
	t.Helper()
	for v := range r.model.store.IterVariables() {
		value := tensors.FromShape(v.Shape())
		if !strings.HasPrefix(v.Path(), statePrefix) {
			from := initial.store.GetVariable(v.Path())
			value = tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](from.MustValue()), v.Shape().Dimensions...)
		}
		if err := v.SetValue(value); err != nil {
			t.Fatal(err)
		}
	}
}

// train runs the steps, with inputs as the change leaves them, and returns the largest relative difference of the losses. A broken run, one with
// untilBroken, ends at the first loss that differs: most don't get beyond the warm-up, whose program compiles much faster than the full one.
func (r *referenceRun) train(t *testing.T, change func(*Config, *StepInput), untilBroken bool) (losses float64) {
	t.Helper()
	permutation := tensors.MustCopyFlatData[int32](input(t, r.f, "permutation"))
	lambdas, want := floats(t, r.f, "lam"), floats(t, r.f, "losses")
	for step := range want {
		in := StepInput{
			Images: r.images, Labels: input(t, r.f, "y"), Mix: Mix{Lambda: float64(lambdas[step]), Permutation: permutation},
			LearningRate: r.config.Optimizer.Rate(step), Warmup: step < int(r.setting(t, "warmup_steps")),
		}
		if change != nil {
			change(&r.config, &in)
		}
		loss, err := r.trainer.Step(in)
		if err != nil {
			t.Fatal(err)
		}
		losses = max(losses, math.Abs(loss-float64(want[step]))/math.Abs(float64(want[step])))
		if untilBroken && losses > lossTolerance {
			break
		}
	}
	return losses
}

// finals returns the largest relative difference of the model's arrays after training.
func (r *referenceRun) finals(t *testing.T) (difference float64) {
	t.Helper()
	for _, tensor := range r.f.Tensors {
		name, ok := strings.CutPrefix(tensor.Name, "final.")
		if tensor.Name == "final_proxies" {
			name, ok = ProxiesName, true
		}
		if !ok {
			continue
		}
		got, err := r.model.Values(name)
		if err != nil {
			t.Fatal(err)
		}
		difference = max(difference, relative(got, floats(t, r.f, tensor.Name)))
	}
	return difference
}

// check compares a whole training with the reference.
func (r *referenceRun) check(t *testing.T) {
	t.Helper()
	if losses := r.train(t, nil, false); !(losses <= lossTolerance) {
		t.Errorf("losses differ by %.3g, want at most %g", losses, lossTolerance)
	}
	if difference := r.finals(t); !(difference <= tensorTolerance) {
		t.Errorf("final tensors differ by %.3g, want at most %g", difference, tensorTolerance)
	}
}

// Of the released form, the comparison is also shown to fail where the input of a step is wrong, and to hold again after that.
func TestTrainingStepsAgainstReference(t *testing.T) {
	for _, form := range []Form{Plain, Released, ReleasedRaw, Paper} {
		t.Run(string(form), func(t *testing.T) {
			t.Parallel()
			r := newReferenceRun(t, form, nil)
			if form != Released {
				r.check(t)
				return
			}
			initial := newReferenceRun(t, form, nil).model
			for name, change := range map[string]func(*Config, *StepInput){
				"no warm-up":          func(_ *Config, in *StepInput) { in.Warmup = false },
				"lambda of the other": func(_ *Config, in *StepInput) { in.Mix.Lambda = 1 - in.Mix.Lambda },
				"no schedule":         func(c *Config, in *StepInput) { in.LearningRate = c.Optimizer.LearningRate },
			} {
				if r.train(t, change, true) <= lossTolerance {
					t.Errorf("%s: the losses of the reference don't notice", name)
				}
				r.reset(t, initial)
			}
			r.check(t)
		})
	}
}

// TestReferenceNoticesBrokenParts shows that the comparison above fails where a part of the step is wrong.
func TestReferenceNoticesBrokenParts(t *testing.T) {
	optimizer := func(change func(*OptimizerConfig)) func(*Config) {
		return func(c *Config) { change(&c.Optimizer) }
	}
	for name, change := range map[string]func(*Config){
		"no weight decay":        optimizer(func(o *OptimizerConfig) { o.WeightDecay = 0 }),
		"no clipping":            optimizer(func(o *OptimizerConfig) { o.Clip = 1e6 }),
		"epsilon of Adam":        optimizer(func(o *OptimizerConfig) { o.Epsilon = 1e-8 }),
		"proxies at the base lr": optimizer(func(o *OptimizerConfig) { o.ProxyFactor = 1 }),
		"no mixup":               func(c *Config) { c.Mixing.Method = NoMixing },
		"margin":                 func(c *Config) { c.Loss.Margin = 0 },
		"batch statistics":       func(c *Config) { c.Model.BatchNorm = TrainedBatchNorm },
		"another form":           func(c *Config) { c.Metric.Form = ReleasedRaw },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("compiles a network")
			}
			t.Parallel()
			if newReferenceRun(t, Released, change).train(t, nil, true) <= lossTolerance {
				t.Error("the losses of the reference don't notice")
			}
		})
	}
}
