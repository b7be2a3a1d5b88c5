// SPDX-License-Identifier: Apache-2.0

package retrieval

import "fmt"

// RPrecision returns the mean over queries of the share of a query's R nearest images that are of its class, R being the
// count of other images of its class (arXiv:2003.08505). Queries with R = 0 are left out; 0 if no query is left. It panics
// if a list is shorter than R or the lengths differ.
func RPrecision(neighbors [][]int, labels []int) float64 {
	return meanAtR(neighbors, labels, func(hit []bool) float64 {
		hits := 0
		for _, h := range hit {
			if h {
				hits++
			}
		}
		return float64(hits) / float64(len(hit))
	})
}

// MAPAtR returns mean average precision at R, R being the count of other images of the query's class
// (arXiv:2003.08505): the mean over queries of 1/R · Σᵢ P(i), the sum over those of the R nearest that are of the query's
// class, P(i) being the precision among the first i. Queries with R = 0 are left out; 0 if no query is left. It panics if
// a list is shorter than R or the lengths differ.
func MAPAtR(neighbors [][]int, labels []int) float64 {
	return meanAtR(neighbors, labels, func(hit []bool) float64 {
		hits, sum := 0, 0.0
		for i, h := range hit {
			if h {
				hits++
				sum += float64(hits) / float64(i+1)
			}
		}
		return sum / float64(len(hit))
	})
}

// meanAtR returns the mean of score over the queries with other images of their class. score gets whether each of the R
// nearest is of the query's class.
func meanAtR(neighbors [][]int, labels []int, score func(hit []bool) float64) float64 {
	mustMatch(neighbors, labels)
	counts := sizes(labels)
	sum, queries := 0.0, 0
	var hit []bool
	for i, list := range neighbors {
		r := counts[labels[i]] - 1
		if r == 0 {
			continue
		}
		if len(list) < r {
			panic(fmt.Sprintf("retrieval: row %d has a list of %d neighbors, its class %d others", i, len(list), r))
		}
		hit = hit[:0]
		for _, j := range list[:r] {
			hit = append(hit, labels[j] == labels[i])
		}
		sum += score(hit)
		queries++
	}
	return share(sum, queries)
}
