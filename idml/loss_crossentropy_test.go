// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// naiveLogits states Metric.Logits for one image and one class.
func naiveLogits(m Metric, x, u, w []float64, b float64) float64 {
	f := dot(x, w) + b
	if m.Form == Plain {
		return f
	}
	d, uu := 0.0, 0.0
	for i := range x {
		p := w[i]
		if m.Form == Released {
			p += b
		}
		d += (x[i] - p) * (x[i] - p)
	}
	for _, v := range u {
		uu += v * v
	}
	return 1 - (1-f)*math.Exp(-uu/(m.Tau*max(d, smallestSquaredDistance)))
}

// naiveCrossEntropy is the loss by its definition.
func naiveCrossEntropy(l CrossEntropy, m Metric, x, u, w [][]float64, b []float64, labels []int32) (loss float64) {
	for i := range x {
		z, sum := make([]float64, len(w)), 0.0
		for c := range w {
			z[c] = naiveLogits(m, x[i], u[i], w[c], b[c])
			sum += math.Exp(z[c])
		}
		for c := range w {
			q := l.Smoothing / float64(len(w))
			if int(labels[i]) == c {
				q += 1 - l.Smoothing
			}
			loss -= q * (z[c] - math.Log(sum)) / float64(len(x))
		}
	}
	return loss
}

// Value and gradients, in each form, with and without smoothing, and where all images have one label.
func TestCrossEntropyAgainstNaive(t *testing.T) {
	const batch, dim, du, classes = 5, 7, 3, 4
	rng := rand.New(rand.NewPCG(2, 2))
	x, u, w := randomRows(rng, batch, dim, 1), randomRows(rng, batch, du, 1), randomRows(rng, classes, dim, 0.5)
	for i := range u {
		for k := range u[i] {
			u[i][k] = max(u[i][k], 0)
		}
	}
	bias := randomRows(rng, 1, classes, 0.3)[0]
	for _, labels := range [][]int32{{0, 1, 2, 3, 1}, {2, 2, 2, 2, 2}} {
		for _, form := range LogitForms {
			for _, smoothing := range []float64{0, 0.1} {
				name := fmt.Sprintf("%s, smoothing %v, labels %v", form, smoothing, labels)
				l, m := CrossEntropy{Smoothing: smoothing}, Metric{form, DefaultTau}
				out := run(t, func(in []*Node) []*Node {
					loss := l.Value(m, LossInput{Embedding: Embedding{in[0], in[1]}, Proxies: in[2], Bias: Reshape(in[3], classes), Labels: in[4]})
					return append([]*Node{loss}, Gradient(loss, in[:4]...)...)
				}, x, u, w, [][]float32{bias}, labels)
				x, u, w, b := float64Rows(x), float64Rows(u), float64Rows(w), float64Rows([][]float32{bias})
				value := func() float64 { return naiveCrossEntropy(l, m, x, u, w, b[0], labels) }
				if got, want := float64(tensors.ToScalar[float32](out[0])), value(); math.Abs(got-want) > 1e-5*(1+want) {
					t.Errorf("%s: %v, want %v", name, got, want)
				}
				for i, of := range []struct {
					name string
					rows [][]float64
				}{{"features", x}, {"uncertainty", u}, {"weight", w}, {"bias", b}} {
					checkGradient(t, name+": gradient of "+of.name, value, of.rows, out[1+i])
				}
			}
		}
	}
}

// Without uncertainty each form is the plain one; NaN stays NaN.
func TestLogitsWithoutUncertainty(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	x, w, bias := randomRows(rng, 6, 8, 1), randomRows(rng, 3, 8, 1), randomRows(rng, 1, 3, 1)[0]
	u := randomRows(rng, 6, 4, 0)
	forms := func(in []*Node) (out []*Node) {
		for _, form := range LogitForms {
			out = append(out, Metric{form, DefaultTau}.Logits(Embedding{in[0], in[1]}, in[2], in[3]))
		}
		return out
	}
	out := run(t, forms, x, u, w, bias)
	plain := tensors.MustCopyFlatData[float32](out[0])
	for i, form := range LogitForms {
		if d := relative(tensors.MustCopyFlatData[float32](out[i]), plain); !(d < 1e-6) {
			t.Errorf("%s differs from plain by %v", form, d)
		}
	}
	x[2][1] = float32(math.NaN())
	for i, o := range run(t, forms, x, u, w, bias) {
		for c := range 3 {
			if v := tensors.MustCopyFlatData[float32](o)[2*3+c]; v == v {
				t.Errorf("%s: the logit %d of NaN is %v", LogitForms[i], c, v)
			}
		}
	}
}

