// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"image"

	"introspection/plots"
)

// ExampleNewStrip draws the uncertainty of pictures from one shape to another, under the pictures.
func ExampleNewStrip() {
	var x []float64
	var images []image.Image
	one, all := plots.Band{Name: "these pictures"}, plots.Band{Name: "all pairs"}
	for k := range 11 {
		at := float64(k) / 10
		x, images = append(x, at), append(images, shape(3+k/4, 0.1*float64(k), uint8(40+15*k)))
		hill := 4 * at * (1 - at)
		one.Y = append(one.Y, 1+0.4*hill+0.1*at)
		all.Y, all.Low, all.High = append(all.Y, 1+0.3*hill), append(all.Low, 0.8+0.25*hill), append(all.High, 1.2+0.35*hill)
	}
	one.X, all.X = x, x
	bands, err := plots.NewBands("λ, share of the image at the right", "uncertainty ‖u‖", all, one)
	if err != nil {
		fmt.Println(err)
		return
	}
	figure, err := plots.NewStrip(x, bands, plots.StripRow{Name: "shapes", Images: images})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/strip.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
