// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/retrieval"
	"introspection/internal/backendtest"
)

// groups returns rows around the corners of a simplex, a corner for each class, with the labels.
func groups(classes, perClass int, noise float64) (retrieval.Matrix, []int) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := retrieval.Matrix{Rows: classes * perClass, Cols: classes}
	var labels []int
	for i := range x.Rows {
		labels = append(labels, i%classes)
		for c := range classes {
			v := noise * rng.NormFloat64()
			if c == i%classes {
				v++
			}
			x.Data = append(x.Data, float32(v))
		}
	}
	return x, labels
}

func TestEvaluate(t *testing.T) {
	x, labels := groups(5, 12, 0.05)
	labels[7] = 40 // a class of its own, in the midst of another
	options := retrieval.DefaultOptions()
	options.Ks = []int{1, 3, 1000}
	got, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), x, labels, options)
	if err != nil {
		t.Fatal(err)
	}
	if got.Queries != 60 || got.LoneQueries != 1 || got.Classes != 6 || !got.Clustered {
		t.Errorf("got %d queries, %d lone, %d classes, clustered %v", got.Queries, got.LoneQueries, got.Classes, got.Clustered)
	}
	if len(got.Neighbors) != 60 || len(got.Neighbors[0]) != 59 {
		t.Errorf("got %d lists of %d neighbors, want 60 of 59: R@1000 asks for all", len(got.Neighbors), len(got.Neighbors[0]))
	}
	for name, value := range got.Metrics() {
		if !(value > 0.8 && value <= 1) {
			t.Errorf("%s is %v for well separated groups", name, value)
		}
	}
	if want := 59. / 60; got.Recall[1000] != want {
		t.Errorf("R@1000 is %v, want %v: the lone query misses", got.Recall[1000], want)
	}
}

// TestEvaluateScale checks that the length of embeddings counts in nothing, k-means included.
func TestEvaluateScale(t *testing.T) {
	x, labels := groups(4, 20, 0.5)
	backend := backendtest.Open(t)
	evaluate := func() map[string]float64 {
		result, err := retrieval.Evaluate(t.Context(), backend, x, labels, retrieval.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		return result.Metrics()
	}
	want := evaluate()
	for i := range x.Data {
		x.Data[i] *= float32(math.Ldexp(1, i/x.Cols%7-3))
	}
	if diff := cmp.Diff(want, evaluate()); diff != "" {
		t.Errorf("scaled rows (-want +got):\n%s", diff)
	}
}

func TestEvaluateClusters(t *testing.T) {
	x, labels := groups(3, 4, 0.05)
	options := retrieval.DefaultOptions()
	options.Clusters = make([]int, len(labels))
	for i, label := range labels {
		options.Clusters[i] = -label
	}
	got, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), x, labels, options)
	if err != nil {
		t.Fatal(err)
	}
	if got.NMI != 1 || got.AMI != 1 || got.F1 != 1 {
		t.Errorf("clusters equal to the classes: NMI %v, AMI %v, F1 %v", got.NMI, got.AMI, got.F1)
	}
	options.Clustering = false
	got, err = retrieval.Evaluate(t.Context(), backendtest.Open(t), x, labels, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got.Metrics()["nmi"]; ok || got.Clustered || got.NMI != 0 {
		t.Errorf("without clustering: %+v", got.Metrics())
	}
}

// TestEvaluateLone evaluates classes of one row each, which leave nothing to find.
func TestEvaluateLone(t *testing.T) {
	x, _ := groups(3, 1, 0)
	got, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), x, []int{0, 1, 2}, retrieval.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got.LoneQueries != 3 || got.Recall[8] != 0 || got.RPrecision != 0 || got.MAPAtR != 0 {
		t.Errorf("got %+v", got.Metrics())
	}
}

func TestEvaluateFaults(t *testing.T) {
	good, goodLabels := groups(2, 3, 0.1)
	bad := retrieval.Matrix{Rows: good.Rows, Cols: good.Cols, Data: append([]float32{}, good.Data...)}
	bad.Row(4)[1] = float32(math.NaN())
	options := func(change func(*retrieval.Options)) retrieval.Options {
		o := retrieval.DefaultOptions()
		change(&o)
		return o
	}
	same := func(*retrieval.Options) {}
	tests := []struct {
		name   string
		x      retrieval.Matrix
		labels []int
		o      retrieval.Options
		want   string
	}{
		{"labels too few", good, goodLabels[:5], options(same), "5 labels for 6 embeddings"},
		{"a single row", retrieval.Matrix{Rows: 1, Cols: 1, Data: []float32{1}}, []int{0}, options(same), "1 embeddings: want at least 2"},
		{"no rows", retrieval.Matrix{}, nil, options(same), "0 embeddings"},
		{"NaN", bad, goodLabels, options(same), "row 4: value 1 is NaN"},
		{"negative label", good, []int{0, 0, 0, -3, 0, 0}, options(same), "row 3: its label is -3"},
		{"k of 0", good, goodLabels, options(func(o *retrieval.Options) { o.Ks = []int{1, 0} }), "k = 0"},
		{"clusters too many", good, goodLabels, options(func(o *retrieval.Options) { o.Clusters = make([]int, 7) }), "7 clusters for 6"},
		{"no iterations", good, goodLabels, options(func(o *retrieval.Options) { o.Iterations = 0 }), "0 iterations"},
		{"data too short", retrieval.Matrix{Rows: 6, Cols: 2, Data: good.Data[:11]}, goodLabels, options(same), "does not fit 11"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), test.x, test.labels, test.o)
			if err == nil || !strings.HasPrefix(err.Error(), "retrieval: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := retrieval.Evaluate(canceled, backendtest.Open(t), good, goodLabels, options(same))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got error %v", err)
	}
}

func TestResultJSON(t *testing.T) {
	r := retrieval.Result{
		Recall:     map[int]float64{10: 0.75, 2: 0.5, 1: 0.25},
		RPrecision: 0.125, MAPAtR: 0.0625, NMI: 1, AMI: -0.5, F1: 0,
		Queries: 8, LoneQueries: 1, Classes: 3, Clustered: true, Neighbors: [][]int{{1}},
	}
	want := `{"recall@1":0.25,"recall@2":0.5,"recall@10":0.75,"r_precision":0.125,"map@r":0.0625,` +
		`"nmi":1,"ami":-0.5,"f1":0,"queries":8,"lone_queries":1,"classes":3}`
	for _, v := range []any{r, &r} {
		got, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%T (-want +got):\n%s", v, diff)
		}
	}
	r.Clustered = false
	got, err := json.Marshal(r)
	if err != nil || strings.Contains(string(got), "nmi") {
		t.Errorf("without clusters: got %s, error %v", got, err)
	}
	r.RPrecision = math.NaN()
	if _, err := json.Marshal(r); err == nil || !strings.Contains(err.Error(), "r_precision") {
		t.Errorf("NaN: got error %v", err)
	}
}
