// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml/retrieval"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// labeled returns n random embeddings of the dimension 3 and their labels, three of each class.
func labeled(n int) (data []float32, labels []int32) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		for range 3 {
			data = append(data, float32(rng.NormFloat64()))
		}
		labels = append(labels, int32(i/3))
	}
	return data, labels
}

// safetensors returns a file of these tensors.
func safetensors(t *testing.T, list ...weights.Tensor) *bytes.Reader {
	t.Helper()
	var out bytes.Buffer
	if err := weights.WriteSafetensors(&out, &weights.File{Tensors: list}); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(out.Bytes())
}

// The metrics are those that the retrieval package gives of the same numbers; clusters replace k-means; uncertainties change nothing.
func TestEvaluateEmbeddings(t *testing.T) {
	const n = 12
	data, labels := labeled(n)
	clusters := []int32{7, 7, 7, 0, 0, 0, -5, -5, 2, 2, 2, 2}
	embeddings, labelTensor := weights.FromFloat32("embeddings", []int{n, 3}, data), weights.FromInt32("labels", []int{n}, labels)
	wide := weights.Tensor{Name: "labels", DType: "I64", Shape: []int{n}}
	for _, l := range labels {
		wide.Data = append(wide.Data, byte(l), 0, 0, 0, 0, 0, 0, 0)
	}
	options := retrieval.DefaultOptions()
	options.Ks, options.Seed = []int{1, 3}, 5
	want := func(clusters []int) map[string]float64 {
		o := options
		o.Clusters = clusters
		r, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), retrieval.Matrix{Rows: n, Cols: 3, Data: data}, ints(labels), o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Metrics()
	}
	for name, test := range map[string]struct {
		tensors []weights.Tensor
		want    map[string]float64
	}{
		"k-means":       {[]weights.Tensor{embeddings, labelTensor}, want(nil)},
		"int64 labels":  {[]weights.Tensor{embeddings, wide}, want(nil)},
		"uncertainties": {[]weights.Tensor{embeddings, labelTensor, weights.FromFloat32("uncertainties", []int{n, 2}, make([]float32, 2*n))}, want(nil)},
		"clusters":      {[]weights.Tensor{embeddings, labelTensor, weights.FromInt32("clusters", []int{n}, clusters)}, want(ints(clusters))},
	} {
		got, err := experiment.EvaluateEmbeddings(t.Context(), backendtest.Open(t), safetensors(t, test.tensors...), options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got.Metrics()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if cmp.Equal(want(nil), want(ints(clusters))) {
		t.Error("k-means gives what the clusters give: the test shows nothing")
	}
}

func ints(v []int32) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

// Each error names the tensor and says what to do.
func TestEvaluateEmbeddingsErrors(t *testing.T) {
	const n = 6
	data, labels := labeled(n)
	embeddings, labelTensor := weights.FromFloat32("embeddings", []int{n, 3}, data), weights.FromInt32("labels", []int{n}, labels)
	changed := func(at int, v float64) weights.Tensor {
		copied := append([]float32(nil), data...)
		copied[at] = float32(v)
		return weights.FromFloat32("embeddings", []int{n, 3}, copied)
	}
	zeros := append(append([]float32(nil), data[:9]...), make([]float32, 9)...)
	for _, test := range []struct {
		name    string
		tensors []weights.Tensor
		want    []string
	}{
		{"no embeddings", []weights.Tensor{labelTensor}, []string{`"embeddings"`, "store one of float32"}},
		{"no labels", []weights.Tensor{embeddings}, []string{`"labels"`, "store one of int32 or int64"}},
		{"NaN", []weights.Tensor{changed(7, math.NaN()), labelTensor}, []string{"embeddings holds NaN in row 2, column 1", "remove"}},
		{"infinity", []weights.Tensor{changed(17, math.Inf(-1)), labelTensor}, []string{"embeddings holds -Inf in row 5, column 2", "remove"}},
		{"zeros", []weights.Tensor{weights.FromFloat32("embeddings", []int{n, 3}, zeros), labelTensor}, []string{"embeddings", "row 3", "remove"}},
		{"flat", []weights.Tensor{weights.FromFloat32("embeddings", []int{3 * n}, data), labelTensor}, []string{"embeddings has shape [18]", "[n, d]: one row an image"}},
		{"no columns", []weights.Tensor{weights.FromFloat32("embeddings", []int{n, 0}, nil), labelTensor}, []string{"embeddings has shape [6 0]", "at least one column"}},
		{"integers", []weights.Tensor{weights.FromInt32("embeddings", []int{n, 1}, labels), labelTensor}, []string{`"embeddings"`, "I32", "store it as float32"}},
		{"one row", []weights.Tensor{weights.FromFloat32("embeddings", []int{1, 3}, data[:3]), weights.FromInt32("labels", []int{1}, labels[:1])}, []string{"1 embeddings", "at least 2"}},
		{"fewer labels", []weights.Tensor{embeddings, weights.FromInt32("labels", []int{5}, labels[:5])}, []string{"labels has shape [5], want [6]", "one number for each row of embeddings"}},
		{"a table of labels", []weights.Tensor{embeddings, weights.FromInt32("labels", []int{n, 1}, labels)}, []string{"labels has shape [6 1], want [6]"}},
		{"labels as numbers with fractions", []weights.Tensor{embeddings, weights.FromFloat32("labels", []int{n}, data[:n])}, []string{`"labels"`, "F32", "store it as int32 or int64"}},
		{"negative label", []weights.Tensor{embeddings, weights.FromInt32("labels", []int{n}, []int32{0, 0, 0, 1, -1, 1})}, []string{"labels holds -1 in row 4", "from 0"}},
		{"more uncertainties", []weights.Tensor{embeddings, labelTensor, weights.FromFloat32("uncertainties", []int{7, 1}, make([]float32, 7))}, []string{"uncertainties has 7 rows", "one row an image"}},
		{"broken uncertainties", []weights.Tensor{embeddings, labelTensor, weights.FromFloat32("uncertainties", []int{n, 1}, []float32{1, 1, float32(math.NaN()), 1, 1, 1})}, []string{"uncertainties holds NaN in row 2, column 0"}},
		{"fewer clusters", []weights.Tensor{embeddings, labelTensor, weights.FromInt32("clusters", []int{2}, labels[:2])}, []string{"clusters has shape [2], want [6]"}},
	} {
		_, err := experiment.EvaluateEmbeddings(t.Context(), backendtest.Open(t), safetensors(t, test.tensors...), retrieval.DefaultOptions())
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q doesn't say %q", test.name, err, want)
			}
		}
	}
	if _, err := experiment.EvaluateEmbeddings(t.Context(), backendtest.Open(t), strings.NewReader("a text"), retrieval.DefaultOptions()); err == nil {
		t.Error("no error for a text")
	}
}
