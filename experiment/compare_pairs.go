// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"introspection/idml"
	"introspection/idml/runlog"
)

// A Pair is two settings that are compared: what Name has more than Reference.
type Pair struct{ Name, Reference string }

// A Difference is how much more of a metric one setting reaches than another on the same queries.
type Difference struct {
	Pair
	Metric string
	// Mean is the mean over queries and seeds.
	Mean float64
	// Seeds are those that both settings have; Values are their differences. Where they have none in common, Seeds is empty, Values too, and the means over all
	// seeds of each are compared.
	Seeds  []uint64
	Values []float64
	// OverSeeds is the interval by Student's t over the differences of seeds, by Welch's where seeds are not paired: what other seeds would give on
	// these images.
	OverSeeds Interval
	// OverQueries and OverClasses are bootstrap intervals with these trained networks, the queries, or whole classes, drawn anew: what
	// they would give on other images.
	OverQueries, OverClasses Interval
	// Queries and Classes are the numbers of queries and classes that all runs have.
	Queries, Classes int
}

// PlainPairs pairs each setting with the plain metric under the same other settings. Two settings alone are paired as they stand, the second
// with the first.
func (c *Comparison) PlainPairs() []Pair {
	var trained []Group
	for _, g := range c.Groups {
		if !g.Baseline {
			trained = append(trained, g)
		}
	}
	if len(trained) == 2 {
		return []Pair{{trained[1].Name, trained[0].Name}}
	}
	var pairs []Pair
	for _, g := range trained {
		plain := g.config
		plain.Metric.Form = idml.Plain
		for _, other := range trained {
			if other.Name != g.Name && c.sameSetting(other.config, plain) {
				pairs = append(pairs, Pair{g.Name, other.Name})
			}
		}
	}
	return pairs
}

// PairsWith pairs every setting with a reference: see [Comparison.Group].
func (c *Comparison) PairsWith(reference string) ([]Pair, error) {
	r, err := c.Group(reference)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, g := range c.Groups {
		if !g.Baseline && g.Name != r.Name {
			pairs = append(pairs, Pair{g.Name, r.Name})
		}
	}
	return pairs, nil
}

// sameSetting tells whether two configurations differ in nothing but what is chosen, spread over or changes no number.
func (c *Comparison) sameSetting(a, b idml.Config) bool {
	x, y := flatConfig(a), flatConfig(b)
	for key := range x {
		if x[key] != y[key] && !slices.Contains(spreadKeys, key) && !slices.Contains(c.Chosen, key) {
			return false
		}
	}
	return true
}

// ranks are what a run's predictions say of each query, by its class and name: the rank from 1 of the nearest image of its class, of classifiers that of the class
// itself; 0 if it is not among those kept.
type ranks map[queryName]int

type queryName struct{ class, name string }

// A ranksCache holds the ranks of runs that were read, by their folder.
type ranksCache map[string]ranks

// of returns the ranks of a run.
func (c ranksCache) of(dir string) (ranks, error) {
	if r, ok := c[dir]; ok {
		return r, nil
	}
	run, err := runlog.Open(dir)
	if err != nil {
		return nil, err
	}
	predictions, err := run.Predictions()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no predictions of its queries: make them with idml eval %s", dir, dir)
	}
	if err != nil {
		return nil, err
	}
	r := make(ranks, len(predictions))
	for _, p := range predictions {
		key := queryName{p.Class, p.Name}
		if _, twice := r[key]; twice {
			return nil, fmt.Errorf("%s: two queries of class %q are called %q, so that they can't be paired with those of other runs", run.Path(runlog.PredictionsFile), p.Class, p.Name)
		}
		r[key] = rankOf(p)
	}
	c[dir] = r
	return r, nil
}

// rankOf returns the rank of what is right in a prediction, 0 if it isn't there.
func rankOf(p runlog.Prediction) int {
	if len(p.Top) > 0 {
		return slices.IndexFunc(p.Top, func(s runlog.Score) bool { return s.Correct }) + 1
	}
	return slices.IndexFunc(p.Nearest, func(n runlog.Neighbor) bool { return n.Correct }) + 1
}

// ranksKept is the largest rank that predictions tell of.
var ranksKept = map[idml.Task]int{idml.Retrieval: nearestKept, idml.Classification: topKept}

