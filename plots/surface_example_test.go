// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math"

	"introspection/plots"
)

// ExampleNewSurface draws D = α·exp(−β/(τα)) for τ = 5: the more uncertain a
// pair is, the closer it counts.
func ExampleNewSurface() {
	distance := func(alpha, beta float64) float64 { return alpha * math.Exp(-beta/(5*alpha)) }
	figure, err := plots.NewSurface(distance, plots.DefaultSurfaceDomain())
	if err != nil {
		fmt.Println(err)
		return
	}
	figure.ZLabel = "introspective distance D(α, β)"
	if err := plots.Save("testdata/surface.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
