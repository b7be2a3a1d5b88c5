// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml/retrieval"
)

// factorSample bounds the images and the proxies that MedianFactor looks at, evenly spaced among all. Ours.
const factorSample = 256

// MedianFactor returns the median of the factors exp(−…) by which the model's metric shrinks what its loss compares, images and proxies or classes, or pairs of images: 1
// for Plain. Below LowFactor there is hardly any gradient left, and the run should be begun anew with a smaller model.uncertainty_init, a lower
// rate or a larger metric.tau.
func MedianFactor(backend compute.Backend, m *Model, e *Embedded) (float64, error) {
	if m.config.Metric.Form == Plain || e.Semantic.Rows == 0 {
		return 1, nil
	}
	loss, err := NewLoss(m.config.Loss)
	if err != nil {
		return 0, err
	}
	inputs, factor := []any{sampleRows(e.Semantic), sampleRows(e.Uncertainty)}, m.config.Metric.factorOfPairs
	if m.config.Task == Classification {
		weight, err := m.Values(classifierWeight)
		if err != nil {
			return 0, err
		}
		bias, err := m.Values(classifierBias)
		if err != nil {
			return 0, err
		}
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(weight, m.Classes(), e.Semantic.Cols), tensors.FromFlatDataAndDimensions(bias, m.Classes()))
		factor = m.config.Metric.factorOfLogits
	} else if loss.HasProxies() {
		values, err := m.Values(ProxiesName)
		if err != nil {
			return 0, err
		}
		proxies := retrieval.Matrix{Rows: m.Classes(), Cols: m.config.Model.EmbeddingSize, Data: values}
		inputs, factor = append(inputs, sampleRows(proxies)), m.config.Metric.factorOfProxies
	}
	exec, err := graph.NewExec(backend, factor)
	if err != nil {
		return 0, fmt.Errorf("idml: the median factor: %w", err)
	}
	defer exec.Finalize()
	out, err := exec.Call(inputs...)
	if err != nil {
		return 0, fmt.Errorf("idml: the median factor: %w", err)
	}
	defer out[0].MustFinalizeAll()
	factors, err := tensors.CopyFlatData[float32](out[0])
	if err != nil {
		return 0, err
	}
	slices.Sort(factors)
	return float64(factors[len(factors)/2]), nil
}

// factorOfProxies returns the factors of embeddings, semantic and uncertainty, and proxies.
func (m Metric) factorOfProxies(in []*graph.Node) *graph.Node {
	return m.proxyFactor(Embedding{Semantic: in[0], Uncertainty: in[1]}, products(normalizeRows(in[0]), normalizeRows(in[2])), in[2])
}

// factorOfLogits returns the factors of embeddings, semantic and uncertainty, and a classifier's weight and bias.
func (m Metric) factorOfLogits(in []*graph.Node) *graph.Node {
	return m.logitFactor(Embedding{Semantic: in[0], Uncertainty: in[1]}, in[2], in[3])
}

// factorOfPairs returns the factors of all pairs of embeddings, semantic and uncertainty. The few of an image with itself don't move a median.
func (m Metric) factorOfPairs(in []*graph.Node) *graph.Node {
	alpha := graph.Sqrt(clampBelow(SquaredDistances(in[0], in[0])))
	return m.pairFactor(Embedding{Semantic: in[0], Uncertainty: in[1]}, alpha)
}

// sampleRows returns up to factorSample rows of x, evenly spaced.
func sampleRows(x retrieval.Matrix) *tensors.Tensor {
	n := min(x.Rows, factorSample)
	data := make([]float32, 0, n*x.Cols)
	for i := range n {
		data = append(data, x.Row(i*x.Rows/n)...)
	}
	return tensors.FromFlatDataAndDimensions(data, n, x.Cols)
}
