// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"

	"introspection/plots"
)

// ExampleNewGallery draws eight images with the class that a classifier finds most probable.
func ExampleNewGallery() {
	names := []string{"triangle", "square", "pentagon", "hexagon"}
	var images []plots.Classified
	for i := range 8 {
		class, predicted := i%4, i%4
		if i%3 == 2 {
			predicted = (i + 1) % 4
		}
		images = append(images, plots.Classified{
			Image: shape(3+class, 0.2*float64(i), uint8(40+25*i)), Class: names[class], Predicted: names[predicted],
			Probability: 0.995 - 0.06*float64(i), Correct: class == predicted, Uncertainty: 0.61 + 0.2*float64(i),
		})
	}
	figure, err := plots.NewGallery(images)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/gallery.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
