// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"introspection/idml/retrieval"
	"introspection/internal/backendtest"
)

// TestReference compares with metrics.json of the reference implementation, NumPy and scikit-learn in float64, in the folder that
// IDML_REFERENCE names, else in testdata/reference: retrieval and clustering metrics of embeddings with a class of one
// image. They are fractions of counts, so that only the order of sums may differ: 1e-9.
func TestReference(t *testing.T) {
	folder := cmp.Or(os.Getenv("IDML_REFERENCE"), filepath.Join("..", "..", "testdata", "reference"))
	data, err := os.ReadFile(filepath.Join(folder, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Embeddings       [][]float32
		Labels, Clusters []int
		Expected         map[string]float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for at, c := range cases {
		t.Run(fmt.Sprintf("case %d, %d rows", at, len(c.Labels)), func(t *testing.T) {
			x := retrieval.Matrix{Rows: len(c.Embeddings), Cols: len(c.Embeddings[0])}
			for _, row := range c.Embeddings {
				x.Data = append(x.Data, row...)
			}
			options := retrieval.DefaultOptions()
			options.Ks = []int{1, 2, 4, 8, 10}
			options.Clusters = c.Clusters
			result, err := retrieval.Evaluate(t.Context(), backendtest.Open(t), x, c.Labels, options)
			if err != nil {
				t.Fatal(err)
			}
			got := result.Metrics()
			if len(c.Expected) != len(got) || len(got) != 10 {
				t.Errorf("got %d metrics, want %d: those of the reference", len(got), len(c.Expected))
			}
			for name, want := range c.Expected {
				if value, ok := got[name]; !ok || !(math.Abs(value-want) <= 1e-9) {
					t.Errorf("%s: got %v, want %v", name, value, want)
				}
			}
			if result.LoneQueries < 1 {
				t.Error("no class has one image: the case doesn't show how such queries count")
			}
		})
	}
}
