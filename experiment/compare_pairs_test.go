// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/runlog"
)

// A query of fake predictions: its class and name, and the rank of its nearest right image, 0 for none among 8.
type query struct {
	class, name string
	rank        int
}

// predictedRun writes a finished run with predictions of queries. Its R@1 and R@4 are those of the predictions.
func predictedRun(t *testing.T, queries []query, change func(*idml.Config)) string {
	t.Helper()
	hits := map[int]float64{}
	for _, q := range queries {
		for _, k := range []int{1, 4, 100} {
			if q.rank > 0 && q.rank <= k {
				hits[k] += 1 / float64(len(queries))
			}
		}
	}
	dir := fakeRun(t, hits[1], runlog.StatusFinished, change)
	run, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	results, err := run.Results()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range results.Rows {
		row.Metrics["recall@4"], row.Metrics["recall@100"], row.Metrics["map@r"] = hits[4], hits[100], 0.1
	}
	if err := run.WriteResults(results); err != nil {
		t.Fatal(err)
	}
	var predictions []runlog.Prediction
	for i, q := range queries {
		p := runlog.Prediction{Index: i, Name: q.name, Class: q.class, Correct: q.rank == 1}
		for n := 1; n <= 8; n++ {
			p.Nearest = append(p.Nearest, runlog.Neighbor{Correct: n == q.rank || q.rank > 0 && n > q.rank && n%3 == 0})
		}
		predictions = append(predictions, p)
	}
	if err := run.WritePredictions(predictions); err != nil {
		t.Fatal(err)
	}
	return dir
}

// randomQueries returns 20 classes of 5 queries, a share of them right at rank 1.
func randomQueries(seed uint64, share float64) (queries []query) {
	rng := rand.New(rand.NewPCG(seed, 8))
	for class := range 20 {
		for i := range 5 {
			rank := rng.IntN(9)
			if rng.Float64() < share {
				rank = 1
			}
			queries = append(queries, query{fmt.Sprint("class ", class), fmt.Sprint("image ", i), rank})
		}
	}
	return queries
}

func form(f idml.Form, seed uint64) func(*idml.Config) {
	return func(c *idml.Config) { c.Metric.Form, c.Seed = f, seed }
}

