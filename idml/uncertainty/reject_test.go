// SPDX-License-Identifier: Apache-2.0

package uncertainty

import (
	"math"
	"math/rand/v2"
	"testing"
)

// By hand: of four images with scores 1, 2, 3, 4, the second and the last are wrong. The errors of the first 1, 2, 3, 4 are 0, 1/2, 1/3, 2/4; in the perfect order 0, 0,
// 1/3, 2/4.
func TestReject(t *testing.T) {
	scores, wrong := []float64{3, 1, 4, 2}, []bool{false, false, true, true}
	r := NewReject(scores, wrong, 4, Bootstrap{})
	area, perfect := (0+1./2+1./3+1./2)/4, (1./3+1./2)/4
	for name, test := range map[string][2]float64{
		"error": {r.Error.Value, 0.5}, "area": {r.Area.Value, area}, "perfect": {r.Perfect.Value, perfect},
		"gain": {r.Gain.Value, (0.5 - area) / (0.5 - perfect)},
	} {
		if !near(test[0], test[1]) {
			t.Errorf("%s is %v, want %v", name, test[0], test[1])
		}
	}
	want := []RejectPoint{{0, Estimate{Value: 0.5}}, {0.25, Estimate{Value: 1. / 3}}, {0.5, Estimate{Value: 0.5}}, {0.75, Estimate{Value: 0}}}
	if len(r.Curve) != len(want) {
		t.Fatalf("%d points", len(r.Curve))
	}
	for k, p := range r.Curve {
		if p.Rejected != want[k].Rejected || !near(p.Error.Value, want[k].Error.Value) {
			t.Errorf("point %d is %+v, want %+v", k, p, want[k])
		}
	}
}

// The order of the right answers' certainty has the gain 1, its reverse one below 0, equal scores 0.
func TestRejectEnds(t *testing.T) {
	wrong := []bool{true, false, false, true, false, false}
	score := func(f func(bool) float64) (list []float64) {
		for _, w := range wrong {
			list = append(list, f(w))
		}
		return list
	}
	sign := map[bool]float64{true: 1, false: -1}
	if got := NewReject(score(func(w bool) float64 { return sign[w] }), wrong, 1, Bootstrap{}).Gain.Value; !near(got, 1) {
		t.Errorf("the perfect score has the gain %v", got)
	}
	if got := NewReject(score(func(w bool) float64 { return -sign[w] }), wrong, 1, Bootstrap{}).Gain.Value; got > -0.5 {
		t.Errorf("the reverse has the gain %v", got)
	}
	r := NewReject(score(func(bool) float64 { return 3 }), wrong, 3, Bootstrap{Resamples: 40})
	if !near(r.Gain.Value, 0) || !near(r.Gain.Low, 0) || !near(r.Gain.High, 0) || !near(r.Curve[2].Error.Value, 1./3) {
		t.Errorf("equal scores: %+v", r)
	}
	for _, all := range []bool{true, false} {
		if r := NewReject([]float64{1, 2}, []bool{all, all}, 2, Bootstrap{Resamples: 40}); r.Gain.Exists() || !r.Area.Exists() {
			t.Errorf("all wrong is %v: %+v", all, r)
		}
	}
	if r := NewReject(nil, nil, 5, Bootstrap{Resamples: 40}); r.Area.Exists() || len(r.Curve) != 0 {
		t.Errorf("no images: %+v", r)
	}
}

// With ties, the curve is the mean over the orders of equal scores: here, over many random ones.
func TestRejectTies(t *testing.T) {
	const n, orders = 15, 20000
	rng := rand.New(rand.NewPCG(1, 9))
	scores, wrong := make([]float64, n), make([]bool, n)
	for i := range n {
		scores[i], wrong[i] = float64(rng.IntN(3)), rng.IntN(3) == 0
	}
	want := NewReject(scores, wrong, 1, Bootstrap{}).Area.Value
	sum := 0.0
	for range orders {
		broken := make([]float64, n)
		for i := range n {
			broken[i] = scores[i] + rng.Float64()/2
		}
		sum += NewReject(broken, wrong, 1, Bootstrap{}).Area.Value
	}
	if got := sum / orders; math.Abs(got-want) > 0.003 {
		t.Errorf("the mean over orders is %v, want %v", got, want)
	}
}
