// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
)

// heldOutRun writes a finished run of two epochs, with R@1 on the test classes and, after the last epoch, on held-out ones.
func heldOutRun(t *testing.T, form idml.Form, rate float64, seed uint64, test, held float64) string {
	t.Helper()
	dir := predictedRun(t, randomQueries(seed, test), func(c *idml.Config) {
		c.Metric.Form, c.Optimizer.LearningRate, c.Seed, c.Data.Validation = form, rate, seed, 0.25
	})
	run := openRun(t, dir)
	results, err := run.Results()
	if err != nil {
		t.Fatal(err)
	}
	results.Epochs = 2
	if err := run.WriteResults(results); err != nil {
		t.Fatal(err)
	}
	for epoch, recall := range []float64{1 - held, held} {
		if err := run.AppendRecord(runlog.Record{Kind: runlog.KindEval, Epoch: epoch + 1, Metrics: map[string]float64{"recall@1": recall}}); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each form gets the rate that did best on held-out classes over both seeds, though another did better on the test classes; forms with different rates are
// paired.
func TestCompareChooses(t *testing.T) {
	nan := math.NaN()
	var dirs []string
	for _, r := range []struct {
		form idml.Form
		rate float64
		test [2]float64
		held [2]float64
	}{
		{idml.Plain, 0.001, [2]float64{0.9, 0.9}, [2]float64{0.5, 0.7}},
		{idml.Plain, 0.002, [2]float64{0.4, 0.4}, [2]float64{0.9, 0.4}},
		{idml.Paper, 0.001, [2]float64{0.2, 0.2}, [2]float64{0.3, 0.3}},
		{idml.Paper, 0.002, [2]float64{0.7, 0.7}, [2]float64{nan, 0.9}},
	} {
		for seed := range uint64(2) {
			dirs = append(dirs, heldOutRun(t, r.form, r.rate, seed, r.test[seed], r.held[seed]))
		}
	}
	list, err := experiment.Compare(dirs, "optimizer.lr")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range list[0].Groups[2:] {
		got = append(got, fmt.Sprintf("%s: %d", g.Name, len(g.Seeds)))
	}
	want := []string{"proxy-anchor plain + mixup, optimizer.lr=0.002: 2", "proxy-anchor paper + mixup, optimizer.lr=0.001: 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	pairs := list[0].PlainPairs()
	if len(pairs) != 1 || !strings.Contains(pairs[0].Name, "paper") {
		t.Errorf("pairs %+v", pairs)
	}
	if list[0].Seconds != 40 {
		t.Errorf("%v s, want those of the four runs that were chosen", list[0].Seconds)
	}
}

func TestCompareChooseFaults(t *testing.T) {
	a, b := heldOutRun(t, idml.Plain, 0.001, 0, 0.5, 0.5), heldOutRun(t, idml.Plain, 0.002, 1, 0.5, 0.5)
	nothing := fakeRun(t, 0.5, runlog.StatusFinished, func(*idml.Config) {})
	for name, test := range map[string]struct {
		dirs []string
		key  string
		want string
	}{
		"an unknown key":     {[]string{a}, "optimizer.rate", `no setting is called "optimizer.rate"`},
		"other seeds":        {[]string{a, b}, "optimizer.lr", "each value needs the same seeds: optimizer.lr=0.001 has [0], optimizer.lr=0.002 has [1]"},
		"nothing held out":   {[]string{nothing}, "optimizer.lr", "data.validation is 0"},
		"the seed is varied": {[]string{a, b}, "seed", "seed is nothing to choose"},
	} {
		if _, err := experiment.Compare(test.dirs, test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
