// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
)

// Options says what [Evaluate] computes.
type Options struct {
	// Ks lists the K of the recalls, each at least 1.
	Ks []int
	// Seed draws the first centers of k-means.
	Seed uint64
	// Clusters holds the cluster of each row, any number standing for a cluster; nil: k-means with as many clusters as
	// classes.
	Clusters []int
	// Iterations is the most that k-means does.
	Iterations int
	// Clustering says whether to compute NMI, AMI and F1 at all.
	Clustering bool
}

// DefaultOptions returns R@1, 2, 4 and 8 and clustering by at most 25 iterations of k-means with seed 0.
func DefaultOptions() Options {
	return Options{Ks: []int{1, 2, 4, 8}, Iterations: 25, Clustering: true}
}

// Evaluate measures embeddings, a row each, against the labels of the rows: see the package comment for the steps. Every
// row is a query against all others. Embeddings are L2-normalized for the neighbors and for k-means.
//
// It returns an error that names the row if a value is not finite, a row is all zeros or a label is negative, and an
// error if lengths differ, there are fewer than two rows or an option is out of range. The context is looked at between
// tiles of the work.
func Evaluate(ctx context.Context, backend compute.Backend, embeddings Matrix, labels []int, o Options) (*Result, error) {
	if err := checkInput(embeddings, labels, o); err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	counts := sizes(labels)
	k := max(1, mostOf(counts)-1)
	for _, one := range o.Ks {
		k = max(k, min(one, embeddings.Rows-1))
	}
	neighbors, err := Neighbors(ctx, backend, embeddings, k)
	if err != nil {
		return nil, err
	}
	result := &Result{
		Recall:      make(map[int]float64, len(o.Ks)),
		RPrecision:  RPrecision(neighbors, labels),
		MAPAtR:      MAPAtR(neighbors, labels),
		Queries:     len(labels),
		LoneQueries: LoneQueries(labels),
		Classes:     len(counts),
		Neighbors:   neighbors,
	}
	for _, one := range o.Ks {
		result.Recall[one] = RecallAtK(neighbors, labels, one)
	}
	if o.Clustering {
		if err := result.compareClusters(ctx, backend, embeddings, labels, o); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// compareClusters fills in the metrics of clusters.
func (r *Result) compareClusters(ctx context.Context, backend compute.Backend, embeddings Matrix, labels []int, o Options) error {
	clusters := o.Clusters
	if clusters == nil {
		rows, err := embeddings.normalized()
		if err != nil {
			return fmt.Errorf("retrieval: %w", err)
		}
		if clusters, _, err = KMeans(ctx, backend, rows, r.Classes, o.Iterations, o.Seed); err != nil {
			return err
		}
	}
	r.NMI, r.AMI, r.F1 = NMI(labels, clusters), AMI(labels, clusters), PairwiseF1(labels, clusters)
	r.Clustered = true
	return nil
}

// checkInput reports what can't be evaluated.
func checkInput(embeddings Matrix, labels []int, o Options) error {
	switch {
	case len(labels) != embeddings.Rows:
		return fmt.Errorf("%d labels for %d embeddings", len(labels), embeddings.Rows)
	case embeddings.Rows < 2:
		return fmt.Errorf("%d embeddings: want at least 2", embeddings.Rows)
	case o.Clusters != nil && len(o.Clusters) != len(labels):
		return fmt.Errorf("%d clusters for %d embeddings", len(o.Clusters), embeddings.Rows)
	case o.Clustering && o.Clusters == nil && o.Iterations < 1:
		return fmt.Errorf("%d iterations of k-means: want at least 1", o.Iterations)
	}
	if i := slices.IndexFunc(o.Ks, func(k int) bool { return k < 1 }); i >= 0 {
		return fmt.Errorf("recall at k = %d: want at least 1", o.Ks[i])
	}
	if i := slices.IndexFunc(labels, func(label int) bool { return label < 0 }); i >= 0 {
		return fmt.Errorf("row %d: its label is %d: want at least 0", i, labels[i])
	}
	return nil
}

// mostOf returns the largest count.
func mostOf(counts map[int]int) int {
	most := 0
	for _, count := range counts {
		most = max(most, count)
	}
	return most
}
