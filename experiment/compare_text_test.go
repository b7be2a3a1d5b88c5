// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"math"
	"testing"

	"introspection/experiment"
)

func TestMeanText(t *testing.T) {
	for _, test := range []struct {
		mean, deviation float64
		want            string
	}{
		{0.7123, 0.0044, "0.712 ± 0.004"}, {0.5, math.NaN(), "0.500"}, {math.NaN(), math.NaN(), "–"}, {0, 0, "0.000 ± 0.000"},
	} {
		if got := experiment.MeanText(test.mean, test.deviation); got != test.want {
			t.Errorf("MeanText(%v, %v) = %q, want %q", test.mean, test.deviation, got, test.want)
		}
	}
}

func TestSignedText(t *testing.T) {
	for v, want := range map[float64]string{0.0123: "+0.012", -0.5: "−0.500", -0.0004: "0.000", 0: "0.000"} {
		if got := experiment.SignedText(v); got != want {
			t.Errorf("SignedText(%v) = %q, want %q", v, got, want)
		}
	}
	if got := experiment.SignedText(math.NaN()); got != "–" {
		t.Errorf("NaN: %q", got)
	}
	i := experiment.Interval{Low: -0.0151, High: 0.2}
	if got := experiment.IntervalText(i); got != "[−0.015, 0.200]" {
		t.Errorf("IntervalText = %q", got)
	}
	if got := experiment.SignedIntervalText(i); got != "[−0.015, +0.200]" {
		t.Errorf("SignedIntervalText = %q", got)
	}
	none := experiment.Interval{Low: math.NaN(), High: math.NaN()}
	if experiment.IntervalText(none) != "–" || experiment.SignedIntervalText(none) != "–" {
		t.Error("the text of no interval")
	}
}
