// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

func TestUncertaintyRoundTrip(t *testing.T) {
	run := create(t)
	if _, err := run.Uncertainty(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none yet: %v", err)
	}
	nan := math.NaN()
	want := runlog.Uncertainty{
		Checkpoint: runlog.Checkpoint{Epoch: 2, Step: 40, SHA256: "ab"}, Seed: math.MaxUint64, Images: 4, Classes: 2, Unseen: "clothing", Right: 0.5, Wrong: "wrong R@1",
		Over: runlog.OverClasses, Resamples: 40, BootstrapSeed: 1, Scores: []runlog.UncertaintyScore{{Name: "norm", Title: "‖u‖"}},
		Measures: []runlog.UncertaintyMeasure{{
			Quantity: runlog.QuantityAUROC, Of: "noise 1", Chance: 0.5,
			Values: map[string]uncertainty.Estimate{"norm": {Value: 0.75, Low: nan, High: nan}},
		}},
		Reject: map[string]uncertainty.Reject{"norm": {Gain: uncertainty.Estimate{Value: nan, Low: nan, High: nan}, Curve: []uncertainty.RejectPoint{{Rejected: 0.5}}}},
		Clean:  []float64{1, 2.5}, Corrupted: []runlog.CorruptedUncertainty{{Kind: "noise", Strength: 1, Values: []float64{3}}},
		Mixing:     &runlog.MixingUncertainty{Lambdas: []float64{0, 1}, Pairs: []runlog.MixPair{{First: 3, Second: 1, Uncertainty: []float64{1, 2}}}},
		Projection: &runlog.Projection{Explained: [2]float64{0.5, 0.25}, Points: []runlog.Place{{Index: 3, Label: 1, Class: "b", PCA: [2]float64{1, -1}}}},
	}
	if err := run.WriteUncertainty(want); err != nil {
		t.Fatal(err)
	}
	got, err := run.Uncertainty()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(run.Path("uncertainty.json"))
	if err != nil || bytes.Count(data, []byte("\n")) != 1 || !strings.Contains(string(data), `"checkpoint":{"epoch":2,"step":40,"sha256":"ab"}`) {
		t.Errorf("%v, %s", err, data)
	}
	if err := os.WriteFile(run.Path("uncertainty.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	var format *runlog.FormatError
	if _, err := run.Uncertainty(); !errors.As(err, &format) || !strings.HasSuffix(format.File, "uncertainty.json") {
		t.Errorf("a broken file: %v", err)
	}
	if name := want.Measures[0].Name(); name != "AUROC, noise 1" {
		t.Errorf("name %q", name)
	}
}
