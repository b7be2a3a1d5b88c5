// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"introspection/idml/runlog"
)

// mixedRows is how many pairs of a mixing strip are shown as pictures.
const mixedRows = 2

// shownMixes returns the pairs that are shown: the first, and others at equal distances.
func shownMixes(u runlog.Uncertainty) []runlog.MixPair {
	if u.Mixing == nil {
		return nil
	}
	var shown []runlog.MixPair
	n := min(mixedRows, len(u.Mixing.Pairs))
	for k := range n {
		shown = append(shown, u.Mixing.Pairs[k*len(u.Mixing.Pairs)/n])
	}
	return shown
}

// ShownMixes returns the indices of the test images that a mixing strip shows, ascending: they need a thumbnail.
func ShownMixes(u runlog.Uncertainty) []int {
	var shown []int
	for _, p := range shownMixes(u) {
		shown = append(shown, p.First, p.Second)
	}
	slices.Sort(shown)
	return slices.Compact(shown)
}

// UncertaintyMixing draws what becomes of ‖u‖ where two test images of different classes are mixed, λ of one and 1−λ of the other: pictures of some pairs, their lines,
// and the median of all pairs in a band between their quartiles. Pictures come from the run's thumbnails. The error wraps ErrNoData if nothing was mixed.
func UncertaintyMixing(run *runlog.Run, u runlog.Uncertainty) (*Strip, error) {
	if u.Mixing == nil || len(u.Mixing.Pairs) == 0 {
		return nil, fmt.Errorf("%w: no mixed images", ErrNoData)
	}
	lambdas := u.Mixing.Lambdas
	all := Band{Name: fmt.Sprintf("median and quartiles of %d pairs", len(u.Mixing.Pairs)), X: lambdas}
	for k := range lambdas {
		var values []float64
		for _, p := range u.Mixing.Pairs {
			if len(p.Uncertainty) != len(lambdas) {
				return nil, fmt.Errorf("plots: mixing: pair %d, %d has %d values for %d λ", p.First, p.Second, len(p.Uncertainty), len(lambdas))
			}
			values = append(values, p.Uncertainty[k])
		}
		slices.Sort(values)
		all.Y, all.Low, all.High = append(all.Y, quantile(values, 0.5)), append(all.Low, quantile(values, 0.25)), append(all.High, quantile(values, 0.75))
	}
	bands, names := []Band{all}, []string{"first row", "second row"}
	var rows []StripRow
	for k, p := range shownMixes(u) {
		first, err := thumbnail(run, p.First)
		if err != nil {
			return nil, err
		}
		second, err := thumbnail(run, p.Second)
		if err != nil {
			return nil, err
		}
		row := StripRow{}
		for _, lambda := range lambdas {
			row.Images = append(row.Images, mixed(first, second, lambda))
		}
		rows, bands = append(rows, row), append(bands, Band{Name: names[k], X: lambdas, Y: p.Uncertainty})
	}
	f, err := NewBands("λ, share of the image at the right", "uncertainty ‖u‖", bands...)
	if err != nil {
		return nil, err
	}
	return NewStrip(lambdas, f, rows...)
}

// mixed returns λ·a + (1−λ)·b, rounded, or nil if one of them is missing or they differ in size.
func mixed(a, b image.Image, lambda float64) image.Image {
	if a == nil || b == nil || a.Bounds().Size() != b.Bounds().Size() {
		return nil
	}
	size := a.Bounds().Size()
	out := image.NewNRGBA(image.Rect(0, 0, size.X, size.Y))
	for y := range size.Y {
		for x := range size.X {
			p := color.NRGBAModel.Convert(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)).(color.NRGBA)
			mix := func(v, w uint8) uint8 { return uint8(math.Floor(lambda*float64(v) + (1-lambda)*float64(w) + 0.5)) }
			out.SetNRGBA(x, y, color.NRGBA{mix(p.R, q.R), mix(p.G, q.G), mix(p.B, q.B), 0xff})
		}
	}
	return out
}
