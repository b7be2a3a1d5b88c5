// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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

func dot[T float32 | float64](a, b []T) (s float64) {
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// squared is ‖a + sign·b‖².
func squared[T float32 | float64](a, b []T, sign float64) (s float64) {
	for i := range a {
		d := float64(a[i]) + sign*float64(b[i])
		s += d * d
	}
	return s
}

func unit[T float32 | float64](a []T) []T {
	n := math.Sqrt(dot(a, a) + normalizeEpsilon)
	u := make([]T, len(a))
	for i := range a {
		u[i] = T(float64(a[i]) / n)
	}
	return u
}

// naiveProxyFactor states the factor of an image and a proxy once more, in plain float64. Constant takes the mean norm of u.
func naiveProxyFactor(m Metric, x, u, p []float64, meanNorm float64) float64 {
	switch m.Form {
	case Paper, Constant:
		beta := math.Sqrt(dot(u, u))
		if m.Form == Constant {
			beta = meanNorm
		}
		return math.Exp(-beta / (m.Tau * math.Sqrt(max(squared(unit(x), unit(p), -1), smallestSquaredDistance))))
	case Released:
		return math.Exp(-(dot(unit(u), unit(u)) + 4) / (m.Tau * max(squared(x, p, -1), smallestSquaredDistance)))
	case ReleasedRaw:
		return math.Exp(-(dot(u, u) + 4) / (m.Tau * max(squared(x, p, -1), smallestSquaredDistance)))
	}
	return 1
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
				b := naiveBatch{s: float64Rows(x), u: float64Rows(u), p: float64Rows(p)}
				for i, row := range naiveProxySimilarities(m, b, b) {
					for k, want := range row {
						if math.Abs(float64(out[i][k])-want) > 1e-5 {
							t.Fatalf("similarity of %d to proxy %d is %v, want %v", i, k, out[i][k], want)
						}
					}
				}
			})
		}
	}
}

func TestPairsAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	s, u := randomRows(rng, 9, 5, 0.4), randomRows(rng, 9, 5, 1) // rows of about length 1, as embeddings are
	s[3] = s[7]
	for _, form := range []Form{Plain, Constant, Paper} {
		m := Metric{form, 2}
		out := run(t, func(in []*Node) []*Node {
			p := m.Pairs(Embedding{in[0], in[1]})
			gradient := Gradient(ReduceAllSum(p.Alpha), in[0])[0]
			return []*Node{p.Alpha, p.Distance, p.SquaredDistance, p.Similarity, ConvertDType(p.Equal, p.Alpha.DType()), gradient}
		}, s, u)
		b := naiveBatch{s: float64Rows(s), u: float64Rows(u)}
		pairs := naivePairs(m, b, b)
		for k, want := range [][][]float64{pairs.alpha, pairs.distance, pairs.squared, pairs.similarity} {
			got := out[k].Value().([][]float32)
			for i := range s {
				for j := range s {
					// Rounding decides about |a|²+|b|²−2ab of equal rows; see TestFinite.
					if i != j && math.Abs(float64(got[i][j])-want[i][j]) > 1e-4*(1+math.Abs(want[i][j])) {
						t.Errorf("%s: output %d of %d and %d is %v, want %v", form, k, i, j, got[i][j], want[i][j])
					}
				}
			}
		}
		for i, row := range out[4].Value().([][]float32) {
			for j, equal := range row {
				if same := i == j || i+j == 10 && i*j == 21; same != (equal == 1) {
					t.Errorf("%s: rows %d and %d are equal: %v, want %v", form, i, j, equal, same)
				}
			}
		}
		for _, v := range tensors.MustCopyFlatData[float32](out[5]) {
			if v != 0 {
				t.Fatalf("%s: a gradient passes through Alpha", form)
			}
		}
	}
}

// Two images have no distance in the forms for proxies.
func TestPairsOfReleasedForms(t *testing.T) {
	for _, form := range Forms {
		exec, err := NewExec(backendtest.Open(t), func(in []*Node) *Node { return Metric{form, 5}.Pairs(Embedding{in[0], in[0]}).Distance })
		if err != nil {
			t.Fatal(err)
		}
		_, err = exec.Call([][]float32{{1, 0}, {0, 1}})
		if (err != nil) != form.ForProxiesOnly() || err != nil && !strings.Contains(err.Error(), string(form)) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// Without uncertainty the paper's form is the plain one, and so is the constant one.
func TestZeroUncertaintyIsPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	s, p := randomRows(rng, 8, 6, 1), randomRows(rng, 4, 6, 1)
	zero := randomRows(rng, 8, 6, 0)
	for i := range s {
		s[i] = unit(s[i])
	}
	for _, form := range []Form{Constant, Paper} {
		out := run(t, func(in []*Node) []*Node {
			e := Embedding{in[0], in[1]}
			plain, other := Metric{Plain, DefaultTau}, Metric{form, DefaultTau}
			x, y := plain.Pairs(e), other.Pairs(e)
			largest := func(a, b *Node) *Node { return ReduceAllMax(Abs(Sub(a, b))) }
			return []*Node{
				largest(plain.ProxySimilarity(e, in[2]), other.ProxySimilarity(e, in[2])),
				largest(x.Distance, y.Distance), largest(x.SquaredDistance, y.SquaredDistance), largest(x.Similarity, y.Similarity),
			}
		}, s, zero, p)
		for i, what := range []string{"similarity to proxies", "distance", "squared distance", "similarity"} {
			if d := tensors.ToScalar[float32](out[i]); !(d <= 1e-5) {
				t.Errorf("%s: %s and plain differ by %v at zero uncertainty", what, form, d)
			}
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
			loss := proxyAnchor().Value(m, LossInput{Embedding: e, Labels: in[3], Proxies: in[2]})
			if !form.ForProxiesOnly() {
				p := m.Pairs(e)
				loss = Add(loss, ReduceAllMean(Add(p.Distance, Add(p.SquaredDistance, p.Similarity))))
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
	for _, form := range Forms {
		m := Metric{form, DefaultTau}
		out := run(t, func(in []*Node) []*Node {
			loss := proxyAnchor().Value(m, LossInput{Embedding: Embedding{in[0], in[1]}, Labels: in[3], Proxies: in[2]})
			g := Gradient(loss, in[0], in[1])
			return []*Node{L2Norm(g[0]), L2Norm(g[1])}
		}, x, u, p, labels)
		ratio := float64(tensors.ToScalar[float32](out[1])) / float64(tensors.ToScalar[float32](out[0]))
		if m.TrainsUncertainty() != (ratio > 1e-3) || (!m.TrainsUncertainty() && ratio >= 1e-5) {
			t.Errorf("%s: the uncertainty's gradient is %.2g of the semantic one's, TrainsUncertainty is %v", form, ratio, m.TrainsUncertainty())
		}
	}
}
