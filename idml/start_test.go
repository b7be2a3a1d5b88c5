// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

// startForms are the forms of the metric and the factor on u that TestFirstGradient compares: 1 is the start with UncertaintyInit, its
// inverse the start with PyTorch's default, as u is linear in the head.
var startForms = []struct {
	name   string
	form   Form
	factor float64
}{
	{"plain", Plain, 1},
	{"paper", Paper, 1},
	{"released", Released, 1},
	{"released-raw", ReleasedRaw, 1},
	{"paper, PyTorch's default", Paper, 1 / UncertaintyInit},
	{"released-raw, PyTorch's default", ReleasedRaw, 1 / UncertaintyInit},
}

// ResNet-50 with 512 dimensions and 100 proxies: with UncertaintyInit, the semantic head's first gradient is at least a tenth of plain's in
// each form; with PyTorch's default start of the uncertainty head it vanishes in the forms that leave u as it is.
//
// The gradient depends on the size of the pooled features alone, through ‖u‖. Random kernels give features of the size that a trained network has if batch
// normalization is calibrated: it then has mean 0 and variance 1 in front of each sum, whatever the kernels are. Here the images' own statistics
// normalize, as one pass of calibration on these images would make the stored ones.
func TestFirstGradient(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles ResNet-50")
	}
	const classes = 100
	c := DefaultConfig()
	m, err := NewModel(c, classes)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(backendtest.Open(t), m.store, func(_ *model.Scope, inputs []*Node) (results []*Node) {
		images, labels := inputs[0], inputs[1]
		p := graphParams{m, images.Graph()}
		features := StopGradient(poolFeatures(c.Model.Backbone.Features(p, m.normalizePixels(images), resnet.BatchStatistics)))
		weight, proxies := p.Value("embedding.weight"), p.Value(ProxiesName)
		u := linear(features, p.Value("uncertainty.weight"), p.Value("uncertainty.bias"))
		results = []*Node{rootNorm(features), rootNorm(u)}
		for _, s := range startForms {
			e := Embedding{normalizeRows(linear(features, weight, p.Value("embedding.bias"))), MulScalar(u, s.factor)}
			loss := proxyAnchor().Value(Metric{s.form, DefaultTau}, LossInput{Embedding: e, Labels: labels, Proxies: proxies})
			results = append(results, Sqrt(ReduceAllSum(Square(Gradient(loss, weight)[0]))))
		}
		return results
	})
	if err != nil {
		t.Fatal(err)
	}
	batch := gratings{classes: classes, perClass: 1, size: 112}.images([]int{1, 8, 15, 22, 29, 36, 43, 50, 57, 64, 71, 78, 85, 92, 99, 6})
	out, err := exec.Call(batch.Inputs[0], batch.Labels[0])
	if err != nil {
		t.Fatal(err)
	}
	feature, u := average(tensors.MustCopyFlatData[float32](out[0])), average(tensors.MustCopyFlatData[float32](out[1]))
	t.Logf("mean ‖features‖ %.4g, mean ‖u‖ %.4g (PyTorch's default: %.4g)", feature, u, u/UncertaintyInit)
	plain := float64(tensors.ToScalar[float32](out[2]))
	for i, s := range startForms {
		ratio := float64(tensors.ToScalar[float32](out[2+i])) / plain
		t.Logf("%s: gradient %.3g of plain's", s.name, ratio)
		if s.factor == 1 && !(ratio >= 0.1) {
			t.Errorf("%s: the semantic head's first gradient is %.3g of plain's, want at least 0.1", s.name, ratio)
		}
		if s.factor != 1 && !(ratio < 0.01) {
			t.Errorf("%s: the semantic head's first gradient is %.3g of plain's; UncertaintyInit has lost its reason", s.name, ratio)
		}
	}
}

func average(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x)
	}
	if len(v) == 0 {
		return math.NaN()
	}
	return sum / float64(len(v))
}
