// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"introspection/plots"
)

// ExampleNewScatter draws points of twelve classes in two panels, three of the classes in colors.
func ExampleNewScatter() {
	rng := rand.New(rand.NewPCG(2, 3))
	var dots []plots.Dot
	for i := range 360 {
		class := i % 12
		turn := 2 * math.Pi * float64(class) / 12
		size := rng.ExpFloat64()
		place := func(spread float64) [2]float64 {
			return [2]float64{math.Cos(turn) + spread*rng.NormFloat64(), math.Sin(turn) + spread*rng.NormFloat64()}
		}
		dots = append(dots, plots.Dot{At: [][2]float64{place(0.3 + 0.1*size), place(0.06 + 0.02*size)}, Group: fmt.Sprintf("class %d", class), Size: size})
	}
	figure, err := plots.NewScatter("‖u‖", []string{"principal components", "t-SNE"}, dots, "class 0", "class 4", "class 8")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/scatter.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
