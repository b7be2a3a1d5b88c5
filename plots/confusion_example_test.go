// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"

	"introspection/plots"
)

// ExampleNewConfusion draws which of five shapes are taken for which.
func ExampleNewConfusion() {
	figure, err := plots.NewConfusion([]string{"triangle", "square", "pentagon", "hexagon", "circle"}, [][]int{
		{98, 2, 0, 0, 0},
		{1, 199, 0, 0, 0},
		{0, 6, 70, 20, 4},
		{0, 0, 31, 60, 9},
		{0, 0, 1, 19, 480},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/confusion.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
