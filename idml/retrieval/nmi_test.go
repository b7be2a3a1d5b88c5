// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"introspection/idml/retrieval"
)

// congruential returns n numbers in [0, m) that a line of Python repeats: s = (s·1103515245 + 12345) mod 2³¹, (s >> 16) mod m.
func congruential(n, m int, s uint64) []int {
	out := make([]int, n)
	for i := range out {
		s = (s*1103515245 + 12345) % (1 << 31)
		out[i] = int(s>>16) % m
	}
	return out
}

// TestClustering compares with normalized_mutual_info_score and adjusted_mutual_info_score of scikit-learn 1.9.1.
func TestClustering(t *testing.T) {
	var noisyClasses, noisyClusters []int
	for i := range 2000 {
		noisyClasses = append(noisyClasses, i%40)
		if i*7%10 < 7 {
			noisyClusters = append(noisyClusters, i%40)
		} else {
			noisyClusters = append(noisyClusters, i/3%40)
		}
	}
	tests := []struct {
		name              string
		classes, clusters []int
		nmi, ami          float64
	}{
		{"one part each", []int{0, 0, 0}, []int{5, 5, 5}, 1, 1},
		{"one class", []int{0, 0, 0, 0}, []int{0, 1, 1, 2}, 0, 0},
		{"one cluster", []int{0, 1, 1, 2}, []int{0, 0, 0, 0}, 0, 0},
		{"independent", []int{0, 0, 1, 1}, []int{0, 1, 0, 1}, 0, -0.5},
		{"small", []int{0, 0, 0, 1, 1, 1}, []int{0, 0, 1, 1, 2, 2}, 0.5158037429793889, 0.2987924581708901},
		{"renamed", []int{3, 3, 7, 7}, []int{1, 1, 0, 0}, 1, 1},
		{"singles", []int{0, 1, 2, 3}, []int{4, 3, 2, 1}, 1, 1},
		{"singles against pairs", []int{0, 1, 2, 3}, []int{0, 0, 1, 1}, 2. / 3, 0},
		{"random", congruential(500, 7, 1), congruential(500, 11, 2), 0.027716155825546034, -0.0012379861396549312},
		{"many small parts", congruential(3000, 900, 3), congruential(3000, 700, 4), 0.775595347235366, -0.0006572351445291806},
		{"noisy", noisyClasses, noisyClusters, 0.8926242262889065, 0.878543490082018},
		{"no rows", nil, nil, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := retrieval.NMI(test.classes, test.clusters); !(math.Abs(got-test.nmi) <= 1e-12) {
				t.Errorf("NMI: got %v, want %v", got, test.nmi)
			}
			if got := retrieval.AMI(test.classes, test.clusters); !(math.Abs(got-test.ami) <= 1e-11) {
				t.Errorf("AMI: got %v, want %v", got, test.ami)
			}
		})
	}
}

// naiveF1 counts all pairs.
func naiveF1(classes, clusters []int) float64 {
	both, inClass, inCluster := 0, 0, 0
	for i := range classes {
		for j := range i {
			a, b := classes[i] == classes[j], clusters[i] == clusters[j]
			if a {
				inClass++
			}
			if b {
				inCluster++
			}
			if a && b {
				both++
			}
		}
	}
	if both == 0 {
		return 0
	}
	precision, recall := float64(both)/float64(inCluster), float64(both)/float64(inClass)
	return 2 * precision * recall / (precision + recall)
}

func TestPairwiseF1(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		n := 2 + rng.IntN(60)
		classes, clusters := make([]int, n), make([]int, n)
		for i := range n {
			classes[i], clusters[i] = rng.IntN(6), rng.IntN(9)-3
		}
		want := naiveF1(classes, clusters)
		if got := retrieval.PairwiseF1(classes, clusters); !(math.Abs(got-want) <= 1e-12) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := retrieval.PairwiseF1([]int{0, 1, 2}, []int{2, 1, 0}); got != 1 {
		t.Errorf("no pairs in both: got %v, want 1", got)
	}
	if got := retrieval.PairwiseF1([]int{0, 1, 2}, []int{0, 0, 0}); got != 0 {
		t.Errorf("no pairs in classes: got %v, want 0", got)
	}
}

// TestPartitionProperties checks that the metrics are symmetric, blind to names and order, and 1 for equal partitions.
func TestPartitionProperties(t *testing.T) {
	metrics := map[string]func(a, b []int) float64{"NMI": retrieval.NMI, "AMI": retrieval.AMI, "F1": retrieval.PairwiseF1}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		n := 50 + rng.IntN(100)
		a, b := make([]int, n), make([]int, n)
		for i := range n {
			a[i], b[i] = rng.IntN(8), rng.IntN(5)
		}
		names, order := rng.Perm(8), rng.Perm(n)
		renamed, moved := make([]int, n), make([]int, n)
		for i, at := range order {
			renamed[i], moved[i] = names[a[at]]-20, b[at]
		}
		for name, metric := range metrics {
			value := metric(a, b)
			if other := metric(b, a); !(math.Abs(value-other) <= 1e-12) {
				t.Errorf("%s: %v one way, %v the other", name, value, other)
			}
			if other := metric(renamed, moved); !(math.Abs(value-other) <= 1e-12) {
				t.Errorf("%s: %v, renamed and moved %v", name, value, other)
			}
			if self := metric(a, a); !(math.Abs(self-1) <= 1e-12) {
				t.Errorf("%s of equal partitions: %v", name, self)
			}
		}
	}
}

// BenchmarkAMI compares partitions of the size of Stanford Online Products' test half.
func BenchmarkAMI(b *testing.B) {
	classes, clusters := congruential(60_502, 11_316, 1), congruential(60_502, 11_316, 2)
	for b.Loop() {
		retrieval.AMI(classes, clusters)
	}
}
