// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
)

func TestShort(t *testing.T) {
	tests := []struct {
		v    float64
		want string
	}{
		{0, "0.00"},
		{1.234, "1.23"},
		{-1.236, "−1.24"},
		{9.994, "9.99"},
		{12.34, "12.3"},
		{123.4, "123"},
		{1234567, "1.2e+06"},
		{0.01, "0.01"},
		{0.00123, "0.0012"},
		{-3e-7, "−3e-07"},
		{math.NaN(), "–"},
		{math.Inf(1), "∞"},
		{math.Inf(-1), "−∞"},
	}
	for _, tt := range tests {
		if got := short(tt.v); got != tt.want {
			t.Errorf("short(%v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	style := textStyle(smallSize, ink)
	const s = "Übergrößenträger"
	if got := fit(style, s, style.Width(s)); got != s {
		t.Errorf("enough room gives %q", got)
	}
	got := fit(style, s, style.Width(s)/2)
	if !strings.HasSuffix(got, "…") || !strings.HasPrefix(s, strings.TrimSuffix(got, "…")) || style.Width(got) > style.Width(s)/2 {
		t.Errorf("half the room gives %q", got)
	}
	if got := fit(style, s, 1); got != "" {
		t.Errorf("no room gives %q", got)
	}
}

func TestNiceStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	for range 1000 {
		span, n := math.Pow(10, 12*rng.Float64()-6), 1+rng.IntN(12)
		step := niceStep(span, n)
		if parts := span / step; parts > float64(n)+1e-6 || parts < float64(n)/2.5-1e-6 {
			t.Fatalf("niceStep(%v, %d) = %v", span, n, step)
		}
		mantissa := step / math.Pow(10, math.Floor(math.Log10(step*(1+1e-9))))
		if d := math.Min(math.Min(math.Abs(mantissa-1), math.Abs(mantissa-2)), math.Min(math.Abs(mantissa-2.5), math.Abs(mantissa-5))); d > 1e-6 {
			t.Fatalf("niceStep(%v, %d) = %v", span, n, step)
		}
	}
}

func TestNiceAxis(t *testing.T) {
	tests := []struct {
		low, high float64
		count     int
		widen     bool
		want      string
		min, max  float64
	}{
		{0.03, 0.63, 5, true, "0.0 0.2 0.4 0.6 0.8", 0, 0.8},
		{0.03, 0.63, 5, false, "0.2 0.4 0.6", 0.03, 0.63},
		{-0.25, 0.25, 4, true, "−0.4 −0.2 0.0 0.2 0.4", -0.4, 0.4},
		{-0.6, 0.6, 4, false, "−0.5 0.0 0.5", -0.6, 0.6},
		{0, 1, 4, true, "0.00 0.25 0.50 0.75 1.00", 0, 1},
		{0, 3000, 3, true, "0 1000 2000 3000", 0, 3000},
		{2, 2, 2, true, "1.8 2.0 2.2", 1.8, 2.2},
		{0, 0, 2, true, "−0.5 0.0 0.5", -0.5, 0.5},
	}
	for _, tt := range tests {
		p := newPlot("", "")
		niceAxis(&p.X, tt.low, tt.high, tt.count, tt.widen)
		var labels []string
		for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tt.want || math.Abs(p.X.Min-tt.min) > 1e-9 || math.Abs(p.X.Max-tt.max) > 1e-9 {
			t.Errorf("niceAxis(%v, %v, %d, %v): %s from %v to %v", tt.low, tt.high, tt.count, tt.widen, got, p.X.Min, p.X.Max)
		}
	}
}

func TestWholeTicks(t *testing.T) {
	for _, tt := range []struct {
		high float64
		want string
	}{{1, "0 1"}, {3, "0 1 2 3"}, {12, "0 2 4 6 8 10 12"}, {15, "0 5 10 15"}, {60, "0 10 20 30 40 50 60"}} {
		p := newPlot("", "")
		p.X.Min, p.X.Max = 0, tt.high
		wholeTicks(&p.X, 6)
		var labels []string
		for _, tick := range p.X.Tick.Marker.Ticks(0, tt.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("up to %v: %s", tt.high, got)
		}
	}
}

func TestSettings(t *testing.T) {
	got, err := settings([]byte(`{ "b": 1, "a": {"y": [1, 2], "x": null, "s": "text", "e": {} }, "l": [ {"k": true}, [ [3] ] ], "none": [], "n": 18446744073709551615 }`))
	if err != nil {
		t.Fatal(err)
	}
	want := []setting{
		{"b", "1"}, {"a.y", "[1, 2]"}, {"a.x", "null"}, {"a.s", "text"}, {"a.e", "none"}, {"l.0.k", "true"}, {"l.1.0", "[3]"}, {"none", "[]"}, {"n", "18446744073709551615"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := settings([]byte(`{"a"`)); err == nil {
		t.Error("no error for broken JSON")
	}
}

func TestWording(t *testing.T) {
	for got, want := range map[string]string{
		count(1, "epoch"): "1 epoch", count(0, "step"): "0 steps", count(1680, "query"): "1,680 queries", count(2, "class"): "2 classes", count(1, "class"): "1 class",
		thousands(-1234567): "−1,234,567", thousands(999): "999", thousands(-100): "−100",
		duration(3.25): "3.2 s", duration(112.4): "1 min 52 s", duration(3600): "1 h 00 min", duration(math.NaN()): "unknown time",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestThin checks that a long series keeps its ends' neighborhood, its order and its mean.
func TestThin(t *testing.T) {
	var s Series
	for i := range 10 * mostSteps {
		s.X, s.Y = append(s.X, float64(i)), append(s.Y, float64(i%10))
	}
	out := thin(s)
	if len(out.X) != mostSteps || out.Name != "mean of 10 steps" || out.X[0] != 4.5 || math.Abs(out.Y[7]-4.5) > 1e-12 {
		t.Errorf("%d points, %q, first x %v, y %v", len(out.X), out.Name, out.X[0], out.Y[7])
	}
	if got := thin(Series{Name: "a", X: []float64{1}, Y: []float64{2}}); got.Name != "a" {
		t.Errorf("a short series was changed: %v", got)
	}
}

func TestResumed(t *testing.T) {
	step := func(n int) runlog.Record { return runlog.Record{Kind: runlog.KindStep, Step: n} }
	eval := func(n int) runlog.Record { return runlog.Record{Kind: runlog.KindEval, Step: n} }
	got := resumed([]runlog.Record{eval(0), step(1), step(2), eval(2), step(3), step(4), step(3), step(4), eval(4), eval(4)})
	want := []runlog.Record{eval(0), step(1), step(2), eval(2), step(3), step(4), eval(4)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
