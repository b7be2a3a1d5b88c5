// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math"

	"introspection/plots"
)

// ExampleSurface_arrows draws D = α·exp(−β/α) with its gradient: the more certain a pair is, the farther a step of α moves it.
func ExampleSurface_arrows() {
	distance := func(alpha, beta float64) float64 { return alpha * math.Exp(-beta/alpha) }
	figure, err := plots.NewSurface(distance, plots.SurfaceDomain{Alpha: 2, Beta: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	figure.ZLabel, figure.Arrows = "introspective distance D(α, β)", true
	if err := plots.Save("testdata/surface_arrows.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
