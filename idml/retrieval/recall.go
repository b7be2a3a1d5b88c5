// SPDX-License-Identifier: Apache-2.0

package retrieval

import "fmt"

// RecallAtK returns the share of queries with an image of their own class among their k nearest, themselves left out.
// neighbors lists the nearest of each row, nearest first; a list shorter than k counts as it is. Queries whose class has
// no other image are misses. It returns 0 without queries. It panics if k < 1 or the lengths differ.
func RecallAtK(neighbors [][]int, labels []int, k int) float64 {
	mustMatch(neighbors, labels)
	if k < 1 {
		panic(fmt.Sprintf("retrieval: recall at k = %d", k))
	}
	hits := 0
	for i, list := range neighbors {
		for _, j := range list[:min(k, len(list))] {
			if labels[j] == labels[i] {
				hits++
				break
			}
		}
	}
	return share(float64(hits), len(labels))
}

// LoneQueries returns the number of rows whose class has no other row: misses in [RecallAtK], left out of [RPrecision]
// and [MAPAtR].
func LoneQueries(labels []int) int {
	lone := 0
	for _, size := range sizes(labels) {
		if size == 1 {
			lone++
		}
	}
	return lone
}

// sizes counts the rows of each label.
func sizes(labels []int) map[int]int {
	counts := make(map[int]int)
	for _, label := range labels {
		counts[label]++
	}
	return counts
}

// share returns sum/n, 0 for n = 0.
func share(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// mustMatch panics unless there is a list for each label.
func mustMatch(neighbors [][]int, labels []int) {
	if len(neighbors) != len(labels) {
		panic(fmt.Sprintf("retrieval: %d lists of neighbors for %d labels", len(neighbors), len(labels)))
	}
}
