// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labelsOf returns labels with counts[c] images of class c, mixed.
func labelsOf(counts ...int) []int {
	var labels []int
	for class, n := range counts {
		for range n {
			labels = append(labels, class)
		}
	}
	rng := newRand(9)
	rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	return labels
}

func TestPermutations(t *testing.T) {
	labels := labelsOf(7, 5, 8)
	if diff := cmp.Diff([]int{0, 1, 2, 3}, Sequential{}.Indices(newRand(1), labels[:4])); diff != "" {
		t.Errorf("Sequential (-want +got):\n%s", diff)
	}
	got := Shuffled{}.Indices(newRand(1), labels)
	if cmp.Equal(got, Shuffled{}.Indices(newRand(2), labels)) {
		t.Error("Shuffled: two seeds give one order")
	}
	if diff := cmp.Diff(got, Shuffled{}.Indices(newRand(1), labels)); diff != "" {
		t.Errorf("Shuffled: one seed gives two orders:\n%s", diff)
	}
	slices.Sort(got)
	if diff := cmp.Diff(Sequential{}.Indices(nil, labels), got); diff != "" {
		t.Errorf("Shuffled is no permutation:\n%s", diff)
	}
}

func TestClassBalanced(t *testing.T) {
	for _, c := range []struct {
		name   string
		order  ClassBalanced
		counts []int
	}{
		{"even", ClassBalanced{3, 4}, []int{20, 20, 20, 20, 20}},
		{"a batch of all classes", ClassBalanced{3, 2}, []int{10, 10, 10}},
		{"uneven", ClassBalanced{2, 4}, []int{30, 4, 5, 11}},
		{"small classes repeat", ClassBalanced{3, 4}, []int{1, 2, 3, 40}},
		{"one class", ClassBalanced{1, 5}, []int{12, 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			labels := labelsOf(c.counts...)
			got := c.order.Indices(newRand(5), labels)
			size := c.order.Classes * c.order.PerClass
			if want := len(labels) / size * size; len(got) != want {
				t.Fatalf("%d images: want %d", len(got), want)
			}
			for from := 0; from < len(got); from += size {
				checkBalance(t, c.order, c.counts, labels, got[from:from+size])
			}
			if diff := cmp.Diff(got, c.order.Indices(newRand(5), labels)); diff != "" {
				t.Errorf("one seed gives two orders:\n%s", diff)
			}
		})
	}
}

// checkBalance checks that a batch has PerClass images of each of Classes classes, none twice where the class has enough.
func checkBalance(t *testing.T, order ClassBalanced, counts, labels, batch []int) {
	t.Helper()
	images := map[int]map[int]int{}
	for _, i := range batch {
		if images[labels[i]] == nil {
			images[labels[i]] = map[int]int{}
		}
		images[labels[i]][i]++
	}
	if len(images) != order.Classes {
		t.Errorf("batch of %d classes: want %d", len(images), order.Classes)
	}
	for class, times := range images {
		sum := 0
		for i, n := range times {
			sum += n
			if counts[class] >= order.PerClass && n > 1 {
				t.Errorf("image %d of class %d comes %d times", i, class, n)
			}
		}
		if sum != order.PerClass {
			t.Errorf("%d images of class %d: want %d", sum, class, order.PerClass)
		}
		if len(times) != min(counts[class], order.PerClass) {
			t.Errorf("%d different images of class %d, which has %d", len(times), class, counts[class])
		}
	}
}

// Where the numbers work out, an epoch visits every image once.
func TestClassBalancedVisitsAll(t *testing.T) {
	labels := labelsOf(8, 8, 8, 8)
	got := ClassBalanced{2, 4}.Indices(newRand(6), labels)
	slices.Sort(got)
	if diff := cmp.Diff(Sequential{}.Indices(nil, labels), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClassBalancedFaults(t *testing.T) {
	for _, bad := range []ClassBalanced{{0, 1}, {1, 0}, {-1, 4}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("more classes than there are: no panic")
		}
	}()
	ClassBalanced{3, 1}.Indices(newRand(1), labelsOf(5, 5))
}
