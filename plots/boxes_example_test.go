// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math/rand/v2"

	"introspection/plots"
)

// ExampleNewBoxes draws the uncertainty of the images of 30 classes, of which those at either end are shown.
func ExampleNewBoxes() {
	rng := rand.New(rand.NewPCG(2, 2))
	var groups []plots.Group
	for c := range 30 {
		g := plots.Group{Name: fmt.Sprintf("class %d", c)}
		for range 20 {
			g.Values = append(g.Values, 1+0.03*float64(c)+0.2*rng.ExpFloat64())
		}
		groups = append(groups, g)
	}
	figure, err := plots.NewBoxes("uncertainty ‖u‖", groups...)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/boxes.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
