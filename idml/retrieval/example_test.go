// SPDX-License-Identifier: Apache-2.0

package retrieval_test

import (
	"context"
	"encoding/json"
	"fmt"

	"introspection/idml/backend"
	"introspection/idml/retrieval"
)

// Two classes in the plane; the last image of class 1 lies among those of class 0.
func ExampleEvaluate() {
	xla, err := backend.Open("xla:cpu")
	if err != nil {
		fmt.Println(err)
		return
	}
	embeddings := retrieval.Matrix{Rows: 6, Cols: 2, Data: []float32{
		1, 0, 1, 0.1, 1, 0.2, 0, 1, 0.1, 1, 1, 0.29,
	}}
	options := retrieval.DefaultOptions()
	options.Ks = []int{1, 2}
	options.Clustering = false
	result, err := retrieval.Evaluate(context.Background(), xla, embeddings, []int{0, 0, 0, 1, 1, 1}, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("nearest of the last:", result.Neighbors[5])
	text, err := json.Marshal(result)
	fmt.Println(string(text), err)
	// Output:
	// nearest of the last: [2 1]
	// {"recall@1":0.6666666666666666,"recall@2":0.8333333333333334,"r_precision":0.75,"map@r":0.7083333333333334,"queries":6,"lone_queries":0,"classes":2} <nil>
}

func ExampleRecallAtK() {
	labels := []int{0, 0, 1, 1}
	neighbors := [][]int{{1, 2, 3}, {2, 0, 3}, {1, 0, 3}, {2, 1, 0}}
	fmt.Println(retrieval.RecallAtK(neighbors, labels, 1), retrieval.RecallAtK(neighbors, labels, 2))
	// Output: 0.5 0.75
}

func ExampleNMI() {
	classes := []int{0, 0, 1, 1}
	fmt.Println(retrieval.NMI(classes, []int{7, 7, 3, 3}), retrieval.NMI(classes, []int{0, 1, 0, 1}))
	// Output: 1 0
}
