// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Wanted numbers: the distribution functions of 200,000 crops of torchvision's RandomResizedCrop.get_params (testdata/README.md), in
// images of usual shapes, in small ones and in long ones, where the tenth try often fails.
func TestRandomResizedCropDistribution(t *testing.T) {
	type distribution struct{ Points, Below []float64 }
	var cases []struct {
		Width, Height int
		Scale         [2]float64
		Distributions map[string]distribution
	}
	readGolden(t, "crops.json", &cases)
	const n = 20000
	// Kolmogorov and Smirnov: the largest distance between two empirical distribution functions of n and m draws of one distribution
	// is over 1.95·√(1/n + 1/m) in one case of a thousand. Here it is looked at in a few points, and the draws are always the same.
	limit := 1.95 * math.Sqrt(1./n+1./200000)
	for _, c := range cases {
		transform := RandomResizedCrop{Size: 224, Scale: c.Scale, Ratio: DefaultRandomResizedCrop(224).Ratio}
		rng := newRand(1)
		drawn := map[string][]float64{}
		for range n {
			box := transform.box(c.Width, c.Height, rng)
			x, y, width, height := box.Min.X, box.Min.Y, box.Dx(), box.Dy()
			if x < 0 || y < 0 || width < 1 || height < 1 || x+width > c.Width || y+height > c.Height {
				t.Fatalf("crop of %d × %d at %d, %d of %d × %d", width, height, x, y, c.Width, c.Height)
			}
			for name, v := range map[string]float64{
				"share":     float64(width*height) / float64(c.Width*c.Height),
				"log_ratio": math.Log(float64(width) / float64(height)),
				"left":      float64(x) / float64(max(c.Width-width, 1)),
				"top":       float64(y) / float64(max(c.Height-height, 1)),
			} {
				drawn[name] = append(drawn[name], v)
			}
		}
		for name, want := range c.Distributions {
			slices.Sort(drawn[name])
			largest := 0.0
			for i, p := range want.Points {
				below, _ := slices.BinarySearch(drawn[name], p)
				largest = max(largest, math.Abs(float64(below)/n-want.Below[i]))
			}
			t.Logf("%d × %d, %s: distance %.4f", c.Width, c.Height, name, largest)
			if len(want.Points) < 8 || largest > limit {
				t.Errorf("%d × %d, %s: the distribution is %.4f from torchvision's in one of %d points: want at most %.4f",
					c.Width, c.Height, name, largest, len(want.Points), limit)
			}
		}
	}
}

// Narrow images never fit: the fallback is the largest central crop whose ratio is allowed.
func TestRandomResizedCropFallback(t *testing.T) {
	c := RandomResizedCrop{Size: 8, Scale: [2]float64{1, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}
	for _, k := range []struct {
		w, h int
		want [4]int
	}{
		{300, 20, [4]int{136, 0, 27, 20}}, // 20·4/3 = 26.7
		{20, 300, [4]int{0, 136, 20, 27}}, // 20/(3/4) = 26.7
	} {
		box := c.box(k.w, k.h, newRand(1))
		if diff := cmp.Diff(k.want, [4]int{box.Min.X, box.Min.Y, box.Dx(), box.Dy()}); diff != "" {
			t.Errorf("%d × %d (-want +got):\n%s", k.w, k.h, diff)
		}
		if img := c.Apply(NewRGB(k.w, k.h), newRand(1)); img.Width != 8 || img.Height != 8 {
			t.Errorf("%d × %d pixels", img.Width, img.Height)
		}
	}
}
