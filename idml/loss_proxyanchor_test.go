// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// naiveProxyAnchor states the loss of similarities to proxies in plain float64 loops.
func naiveProxyAnchor(l ProxyAnchor, similarity [][]float64, labels []int32) float64 {
	classes := len(similarity[0])
	var pull, push float64
	present := 0
	for k := range classes {
		var pos, neg float64
		found := false
		for i, row := range similarity {
			if int(labels[i]) == k {
				pos += math.Exp(-l.Scale * (row[k] - l.Margin))
				found = true
			} else {
				neg += math.Exp(l.Scale * (row[k] + l.Margin))
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

// A scale at which the sums overflow float32 still gives the loss.
func TestProxyAnchorDoesNotOverflow(t *testing.T) {
	similarity, labels := [][]float32{{-1, 1}, {1, -1}}, []int32{0, 1}
	l := ProxyAnchor{Scale: 200, Margin: 0.1}
	out := run(t, func(in []*Node) []*Node {
		loss := l.ofSimilarity(in[0], in[1])
		return []*Node{loss, Gradient(loss, in[0])[0]}
	}, similarity, labels)
	want := naiveProxyAnchor(l, float64Rows(similarity), labels)
	if got := float64(tensors.ToScalar[float32](out[0])); math.Abs(got-want) > 1e-5*want {
		t.Errorf("loss %v, want %v", got, want)
	}
	for _, v := range tensors.MustCopyFlatData[float32](out[1]) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Errorf("gradient holds %v", v)
		}
	}
}
