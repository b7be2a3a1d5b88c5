// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"introspection/internal/backendtest"
)

// The median is that of the metric's own factors, computed here one by one.
func TestMedianFactor(t *testing.T) {
	for _, test := range []struct {
		loss  string
		forms []Form
	}{{"proxy-anchor", Forms}, {"triplet", []Form{Plain, Constant, Paper}}} {
		for _, form := range test.forms {
			c := tinyConfig()
			c.Metric.Form, c.Model.UncertaintyInit = form, 1
			if err := c.UseLoss(test.loss); err != nil {
				t.Fatal(err)
			}
			m := newModel(t, c)
			embedder, err := NewEmbedder(backendtest.Open(t), m)
			if err != nil {
				t.Fatal(err)
			}
			e, err := embedder.Embed(context.Background(), smallData(c).Evaluation)
			if err != nil {
				t.Fatal(err)
			}
			got, err := MedianFactor(backendtest.Open(t), m, e)
			if err != nil {
				t.Fatal(err)
			}
			factors := naiveFactors(t, m, e, test.loss == "proxy-anchor")
			slices.Sort(factors)
			if want := factors[len(factors)/2]; math.Abs(got-want) > 1e-5*want {
				t.Errorf("%s, %s: median factor %v, want %v", test.loss, form, got, want)
			}
		}
	}
}

// naiveFactors are the factors of all embedded images and proxies, or of all pairs of images.
func naiveFactors(t *testing.T, m *Model, e *Embedded, ofProxies bool) (factors []float64) {
	t.Helper()
	var b naiveBatch
	var norms float64
	for i := range e.Semantic.Rows {
		rows := float64Rows([][]float32{e.Semantic.Row(i), e.Uncertainty.Row(i)})
		b.s, b.u = append(b.s, rows[0]), append(b.u, rows[1])
		norms += math.Sqrt(dot(rows[1], rows[1]))
	}
	if !ofProxies {
		p := naivePairs(m.Metric(), b, b)
		for i, row := range p.distance {
			for j, d := range row {
				factors = append(factors, d/p.alpha[i][j])
			}
		}
		return factors
	}
	proxies, err := m.Values(ProxiesName)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.s {
		for k := range m.Classes() {
			p := float64Rows([][]float32{proxies[k*8 : (k+1)*8]})[0]
			factors = append(factors, naiveProxyFactor(m.Metric(), b.s[i], b.u[i], p, norms/float64(len(b.u))))
		}
	}
	return factors
}

// A run whose uncertainty is so large that hardly any gradient is left says so at each evaluation.
func TestTrainWarnsOfALowFactor(t *testing.T) {
	for init, want := range map[float64]bool{UncertaintyInit: false, 300: true} {
		c := tinyConfig()
		c.Epochs, c.Metric.Form, c.Model.UncertaintyInit, c.Optimizer.LearningRate = 1, Paper, init, 1e-6
		var warnings []string
		_, err := Train(context.Background(), backendtest.Open(t), newModel(t, c), State{}, smallData(c), TrainOptions{Progress: func(p Progress) {
			if p.Metrics != nil {
				warnings = append(warnings, p.Warning)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) != 1 || strings.Contains(warnings[0], "model.uncertainty_init") != want || !want && warnings[0] != "" {
			t.Errorf("start %v: warnings %q, want one: %v", init, warnings, want)
		}
	}
}
