// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math/rand/v2"

	"introspection/plots"
)

// ExampleNewHistograms draws how uncertainty moves with the strength of three corruptions.
func ExampleNewHistograms() {
	rng := rand.New(rand.NewPCG(2, 1))
	var panels []plots.HistogramPanel
	for kind, shift := range []float64{0.02, 0.3, -0.1} {
		p := plots.HistogramPanel{Name: []string{"noise", "blur", "crop"}[kind]}
		for strength, name := range []string{"clean", "strength 1", "strength 2", "strength 3"} {
			g := plots.Group{Name: name}
			for range 300 {
				g.Values = append(g.Values, 1+shift*float64(strength)+0.25*rng.NormFloat64())
			}
			p.Groups = append(p.Groups, g)
		}
		panels = append(panels, p)
	}
	figure, err := plots.NewHistograms("uncertainty ‖u‖", panels...)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/histograms.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
