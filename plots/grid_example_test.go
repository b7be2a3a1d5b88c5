// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"introspection/plots"
)

// shape draws a small picture: a polygon of n corners, turned by an angle.
func shape(n int, angle float64, hue uint8) image.Image {
	const side = 32
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-15.5, float64(y)-15.5
			sector := 2 * math.Pi / float64(n)
			turn := math.Mod(math.Atan2(dy, dx)+angle+4*math.Pi, sector) - sector/2
			c := color.RGBA{hue / 4, 30, 60, 255}
			if math.Hypot(dx, dy)*math.Cos(turn) < 9 {
				c = color.RGBA{255 - hue/3, 200, hue, 255}
			}
			img.Set(x, y, c)
		}
	}
	return img
}

// ExampleNewGrid draws three queries with their five nearest images.
func ExampleNewGrid() {
	var queries []plots.Query
	for row := range 3 {
		q := plots.Query{Image: shape(3+row, 0.3, 40), Uncertainty: 0.61 + 0.62*float64(row)}
		if row == 2 {
			q.Note = "blend 0.45"
		}
		for k := range 5 {
			corners := 3 + row
			if (k+row)%4 == 3 {
				corners++
			}
			alpha, beta := 0.31+0.12*float64(k), 1.2+0.3*float64(row)+0.1*float64(k)
			q.Hits = append(q.Hits, plots.Hit{
				Image: shape(corners, 0.3+0.2*float64(k), uint8(60+30*k)), Correct: corners == 3+row,
				Alpha: alpha, Beta: beta, Similarity: 1 - alpha*alpha/2*math.Exp(-beta/(5*alpha)),
			})
		}
		queries = append(queries, q)
	}
	figure, err := plots.NewGrid(queries)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := plots.Save("testdata/grid.png", figure); err != nil {
		fmt.Println(err)
	}
	// Output:
}
