// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"introspection/internal/backendtest"
)

// Each optimizer moves a parameter as PyTorch's does (testdata/reference/make_optimizers.py).
func TestOptimizersAgainstPyTorch(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "reference", "optimizers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		LR          float64 `json:"lr"`
		WeightDecay float64 `json:"weight_decay"`
		Momentum    float64
		Start       []float32
		Gradients   [][]float32
		Values      map[string][][]float64
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range OptimizerNames() {
		c := OptimizerConfig{Name: name, ProxyFactor: 10, WeightDecay: want.WeightDecay, Momentum: want.Momentum, Clip: 100, Epsilon: AdamEpsilon}
		// The same moves at a tenth of the rate if the parameter is a proxy.
		for group, factor := range map[Group]float64{Backbone: 1, Proxies: 10} {
			p := Param{Name: "p", Group: group, Shape: []int{len(want.Start)}}
			m := &Model{parameters: []Param{p}, store: model.NewStore()}
			variable, err := m.store.CreateVariable(p.Name, tensors.FromValue(want.Start))
			if err != nil {
				t.Fatal(err)
			}
			o, err := newOptimizer(c, m)
			if err != nil {
				t.Fatal(err)
			}
			exec, err := model.NewExec(backendtest.Open(t), m.store, func(_ *model.Scope, in []*graph.Node) *graph.Node {
				o.update(p, in[0], in[1])
				return in[1]
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, gradient := range want.Gradients {
				if _, err := exec.Call(gradient, float32(want.LR/factor)); err != nil {
					t.Fatal(err)
				}
				value, err := variable.Value()
				if err != nil {
					t.Fatal(err)
				}
				for k, got := range tensors.MustCopyFlatData[float32](value) {
					if w := want.Values[name][i][k]; math.Abs(float64(got)-w) > 1e-6*max(1, math.Abs(w)) {
						t.Errorf("%s, group %d, step %d: value %d is %v, PyTorch's %v", name, group, i+1, k, got, w)
					}
				}
			}
		}
	}
	if diff := cmp.Diff([]string{"adam", "adamw", "rmsprop", "sgd"}, OptimizerNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
