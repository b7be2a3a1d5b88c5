// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// NMI returns mutual information over the arithmetic mean of the entropies: 1 for equal partitions, 0 for independent
// ones. It is scikit-learn's normalized_mutual_info_score: 1 where both have a single part (or no rows). It panics if the
// lengths differ.
func NMI(classes, clusters []int) float64 {
	c := newContingency(classes, clusters)
	if c.equal() {
		return 1
	}
	information := c.mutualInformation()
	if information <= 0 {
		return 0
	}
	return min(information/c.meanEntropy(), 1)
}

// AMI returns mutual information adjusted for chance, (MI − E) / (mean entropy − E), E being the expected information
// of random partitions with the same sizes of parts, computed exactly (Vinh, Epps and Bailey, JMLR 2010): 1 for equal
// partitions, 0 in the mean for random ones. It is scikit-learn's adjusted_mutual_info_score, with 1 for equal partitions
// also where all parts have one row. It panics if the lengths differ.
func AMI(classes, clusters []int) float64 {
	c := newContingency(classes, clusters)
	if c.equal() {
		return 1
	}
	expected := c.expectedInformation()
	denominator := c.meanEntropy() - expected
	const smallest = 0x1p-52
	if denominator < 0 {
		denominator = min(denominator, -smallest)
	} else {
		denominator = max(denominator, smallest)
	}
	return (c.mutualInformation() - expected) / denominator
}

// PairwiseF1 returns the harmonic mean of precision and recall of the pairs of rows: a pair in one cluster is right if it
// is of one class. 2·TP / (pairs in clusters + pairs in classes); 1 if there are none of both. It panics if the lengths
// differ.
func PairwiseF1(classes, clusters []int) float64 {
	c := newContingency(classes, clusters)
	both, all := 0.0, 0.0
	for _, cell := range c.cells {
		both += pairs(cell.count)
	}
	for _, size := range slices.Concat(c.classes, c.clusters) {
		all += pairs(size)
	}
	if all == 0 {
		return 1
	}
	return 2 * both / all
}

// pairs returns the number of pairs of n things.
func pairs(n int) float64 { return float64(n) * float64(n-1) / 2 }

// contingency counts the rows by class and cluster. Everything has a fixed order, so that sums repeat exactly.
type contingency struct {
	n                 int
	classes, clusters []int // sizes
	cells             []cell
}

// cell counts the rows of one class in one cluster.
type cell struct{ class, cluster, count int }

// newContingency counts.
func newContingency(classes, clusters []int) contingency {
	if len(classes) != len(clusters) {
		panic(fmt.Sprintf("retrieval: %d classes for %d clusters", len(classes), len(clusters)))
	}
	c := contingency{n: len(classes)}
	counts := make(map[[2]int]int)
	a, b := numberer{}, numberer{}
	for i := range classes {
		counts[[2]int{a.number(classes[i], &c.classes), b.number(clusters[i], &c.clusters)}]++
	}
	for at, count := range counts {
		c.cells = append(c.cells, cell{at[0], at[1], count})
	}
	slices.SortFunc(c.cells, func(x, y cell) int {
		return cmp.Or(cmp.Compare(x.class, y.class), cmp.Compare(x.cluster, y.cluster))
	})
	return c
}

// numberer numbers ids in the order in which they come.
type numberer map[int]int

// number returns the number of the id and counts it.
func (n numberer) number(id int, sizes *[]int) int {
	at, ok := n[id]
	if !ok {
		at = len(*sizes)
		n[id] = at
		*sizes = append(*sizes, 0)
	}
	(*sizes)[at]++
	return at
}

// equal tells whether the partitions are the same: each part meets one other. So are those of no rows.
func (c contingency) equal() bool {
	return len(c.cells) == len(c.classes) && len(c.cells) == len(c.clusters)
}

// mutualInformation returns Σ p(a, b)·log(p(a, b) / (p(a)·p(b))), in nats.
func (c contingency) mutualInformation() float64 {
	n, sum := float64(c.n), 0.0
	for _, one := range c.cells {
		both := float64(one.count)
		sum += both / n * (math.Log(both*n) - math.Log(float64(c.classes[one.class])*float64(c.clusters[one.cluster])))
	}
	return max(sum, 0)
}

// meanEntropy returns the arithmetic mean of the entropies of both partitions, in nats.
func (c contingency) meanEntropy() float64 {
	n, sum := float64(c.n), 0.0
	for _, size := range slices.Concat(c.classes, c.clusters) {
		p := float64(size) / n
		sum -= p * math.Log(p)
	}
	return sum / 2
}

// expectedInformation returns the mean of the mutual information over all pairs of partitions with these sizes of parts,
// the count of a cell being hypergeometric. Parts of one size are done once: thousands of classes have few sizes.
func (c contingency) expectedInformation() float64 {
	factorials := make([]float64, c.n+1) // log n!
	for i := range factorials {
		factorials[i], _ = math.Lgamma(float64(i + 1))
	}
	sum := 0.0
	clusters := tally(c.clusters)
	for _, a := range tally(c.classes) {
		for _, b := range clusters {
			sum += float64(a.times) * float64(b.times) * expectedCell(a.size, b.size, c.n, factorials)
		}
	}
	return sum
}

// expectedCell returns the expected term of a class of a rows and a cluster of b rows of n.
func expectedCell(a, b, n int, factorials []float64) float64 {
	product := math.Log(float64(a) * float64(b))
	constant := factorials[a] + factorials[b] + factorials[n-a] + factorials[n-b] - factorials[n]
	sum := 0.0
	for both := max(1, a+b-n); both <= min(a, b); both++ {
		chance := constant - factorials[both] - factorials[a-both] - factorials[b-both] - factorials[n-a-b+both]
		sum += float64(both) / float64(n) * (math.Log(float64(n)*float64(both)) - product) * math.Exp(chance)
	}
	return sum
}

// sized says how many parts have a size.
type sized struct{ size, times int }

// tally counts the sizes, the smallest first.
func tally(list []int) []sized {
	counts := sizes(list)
	out := make([]sized, 0, len(counts))
	for _, size := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, sized{size, counts[size]})
	}
	return out
}
