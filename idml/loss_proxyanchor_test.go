// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// naiveProxyAnchor states the loss in plain float64 loops.
func naiveProxyAnchor(l ProxyAnchor, similarity [][]float32, labels []int32) float64 {
	classes := len(similarity[0])
	var pull, push float64
	present := 0
	for k := range classes {
		var pos, neg float64
		found := false
		for i, row := range similarity {
			if int(labels[i]) == k {
				pos += math.Exp(-l.Scale * (float64(row[k]) - l.Margin))
				found = true
			} else {
				neg += math.Exp(l.Scale * (float64(row[k]) + l.Margin))
			}
		}
		if found {
			present++
		}
		pull += math.Log1p(pos)
		push += math.Log1p(neg)
	}
	return pull/float64(present) + push/float64(classes)
}

func TestProxyAnchorAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for name, labels := range map[string][]int32{
		"mixed": {0, 1, 2, 3, 0, 1}, "one class": {2, 2, 2, 2, 2, 2}, "absent classes": {0, 0, 1, 1, 1, 1}, "one each": {0, 1, 2, 3, 4, 5},
	} {
		for _, l := range []ProxyAnchor{proxyAnchor(), {Scale: 4, Margin: -0.2}, {Scale: 80, Margin: 0.5}} {
			similarity := randomRows(rng, 6, 6, 0.3)
			out := run(t, func(in []*Node) []*Node {
				loss := l.ofSimilarity(in[0], in[1])
				return []*Node{loss, Gradient(loss, in[0])[0]}
			}, similarity, labels)
			got, want := float64(tensors.ToScalar[float32](out[0])), naiveProxyAnchor(l, similarity, labels)
			if math.Abs(got-want) > 1e-5*math.Abs(want) {
				t.Errorf("%s, %+v: loss %v, want %v", name, l, got, want)
			}
			checkGradient(t, name, func(x [][]float32) float64 { return naiveProxyAnchor(l, x, labels) }, similarity, out[1].Value().([][]float32))
		}
	}
}

// checkGradient compares a gradient with central differences of f.
func checkGradient(t *testing.T, name string, f func([][]float32) float64, x, got [][]float32) {
	t.Helper()
	const h = 1e-3
	for i := range x {
		for j := range x[i] {
			old := x[i][j]
			x[i][j] = old + h
			up, above := f(x), float64(x[i][j])
			x[i][j] = old - h
			down, below := f(x), float64(x[i][j])
			x[i][j] = old
			want := (up - down) / (above - below)
			if math.Abs(float64(got[i][j])-want) > 1e-2*(math.Abs(want)+0.1) {
				t.Errorf("%s: gradient [%d][%d] is %v, differences give %v", name, i, j, got[i][j], want)
			}
		}
	}
}

// A scale at which the sums overflow float32 still gives the loss.
func TestProxyAnchorDoesNotOverflow(t *testing.T) {
	similarity, labels := [][]float32{{-1, 1}, {1, -1}}, []int32{0, 1}
	l := ProxyAnchor{Scale: 200, Margin: 0.1}
	out := run(t, func(in []*Node) []*Node {
		loss := l.ofSimilarity(in[0], in[1])
		return []*Node{loss, Gradient(loss, in[0])[0]}
	}, similarity, labels)
	want := naiveProxyAnchor(l, similarity, labels)
	if got := float64(tensors.ToScalar[float32](out[0])); math.Abs(got-want) > 1e-5*want {
		t.Errorf("loss %v, want %v", got, want)
	}
	for _, v := range tensors.MustCopyFlatData[float32](out[1]) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Errorf("gradient holds %v", v)
		}
	}
}
