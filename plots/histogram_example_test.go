// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math/rand/v2"

	"introspection/plots"
)

// ExampleNewHistogram draws the uncertainty of images by kind of ambiguity.
func ExampleNewHistogram() {
	rng := rand.New(rand.NewPCG(2, 1))
	sample := func(n int, mean, deviation float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = mean + deviation*rng.NormFloat64()
		}
		return values
	}
	figure, err := plots.NewHistogram("uncertainty, norm of u",
		plots.Group{Name: "clear", Values: sample(900, 1.0, 0.2)},
		plots.Group{Name: "blend", Values: sample(120, 1.7, 0.25)},
		plots.Group{Name: "occlusion", Values: sample(110, 1.35, 0.3)},
		plots.Group{Name: "blur", Values: sample(130, 0.8, 0.12)},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/histogram.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
