// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/internal/backendtest"
)

// randomRows returns [n, d] values from N(0, scale²).
func randomRows(rng *rand.Rand, n, d int, scale float64) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, d)
		for j := range x[i] {
			x[i][j] = float32(rng.NormFloat64() * scale)
		}
	}
	return x
}

func dot(a, b []float32) (s float64) {
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// squared is ‖a + sign·b‖².
func squared(a, b []float32, sign float64) (s float64) {
	for i := range a {
		d := float64(a[i]) + sign*float64(b[i])
		s += d * d
	}
	return s
}

func unit(a []float32) []float32 {
	n := math.Sqrt(dot(a, a) + normalizeEpsilon)
	u := make([]float32, len(a))
	for i := range a {
		u[i] = float32(float64(a[i]) / n)
	}
	return u
}

// naiveProxySimilarity states the forms once more, in plain float64.
func naiveProxySimilarity(m Metric, x, u, p []float32) float64 {
	cos := dot(unit(x), unit(p))
	var k float64
	switch m.Form {
	case Plain:
		k = 1
	case Paper:
		alpha := math.Sqrt(max(squared(unit(x), unit(p), -1), smallestSquaredDistance))
		k = math.Exp(-math.Sqrt(dot(u, u)) / (m.Tau * alpha))
	case Released:
		k = math.Exp(-(dot(unit(u), unit(u)) + 4) / (m.Tau * max(squared(x, p, -1), smallestSquaredDistance)))
	case ReleasedRaw:
		k = math.Exp(-(dot(u, u) + 4) / (m.Tau * max(squared(x, p, -1), smallestSquaredDistance)))
	}
	return 1 - (1-cos)*k
}

func TestProxySimilarityAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, form := range Forms {
		for _, tau := range []float64{0.5, 5} {
			t.Run(fmt.Sprintf("%s/tau=%g", form, tau), func(t *testing.T) {
				m := Metric{form, tau}
				x, u, p := randomRows(rng, 7, 6, 1), randomRows(rng, 7, 6, 0.7), randomRows(rng, 5, 6, 1)
				out := run(t, func(in []*Node) []*Node {
					return []*Node{m.ProxySimilarity(Embedding{in[0], in[1]}, in[2])}
				}, x, u, p)[0].Value().([][]float32)
				for i := range x {
					for k := range p {
						want := naiveProxySimilarity(m, x[i], u[i], p[k])
						if math.Abs(float64(out[i][k])-want) > 1e-5 {
							t.Fatalf("similarity of %d to proxy %d is %v, want %v", i, k, out[i][k], want)
						}
					}
				}
			})
		}
	}
}

func TestDistanceAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	s, u := randomRows(rng, 9, 5, 1), randomRows(rng, 9, 5, 1)
	for _, form := range []Form{Plain, Paper} {
		out := run(t, func(in []*Node) []*Node {
			e := Embedding{in[0], in[1]}
			return []*Node{Metric{form, 2}.Distance(e, e)}
		}, s, u)[0].Value().([][]float32)
		for i := range s {
			for j := range s {
				if i == j { // rounding decides what a distance of 0 becomes; see TestFinite
					continue
				}
				want := math.Sqrt(squared(s[i], s[j], -1))
				if form == Paper {
					want = IntrospectiveDistance(want, math.Sqrt(squared(u[i], u[j], 1)), 2)
				}
				if got := float64(out[i][j]); math.Abs(got-want) > 1e-4 {
					t.Errorf("%s: distance of %d and %d is %v, want %v", form, i, j, got, want)
				}
				if out[i][j] != out[j][i] && math.Abs(float64(out[i][j]-out[j][i])) > 1e-6 {
					t.Errorf("%s: not symmetric at %d, %d", form, i, j)
				}
			}
		}
	}
}

