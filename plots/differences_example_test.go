// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"

	"introspection/plots"
)

// ExampleNewDifferences compares forms of the metric with the plain one, over three paired seeds.
func ExampleNewDifferences() {
	figure, err := plots.NewDifferences("difference in R@1", []plots.Contrast{
		{Name: "released", Mean: 0.026, Values: []float64{0.02, 0.025, 0.033}, Thick: [2]float64{0.014, 0.038}, Thin: [2]float64{0.004, 0.049}},
		{Name: "released-raw", Mean: -0.151, Values: []float64{-0.13, -0.15, -0.173}, Thick: [2]float64{-0.168, -0.135}, Thin: [2]float64{-0.192, -0.11}},
		{Name: "the same", Mean: 0},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	figure.ThickLabel, figure.ThinLabel = "95 %, queries drawn anew", "95 %, classes drawn anew"
	if err := plots.Save("testdata/differences.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
