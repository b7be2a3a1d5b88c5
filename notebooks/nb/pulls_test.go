// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"math"
	"testing"

	"introspection/idml"
	"introspection/internal/backendtest"
	"introspection/plots"
)

// TestProbeContrastive asks the loss whose answers can be told by its formula: the distance of a pair of a class, and by how much one of two classes
// is nearer than the margin.
func TestProbeContrastive(t *testing.T) {
	const margin, tau = idml.ContrastiveMargin, idml.DefaultTau
	factor := func(alpha, beta float64) float64 { return math.Exp(-beta / (tau * alpha)) }
	slope := func(alpha, beta float64) float64 { return factor(alpha, beta) * (1 + beta/(tau*alpha)) } // of αk(α, β)
	tests := []struct {
		name  string
		form  idml.Form
		scene Scene
		want  Want
	}{
		{"far", idml.Plain, Scene{0.7, 1, 0}, Want{0.7, 1, 0}},
		{"near", idml.Plain, Scene{0.3, 0.4, 0}, Want{0.3 + margin - 0.4, 1, 1}},
		{"plain knows no uncertainty", idml.Plain, Scene{0.3, 0.4, 3}, Want{0.3 + margin - 0.4, 1, 1}},
		{"sure", idml.Paper, Scene{0.3, 0.4, 0}, Want{0.3 + margin - 0.4, 1, 1}},
		{
			"unsure", idml.Paper,
			Scene{0.3, 0.4, 2},
			Want{0.3*factor(0.3, 2) + margin - 0.4*factor(0.4, 2), slope(0.3, 2), slope(0.4, 2)},
		},
	}
	probes := map[idml.Form]*Probe{}
	for _, form := range []idml.Form{idml.Plain, idml.Paper} {
		p, err := NewProbe(backendtest.Open(t), "contrastive", form)
		if err != nil {
			t.Fatal(err)
		}
		probes[form] = p
	}
	for _, test := range tests {
		got, err := probes[test.form].Ask(test.scene)
		if err != nil {
			t.Fatal(err)
		}
		for i, pair := range [][2]float64{{got.Loss, test.want.Loss}, {got.Pull, test.want.Pull}, {got.Push, test.want.Push}} {
			if math.Abs(pair[0]-pair[1]) > 1e-4 {
				t.Errorf("%s: number %d is %v, want %v", test.name, i, pair[0], pair[1])
			}
		}
	}
}

// TestProbeSlopes holds pull and push of all losses against differences of their values.
func TestProbeSlopes(t *testing.T) {
	const step = 5e-3
	for _, info := range idml.Losses() {
		p, err := NewProbe(backendtest.Open(t), info.Name, idml.Paper)
		if err != nil {
			t.Fatal(err)
		}
		value := func(s Scene) float64 {
			w, err := p.Ask(s)
			if err != nil {
				t.Fatal(err)
			}
			return w.Loss
		}
		s := Scene{0.62, 0.68, 0.3} // so near that every loss has something to say, semi-hard mining included
		w, err := p.Ask(s)
		if err != nil {
			t.Fatal(err)
		}
		pull := (value(Scene{s.Own + step, s.Other, s.Beta}) - value(Scene{s.Own - step, s.Other, s.Beta})) / (2 * step)
		push := -(value(Scene{s.Own, s.Other + step, s.Beta}) - value(Scene{s.Own, s.Other - step, s.Beta})) / (2 * step)
		if tolerance := 0.02 * (1 + math.Abs(pull) + math.Abs(push)); math.Abs(w.Pull-pull) > tolerance || math.Abs(w.Push-push) > tolerance {
			t.Errorf("%s: pull %v and push %v, by differences %v and %v", info.Name, w.Pull, w.Push, pull, push)
		}
		if w.Pull <= 0 || w.Push < 0 || w.Push == 0 && info.Name != "contrastive" {
			t.Errorf("%s: pull %v and push %v", info.Name, w.Pull, w.Push)
		}
	}
}

func TestProbeCurves(t *testing.T) {
	p, err := NewProbe(backendtest.Open(t), "contrastive", idml.Plain)
	if err != nil {
		t.Fatal(err)
	}
	pull, push, err := p.Curves("x", 0, 20)
	if err != nil || len(pull.X) != len(pull.Y) || len(push.X) != len(push.Y) || pull.Name != "x" || push.Name != "x" {
		t.Fatalf("series %+v and %+v (%v)", pull, push, err)
	}
	if last := pull.X[len(pull.X)-1]; last > math.Sqrt(3) || last < 1.6 {
		t.Errorf("the last distance to the own class is %v; three points with two distances of 1 exist up to √3", last)
	}
	if first := push.X[0]; first < SceneOwn/2 {
		t.Errorf("the first distance to the other class is %v, from both of two points that are %v apart", first, SceneOwn)
	}
	proxies, err := NewProbe(backendtest.Open(t), "proxy-anchor", idml.Plain)
	if err != nil {
		t.Fatal(err)
	}
	if pull, push, err := proxies.Curves("x", 0, 20); err != nil || len(pull.X) != 20 || len(push.X) != 20 {
		t.Errorf("with proxies there are %d and %d distances, want all 20 (%v)", len(pull.X), len(push.X), err)
	}
	if _, err := p.Ask(Scene{Own: 1, Other: 0.4}); err == nil {
		t.Error("three points on a line that is too short")
	}
	if _, err := NewProbe(backendtest.Open(t), "none", idml.Plain); err == nil {
		t.Error("a loss without name")
	}
	if got := Reach(push); got != "0.35 to 0.45" { // of the distances asked for, those below the margin of 0.5
		t.Errorf("it pushes from %s", got)
	}
	if got := Reach(plots.Series{X: []float64{1}, Y: []float64{0}}); got != "nowhere" {
		t.Errorf("nothing is %q", got)
	}
	for _, test := range []struct{ in, want []float64 }{{[]float64{1, 4, -2}, []float64{0.25, 1, -0.5}}, {[]float64{0, -1}, []float64{0, -1}}} {
		got := Relative(plots.Series{X: make([]float64, len(test.in)), Y: test.in}).Y
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("relative: %v, want %v", got, test.want)
			}
		}
	}
}