func differences(t *testing.T, dirs []string, pairs func(*experiment.Comparison) []experiment.Pair) []experiment.Difference {
	t.Helper()
	c := compareOne(t, dirs)
	list, err := c.Differences(pairs(c), experiment.DefaultBootstrap())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func turned(c *experiment.Comparison) []experiment.Pair {
	pairs := c.PlainPairs()
	for i, p := range pairs {
		pairs[i] = experiment.Pair{Name: p.Reference, Reference: p.Name}
	}
	return pairs
}

// The difference is that of the tables, the intervals hold it, and the pair turned round has the negative ones.
func TestDifferences(t *testing.T) {
	var dirs []string
	for seed := range uint64(3) {
		shuffled := randomQueries(seed+10, 0.7)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		dirs = append(dirs, predictedRun(t, randomQueries(seed, 0.4), form(idml.Plain, seed)), predictedRun(t, shuffled, form(idml.Paper, seed)))
	}
	list := differences(t, dirs, (*experiment.Comparison).PlainPairs)
	c := compareOne(t, dirs)
	if len(list) != 2 || list[0].Metric != "recall@1" || list[1].Metric != "recall@4" { // of recall@100 predictions know nothing
		t.Fatalf("%+v", list)
	}
	back := differences(t, dirs, turned)
	for i, d := range list {
		if d.Name != "proxy-anchor paper + mixup" || d.Reference != "proxy-anchor plain + mixup" || d.Queries != 100 || d.Classes != 20 || !slices.Equal(d.Seeds, []uint64{0, 1, 2}) {
			t.Errorf("%+v", d)
		}
		if want := c.Groups[3].Mean(d.Metric) - c.Groups[2].Mean(d.Metric); math.Abs(d.Mean-want) > 1e-12 {
			t.Errorf("%s: %v, of the table %v", d.Metric, d.Mean, want)
		}
		for _, in := range []experiment.Interval{d.OverSeeds, d.OverQueries, d.OverClasses} {
			if !(in.Low < d.Mean && d.Mean < in.High) {
				t.Errorf("%s: %v is not in %v", d.Metric, d.Mean, in)
			}
		}
		negative := func(in experiment.Interval) experiment.Interval {
			return experiment.Interval{Low: -in.High, High: -in.Low}
		}
		b := back[i]
		if b.Mean != -d.Mean || b.OverQueries != negative(d.OverQueries) || b.OverClasses != negative(d.OverClasses) || b.OverSeeds != negative(d.OverSeeds) {
			t.Errorf("turned round: %+v, want the negative of %+v", b, d)
		}
	}
	if diff := cmp.Diff(list, differences(t, dirs, (*experiment.Comparison).PlainPairs)); diff != "" {
		t.Errorf("the second time:\n%s", diff)
	}
}

// Two settings whose networks say the same of every query differ by exactly nothing.
func TestDifferencesOfTheSame(t *testing.T) {
	var dirs []string
	for seed := range uint64(3) {
		queries := randomQueries(seed, 0.4)
		dirs = append(dirs, predictedRun(t, queries, form(idml.Plain, seed)), predictedRun(t, queries, form(idml.Paper, seed)))
	}
	zero := experiment.Interval{}
	for _, d := range differences(t, dirs, (*experiment.Comparison).PlainPairs) {
		if d.Mean != 0 || d.OverSeeds != zero || d.OverQueries != zero || d.OverClasses != zero {
			t.Errorf("%+v", d)
		}
	}
}

// Seeds are paired where both settings have them; where they have none in common, all are compared.
func TestDifferencesPairSeeds(t *testing.T) {
	queries := func(right int) (list []query) {
		for i := range 10 {
			rank := 0
			if i < right {
				rank = 1
			}
			list = append(list, query{"c", fmt.Sprint(i), rank})
		}
		return list
	}
	dirs := []string{
		predictedRun(t, queries(2), form(idml.Plain, 0)), predictedRun(t, queries(4), form(idml.Plain, 1)),
		predictedRun(t, queries(5), form(idml.Paper, 1)), predictedRun(t, queries(9), form(idml.Paper, 7)),
	}
	d := differences(t, dirs, (*experiment.Comparison).PlainPairs)[0]
	if !slices.Equal(d.Seeds, []uint64{1}) || math.Abs(d.Mean-0.1) > 1e-12 || d.OverSeeds.Exists() || d.SeedsText() != "1 paired" {
		t.Errorf("one seed in common: %+v", d)
	}
	dirs[2] = predictedRun(t, queries(5), form(idml.Paper, 8))
	d = differences(t, dirs, (*experiment.Comparison).PlainPairs)[0]
	// Welch: 0.7 − 0.3, variances 0.08/2 and 0.02/2, (0.05)²/(0.04² + 0.01²) = 1.47 degrees of freedom.
	if len(d.Seeds) != 0 || math.Abs(d.Mean-0.4) > 1e-12 || !(d.OverSeeds.Low < -0.5 && d.OverSeeds.High > 1.3) || d.SeedsText() != "not paired" {
		t.Errorf("no seed in common: %+v", d)
	}
}

// Queries that only some runs have, such as an image that one couldn't decode, are left out.
func TestDifferencesOfCommonQueries(t *testing.T) {
	queries := randomQueries(0, 0.5)
	d := differences(t, []string{predictedRun(t, queries, form(idml.Plain, 0)), predictedRun(t, queries[6:], form(idml.Paper, 0))}, (*experiment.Comparison).PlainPairs)[0]
	if d.Queries != 94 || d.Classes != 19 || d.Mean != 0 {
		t.Errorf("%+v", d)
	}
}

func TestDifferencesErrors(t *testing.T) {
	queries := randomQueries(0, 0.5)
	plain := predictedRun(t, queries, form(idml.Plain, 0))
	for name, test := range map[string]struct{ other, want string }{
		"no predictions":  {fakeRun(t, 0.5, runlog.StatusFinished, form(idml.Paper, 0)), "idml eval"},
		"names twice":     {predictedRun(t, append(queries[:99:99], queries[0]), form(idml.Paper, 0)), `"image 0"`},
		"another dataset": {predictedRun(t, []query{{"a", "b", 1}}, form(idml.Paper, 0)), "no query in common"},
	} {
		c := compareOne(t, []string{plain, test.other})
		if _, err := c.Differences(c.PlainPairs(), experiment.DefaultBootstrap()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
	c := compareOne(t, []string{plain})
	if _, err := c.Differences(nil, experiment.BootstrapOptions{Resamples: 3}); err == nil || !strings.Contains(err.Error(), "40") {
		t.Errorf("three resamples: %v", err)
	}
}

// Every form is paired with plain under the same other settings; or all with one that is named.
func TestPairs(t *testing.T) {
	var dirs []string
	for _, loss := range []string{"proxy-nca", "contrastive"} {
		for _, f := range []idml.Form{idml.Plain, idml.Constant, idml.Paper} {
			for _, mixup := range []bool{true, false} {
				if loss == "contrastive" && f == idml.Plain && mixup {
					continue
				}
				dirs = append(dirs, fakeRun(t, 0.5, runlog.StatusFinished, func(c *idml.Config) {
					if err := c.UseLoss(loss); err != nil {
						t.Fatal(err)
					}
					c.Metric.Form, c.Mixing.Method = f, mixedIf(mixup)
				}))
			}
		}
	}
	c := compareOne(t, dirs)
	want := []experiment.Pair{
		{Name: "proxy-nca constant + mixup", Reference: "proxy-nca plain + mixup"},
		{Name: "proxy-nca constant", Reference: "proxy-nca plain"},
		{Name: "proxy-nca paper + mixup", Reference: "proxy-nca plain + mixup"},
		{Name: "proxy-nca paper", Reference: "proxy-nca plain"},
		{Name: "contrastive constant", Reference: "contrastive plain"},
		{Name: "contrastive paper", Reference: "contrastive plain"},
	}
	if diff := cmp.Diff(want, c.PlainPairs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	pairs, err := c.PairsWith("contrastive plain")
	if err != nil || len(pairs) != 10 || pairs[9] != (experiment.Pair{Name: "contrastive paper", Reference: "contrastive plain"}) {
		t.Errorf("%v, %v", pairs, err)
	}
	if _, err := c.PairsWith("released"); err == nil {
		t.Error("a reference that isn't there is no error")
	}
}
