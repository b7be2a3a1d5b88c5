// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"introspection/plots"
)

// ExampleNewCurves draws the training of a run: the loss of every step with
// its means, and the recall beside two baselines.
func ExampleNewCurves() {
	rng := rand.New(rand.NewPCG(1, 1))
	each := plots.Series{Name: "each step", Background: true}
	mean := plots.Series{Name: "mean of epoch"}
	for step := range 400 {
		x := float64(step+1) / 20
		each.X = append(each.X, x)
		each.Y = append(each.Y, 2+6*math.Exp(-x/5)+0.35*rng.NormFloat64())
	}
	plain := plots.Series{Name: "plain"}
	paper := plots.Series{Name: "introspective"}
	for epoch := range 21 {
		x := float64(epoch)
		if epoch > 0 {
			mean.X = append(mean.X, x-0.5)
			mean.Y = append(mean.Y, 2+6*math.Exp(-(x-0.5)/5))
		}
		plain.X, paper.X = append(plain.X, x), append(paper.X, x)
		plain.Y = append(plain.Y, 0.03+0.52*(1-math.Exp(-x/4)))
		paper.Y = append(paper.Y, 0.03+0.62*(1-math.Exp(-x/6)))
	}
	figure, err := plots.NewCurves("epoch",
		plots.Panel{YLabel: "training loss", Series: []plots.Series{each, mean}},
		plots.Panel{
			YLabel: "recall@1 on unseen classes", FromZero: true,
			Series: []plots.Series{plain, paper},
			Rules:  []plots.Rule{{Name: "raw pixels", Y: 0.29}, {Name: "untrained network", Y: 0.03}},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/curves.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