// Without uncertainty the paper's form is the plain one.
func TestZeroUncertaintyIsPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	s, p := randomRows(rng, 8, 6, 1), randomRows(rng, 4, 6, 1)
	zero := randomRows(rng, 8, 6, 0)
	out := run(t, func(in []*Node) []*Node {
		e := Embedding{in[0], in[1]}
		plain, paper := Metric{Plain, DefaultTau}, Metric{Paper, DefaultTau}
		return []*Node{
			ReduceAllMax(Abs(Sub(plain.ProxySimilarity(e, in[2]), paper.ProxySimilarity(e, in[2])))),
			ReduceAllMax(Abs(Sub(plain.Distance(e, e), paper.Distance(e, e)))),
		}
	}, s, zero, p)
	for i, what := range []string{"similarity to proxies", "distance"} {
		if d := tensors.ToScalar[float32](out[i]); !(d <= 1e-5) {
			t.Errorf("%s: paper and plain differ by %v at zero uncertainty", what, d)
		}
	}
}

// More uncertainty brings a pair closer, and never past 0.
func TestIntrospectiveDistanceFalls(t *testing.T) {
	for _, alpha := range []float64{0, 0.1, 1, 2} {
		last := math.Inf(1)
		for beta := 0.0; beta < 20; beta += 0.5 {
			d := IntrospectiveDistance(alpha, beta, DefaultTau)
			if d > last || d < 0 || d > alpha || math.IsNaN(d) {
				t.Errorf("D(%v, %v) = %v after %v", alpha, beta, d, last)
			}
			last = d
		}
	}
}

// Values and gradients are finite where embeddings equal proxies or each other, and for no and much uncertainty.
func TestFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	base := randomRows(rng, 6, 8, 1)
	for i := range base {
		base[i] = unit(base[i])
	}
	equal := [][]float32{base[0], base[0], base[1], base[1], base[2], base[0]}
	uncertainties := map[string][][]float32{"u=0": randomRows(rng, 6, 8, 0), "u~1": randomRows(rng, 6, 8, 1), "|u|=100": randomRows(rng, 6, 8, 0)}
	for i := range uncertainties["|u|=100"] {
		uncertainties["|u|=100"][i][i] = 100
	}
	labels := []int32{0, 0, 1, 1, 2, 2}
	for _, form := range Forms {
		m := Metric{form, DefaultTau}
		exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
			e := Embedding{in[0], in[1]}
			loss := proxyAnchor().Value(m, e, in[3], in[2])
			if form == Plain || form == Paper {
				loss = Add(loss, ReduceAllMean(m.Distance(e, e)))
			}
			return append([]*Node{loss}, Gradient(loss, in[0], in[1], in[2])...)
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, u := range uncertainties {
			out, err := exec.Call(equal, u, base[:3], labels)
			if err != nil {
				t.Fatal(err)
			}
			for i, tensor := range out {
				for _, v := range tensors.MustCopyFlatData[float32](tensor) {
					if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
						t.Fatalf("%s, %s: output %d holds %v", form, name, i, v)
					}
				}
			}
		}
		exec.Finalize()
	}
}

// The loss teaches the uncertainty head in paper and released-raw; in released its gradient is below 1e-5 of the semantic one's.
func TestWhichFormsTeachUncertainty(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	x, u, p := randomRows(rng, 12, 16, 1), randomRows(rng, 12, 16, 0.3), randomRows(rng, 4, 16, 0.7)
	for i := range x {
		x[i] = unit(x[i])
	}
	labels := []int32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}
	for _, form := range []Form{Released, ReleasedRaw, Paper} {
		m := Metric{form, DefaultTau}
		out := run(t, func(in []*Node) []*Node {
			loss := proxyAnchor().Value(m, Embedding{in[0], in[1]}, in[3], in[2])
			g := Gradient(loss, in[0], in[1])
			return []*Node{L2Norm(g[0]), L2Norm(g[1])}
		}, x, u, p, labels)
		ratio := float64(tensors.ToScalar[float32](out[1])) / float64(tensors.ToScalar[float32](out[0]))
		if m.TrainsUncertainty() != (ratio > 1e-3) || (!m.TrainsUncertainty() && ratio >= 1e-5) {
			t.Errorf("%s: the uncertainty's gradient is %.2g of the semantic one's, TrainsUncertainty is %v", form, ratio, m.TrainsUncertainty())
		}
	}
}
