// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"

	"introspection/plots"
)

// ExampleNewIntervals compares methods over three seeds with two baselines.
func ExampleNewIntervals() {
	figure, err := plots.NewIntervals("recall@1 on unseen classes", []plots.Method{
		{Name: "raw pixels", Values: []float64{0.29}, Baseline: true},
		{Name: "untrained network", Values: []float64{0.031, 0.027, 0.035}, Baseline: true},
		{Name: "ProxyAnchor", Values: []float64{0.49, 0.53, 0.56}},
		{Name: "ProxyAnchor + mixup", Values: []float64{0.55, 0.61, 0.58}},
		{Name: "IDML, released", Values: []float64{0.61, 0.66, 0.65}},
		{Name: "IDML, paper", Values: []float64{0.44, 0.61, 0.52}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/intervals.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
