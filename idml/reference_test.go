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
					loss := proxyAnchor().Value(m, Embedding{in[0], in[1]}, in[3], in[2])
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
				return []*Node{proxyAnchor().Value(Metric{Plain, DefaultTau}, Embedding{in[0], in[1]}, in[3], in[2])}
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
		e := Embedding{in[0], in[1]}
		d := Metric{Paper, DefaultTau}.Distance(e, e)
		return append([]*Node{d}, Gradient(ReduceAllSum(Mul(d, in[2])), in[0], in[1])...)
	}, input(t, f, "S"), input(t, f, "U"), input(t, f, "w"))
	for i, name := range []string{"distance", "dS", "dU"} {
		expect(t, f, name, out[i], tensorTolerance)
	}
}

func TestIntrospectiveLogitsAgainstReference(t *testing.T) {
	f := reference(t, "introspective_logits")
	out := run(t, func(in []*Node) []*Node {
		logits := IntrospectiveLogits(in[0], in[1], in[2], in[3])
		own := ReduceSum(Mul(LogSoftmax(logits), ConvertDType(positives(in[4], 10), logits.DType())), -1)
		loss := Neg(ReduceAllMean(own))
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
	c.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Width: 8, Blocks: []int{1, 2, 1, 1}}
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

// trainReference runs the six steps of the reference, with its settings and inputs as the change leaves them, and returns the largest
// relative difference of the losses and of the final tensors.
func trainReference(t *testing.T, form Form, change mutation) (losses, tensor float64) {
	t.Helper()
	f := reference(t, "training_steps_"+strings.ReplaceAll(string(form), "-", "_"))
	setting := func(name string) float64 { return float64(floats(t, f, "settings."+name)[0]) }
	c := referenceConfig()
	c.Metric.Form = form
	c.Optimizer = OptimizerConfig{
		LearningRate: setting("lr"), ProxyFactor: setting("proxy_lr_factor"), WeightDecay: setting("weight_decay"),
		Clip: setting("clip"), Epsilon: setting("eps"), DecayEvery: int(setting("decay_every")), DecayFactor: setting("decay_factor"),
	}
	if change.config != nil {
		change.config(&c)
	}
	m, images := referenceModel(t, c, 5)
	if err := m.SetValues(ProxiesName, floats(t, f, "proxies")); err != nil {
		t.Fatal(err)
	}
	trainer, err := NewTrainer(backendtest.Open(t), m)
	if err != nil {
		t.Fatal(err)
	}
	permutation := tensors.MustCopyFlatData[int32](input(t, f, "permutation"))
	lambdas, want := floats(t, f, "lam"), floats(t, f, "losses")
	for step := range want {
		in := StepInput{
			Images: images, Labels: input(t, f, "y"), Mix: Mix{float64(lambdas[step]), permutation},
			LearningRate: c.Optimizer.learningRate(step), Warmup: step < int(setting("warmup_steps")),
		}
		if change.input != nil {
			change.input(&in)
		}
		loss, err := trainer.Step(in)
		if err != nil {
			t.Fatal(err)
		}
		losses = max(losses, math.Abs(loss-float64(want[step]))/math.Abs(float64(want[step])))
	}
	for _, tensorOf := range f.Tensors {
		name, ok := strings.CutPrefix(tensorOf.Name, "final.")
		if tensorOf.Name == "final_proxies" {
			name, ok = ProxiesName, true
		}
		if !ok {
			continue
		}
		got, err := m.Values(name)
		if err != nil {
			t.Fatal(err)
		}
		tensor = max(tensor, relative(got, floats(t, f, tensorOf.Name)))
	}
	return losses, tensor
}

func TestTrainingStepsAgainstReference(t *testing.T) {
	for _, form := range Forms {
		t.Run(string(form), func(t *testing.T) {
			losses, tensor := trainReference(t, form, mutation{})
			if !(losses <= lossTolerance) {
				t.Errorf("losses differ by %.3g, want at most %g", losses, lossTolerance)
			}
			if !(tensor <= tensorTolerance) {
				t.Errorf("final tensors differ by %.3g, want at most %g", tensor, tensorTolerance)
			}
		})
	}
}

// mutation breaks a part of the training that the reference's steps must notice.
type mutation struct {
	config func(*Config)
	input  func(*StepInput)
}

// TestReferenceNoticesBrokenParts shows that the comparison above fails where a part of the step is wrong.
func TestReferenceNoticesBrokenParts(t *testing.T) {
	optimizer := func(change func(*OptimizerConfig)) mutation {
		return mutation{config: func(c *Config) { change(&c.Optimizer) }}
	}
	for name, change := range map[string]mutation{
		"no weight decay":        optimizer(func(o *OptimizerConfig) { o.WeightDecay = 0 }),
		"no clipping":            optimizer(func(o *OptimizerConfig) { o.Clip = 1e6 }),
		"epsilon of Adam":        optimizer(func(o *OptimizerConfig) { o.Epsilon = 1e-8 }),
		"no schedule":            optimizer(func(o *OptimizerConfig) { o.DecayFactor = 1 }),
		"proxies at the base lr": optimizer(func(o *OptimizerConfig) { o.ProxyFactor = 1 }),
		"no mixup":               {config: func(c *Config) { c.Mixing.Mixup = false }},
		"margin":                 {config: func(c *Config) { c.Loss.Margin = 0 }},
		"batch statistics":       {config: func(c *Config) { c.Model.BatchNorm = TrainedBatchNorm }},
		"another form":           {config: func(c *Config) { c.Metric.Form = ReleasedRaw }},
		"no warm-up":             {input: func(in *StepInput) { in.Warmup = false }},
		"lambda of the other":    {input: func(in *StepInput) { in.Mix.Lambda = 1 - in.Mix.Lambda }},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("compiles a network")
			}
			if losses, tensor := trainReference(t, Released, change); losses <= lossTolerance || tensor <= tensorTolerance {
				t.Errorf("losses differ by %.3g and tensors by %.3g: the reference doesn't notice", losses, tensor)
			}
		})
	}
}
