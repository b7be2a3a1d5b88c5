// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestGallery(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewGallery, t, delta, "gallery.png")
}

func svgOf(t *testing.T, f plots.Figure) string {
	t.Helper()
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	return svg.String()
}

func TestGalleryWritesItsNumbers(t *testing.T) {
	f, err := plots.NewGallery([]plots.Classified{
		{Image: shape(3, 0, 9), Class: "shirt", Predicted: "shirt", Probability: 0.987, Correct: true, Uncertainty: 1.234},
		{Class: "coat", Predicted: "dress", Probability: 0.5, Uncertainty: math.NaN()},
	})
	ready(t, err)
	svg := svgOf(t, f)
	for want, times := range map[string]int{">shirt<": 1, "p 0.99\u00a0\u00a0\u00a0u 1.23<": 1, ">dress<": 1, "p 0.50<": 1, ">is coat<": 1, "is shirt": 0, "no picture": 1} {
		if got := strings.Count(svg, want); got != times {
			t.Errorf("the gallery has %q %d times, want %d", want, got, times)
		}
	}
}

func TestGallerySizes(t *testing.T) {
	height := map[int]int{}
	for n := 1; n <= 13; n++ {
		f, err := plots.NewGallery(make([]plots.Classified, n))
		ready(t, err)
		w, h := f.Size()
		if w != plots.Width || h <= 0 {
			t.Errorf("%d images: size %v × %v", n, w, h)
		}
		height[n] = int(h)
	}
	if height[1] != height[6] || height[7] != height[12] || !(height[6] < height[7] && height[12] < height[13]) {
		t.Errorf("heights by the number of images: %v", height)
	}
	if _, err := plots.NewGallery(nil); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no images: %v, want ErrNoData", err)
	}
}