// Differences compares settings by pairs on the queries that all their runs have, matched by class and name, in each R@K that predictions tell (up to
// the 8 neighbors that they keep), of classifiers in top-1 and top-5. The same pair and options give the same intervals; the pair turned round gives the negative ones.
func (c *Comparison) Differences(pairs []Pair, o BootstrapOptions) ([]Difference, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	cache := ranksCache{}
	var list []Difference
	for _, pair := range pairs {
		d, err := c.difference(pair, cache, o)
		if err != nil {
			return nil, err
		}
		list = append(list, d...)
	}
	return list, nil
}

// difference compares two settings.
func (c *Comparison) difference(pair Pair, cache ranksCache, o BootstrapOptions) ([]Difference, error) {
	a, err := c.Group(pair.Name)
	if err != nil {
		return nil, err
	}
	b, err := c.Group(pair.Reference)
	if err != nil {
		return nil, err
	}
	common := slices.DeleteFunc(slices.Clone(a.Seeds), func(s uint64) bool { return !slices.Contains(b.Seeds, s) })
	first, err := a.ranksOf(common, cache)
	if err != nil {
		return nil, err
	}
	second, err := b.ranksOf(common, cache)
	if err != nil {
		return nil, err
	}
	queries := commonQueries(slices.Concat(first, second))
	if len(queries) == 0 {
		return nil, fmt.Errorf("%s and %s have no query in common: were they measured on the same images?", a.dirs[0], b.dirs[0])
	}
	var ks []int
	for _, metric := range c.Metrics() {
		if k, ok := hitK(c.Task, metric); ok && k <= ranksKept[c.Task] {
			ks = append(ks, k)
		}
	}
	x, y := hitShares(first, queries, ks), hitShares(second, queries, ks)
	for i := range x {
		for k := range x[i] {
			x[i][k] -= y[i][k]
		}
	}
	class, classes := numberClasses(queries)
	overQueries, overClasses := bootstrapQueries(x, o), bootstrapClasses(x, class, o)
	var list []Difference
	for k, K := range ks {
		d := Difference{
			Pair: pair, Metric: hitName(c.Task, K), Seeds: common, Queries: len(queries), Classes: classes,
			OverQueries: overQueries[k], OverClasses: overClasses[k],
		}
		for _, row := range x {
			d.Mean += row[k] / float64(len(x))
		}
		ra, rb := recalls(first, queries, K), recalls(second, queries, K)
		if len(common) == 0 {
			d.OverSeeds = welchInterval(ra, rb)
		} else {
			for i := range ra {
				d.Values = append(d.Values, ra[i]-rb[i])
			}
			d.OverSeeds = tInterval(d.Values)
		}
		list = append(list, d)
	}
	return list, nil
}

// ranksOf returns the ranks of the group's runs with some seeds, of all runs if there are none.
func (g *Group) ranksOf(seeds []uint64, cache ranksCache) ([]ranks, error) {
	var list []ranks
	for i, dir := range g.dirs {
		if len(seeds) > 0 && !slices.Contains(seeds, g.Seeds[i]) {
			continue
		}
		r, err := cache.of(dir)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// commonQueries lists the queries that all runs have, by class and name.
func commonQueries(runs []ranks) []queryName {
	var queries []queryName
	for key := range maps.Keys(runs[0]) {
		if !slices.ContainsFunc(runs[1:], func(r ranks) bool { _, ok := r[key]; return !ok }) {
			queries = append(queries, key)
		}
	}
	slices.SortFunc(queries, func(a, b queryName) int {
		if c := strings.Compare(a.class, b.class); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return queries
}

// numberClasses returns each query's class as a number from 0, and how many there are.
func numberClasses(queries []queryName) (class []int, classes int) {
	for i, q := range queries {
		if i == 0 || q.class != queries[i-1].class {
			classes++
		}
		class = append(class, classes-1)
	}
	return class, classes
}

// hitShares returns, for each query and K, the share of the runs that have a right image, or the right class, among the first K.
func hitShares(runs []ranks, queries []queryName, ks []int) [][]float64 {
	shares := make([][]float64, len(queries))
	for i, q := range queries {
		shares[i] = make([]float64, len(ks))
		for k, K := range ks {
			hits := 0
			for _, r := range runs {
				if rank := r[q]; rank > 0 && rank <= K {
					hits++
				}
			}
			shares[i][k] = float64(hits) / float64(len(runs))
		}
	}
	return shares
}

// recalls returns R@K, or top-K, of each run on some queries.
func recalls(runs []ranks, queries []queryName, k int) []float64 {
	var list []float64
	for _, r := range runs {
		hits := 0
		for _, q := range queries {
			if rank := r[q]; rank > 0 && rank <= k {
				hits++
			}
		}
		list = append(list, float64(hits)/float64(len(queries)))
	}
	return list
}
