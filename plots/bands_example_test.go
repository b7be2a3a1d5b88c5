// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"math"

	"introspection/plots"
)

// ExampleNewBands draws the error of the images that are kept over the share that is rejected, with bootstrap intervals, beside the perfect order and a random one.
func ExampleNewBands() {
	const errors = 0.3
	var u, baseline, perfect plots.Band
	u.Name, baseline.Name, perfect.Name = "‖u‖", "distance to the nearest proxy", "perfect order"
	for k := range 40 {
		r := float64(k) / 40
		add := func(b *plots.Band, y, half float64) {
			b.X, b.Y, b.Low, b.High = append(b.X, r), append(b.Y, y), append(b.Low, max(y-half, 0)), append(b.High, y+half)
			b.WithoutMarks = true
		}
		add(&u, errors*(1-0.8*r), 0.02+0.06*r*r)
		add(&baseline, errors*(1-0.3*r-0.05*math.Sin(9*r)), 0.02+0.06*r*r)
		perfect.X, perfect.Y = append(perfect.X, r), append(perfect.Y, max(0, errors-r)/(1-r))
	}
	perfect.WithoutMarks = true
	f, err := plots.NewBands("share rejected", "error of the rest", u, baseline, perfect)
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Title, f.FromZero = "Rejecting uncertain images", true
	f.Rules = []plots.Rule{{Name: "random order", Y: errors}}
	if err := plots.Save("testdata/bands.png", f); err != nil {
		fmt.Println(err)
	}
}