// In both introspective forms the uncertainty head learns, in the plain one it gets no gradient.
func TestLogitsTeachUncertainty(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	x, w, bias := randomRows(rng, 6, 8, 1), randomRows(rng, 3, 8, 0.3), randomRows(rng, 1, 3, 0.1)[0]
	u := randomRows(rng, 6, 4, 1)
	for i := range u {
		for k := range u[i] {
			u[i][k] = float32(math.Abs(float64(u[i][k])))
		}
	}
	for _, form := range LogitForms {
		out := run(t, func(in []*Node) []*Node {
			loss := CrossEntropy{}.Value(Metric{form, DefaultTau}, LossInput{Embedding: Embedding{in[0], in[1]}, Proxies: in[2], Bias: in[3], Labels: in[4]})
			return Gradient(loss, in[0], in[1])
		}, x, u, w, bias, []int32{0, 1, 2, 0, 1, 2})
		length := func(i int) (sum float64) {
			for _, v := range tensors.MustCopyFlatData[float32](out[i]) {
				sum += float64(v) * float64(v)
			}
			return math.Sqrt(sum)
		}
		if ratio := length(1) / length(0); (ratio > 1e-3) != (form != Plain) {
			t.Errorf("%s: the uncertainty's gradient is %.2g of the features'", form, ratio)
		}
	}
}

func TestCrossEntropySettings(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"smoothing of 1":           {func(c *Config) { c.Loss.Smoothing = 1 }, "loss.smoothing is 1, want from 0 to below 1"},
		"a margin":                 {func(c *Config) { c.Loss.Margin = 1 }, "loss.margin is 1, want 0: cross-entropy has no such setting"},
		"a form of retrieval":      {func(c *Config) { c.Metric.Form = Paper }, `metric.form is "paper", which is none of classification: choose one of [plain released clean]`},
		"a loss of retrieval":      {func(c *Config) { c.Loss, _ = DefaultLoss("proxy-anchor") }, "loss.name is proxy-anchor, want cross-entropy for task classification"},
		"retrieval":                {func(c *Config) { c.Task = Retrieval }, "loss.name is cross-entropy"},
		"no task":                  {func(c *Config) { c.Task = "" }, "task is , want retrieval or classification"},
		"an unknown method":        {func(c *Config) { c.Mixing.Method = "cutout" }, "mixing.method is cutout, want none, mixup or cutmix"},
		"a probability of 0":       {func(c *Config) { c.Mixing.Probability = 0 }, "mixing.probability is 0, want above 0"},
		"much jitter":              {func(c *Config) { c.Data.ColorJitter = 2 }, "data.color_jitter is 2, want from 0 to 1"},
		"negative lighting":        {func(c *Config) { c.Data.Lighting = -1 }, "data.lighting is -1"},
		"a decay before the start": {func(c *Config) { c.Optimizer.DecayAt = []int{0} }, "optimizer.decay_at is [0]"},
	} {
		c, err := Recipe("fashion10-idml-cutmix")
		if err != nil {
			t.Fatal(err)
		}
		test.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	c := DefaultConfig()
	c.Mixing.Method = CutMix
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "mixing.method is cutmix, want none or mixup, unless task is classification") {
		t.Errorf("retrieval with CutMix: %v", err)
	}
	c = DefaultConfig()
	c.Metric.Form = Clean
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `metric.form is "clean", which exists only for classification`) {
		t.Errorf("retrieval in the clean form: %v", err)
	}
}
