// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"

	"introspection/datasets"
	"introspection/plots"
)

// RejectFigure draws the error of the test images that are kept over the share that is rejected, by each score, with bootstrap intervals, between the perfect order and a
// random one.
func (r *UncertaintyReport) RejectFigure() (*plots.Bands, error) {
	var bands []plots.Band
	for _, score := range r.Scores {
		b := plots.Band{Name: score.Title, WithoutMarks: true}
		for _, p := range r.Reject[score.Name].Curve {
			b.X, b.Y, b.Low, b.High = append(b.X, p.Rejected), append(b.Y, p.Error.Value), append(b.Low, p.Error.Low), append(b.High, p.Error.High)
		}
		bands = append(bands, b)
	}
	wrong, perfect := 1-r.Right, plots.Band{Name: "perfect order", WithoutMarks: true}
	for k := range rejectPoints {
		rejected := float64(k) / rejectPoints
		perfect.X, perfect.Y = append(perfect.X, rejected), append(perfect.Y, max(0, wrong-rejected)/(1-rejected))
	}
	f, err := plots.NewBands("share of images rejected", r.Wrong+", share of the images kept", append(bands, perfect)...)
	if err != nil {
		return nil, err
	}
	f.FromZero, f.Rules = true, []plots.Rule{{Name: "random order", Y: wrong}}
	return f, nil
}

// CorruptionFigure draws how well a score tells corrupted test images from clean ones over the strength of the corruption, with bootstrap intervals. It is an error if
// nothing was corrupted, as for embeddings made elsewhere.
func (r *UncertaintyReport) CorruptionFigure(score UncertaintyScore) (*plots.Bands, error) {
	var bands []plots.Band
	for _, kind := range datasets.AllCorruptionKinds() {
		b := plots.Band{Name: string(kind), X: []float64{0}, Y: []float64{0.5}, Low: []float64{0.5}, High: []float64{0.5}} // an image against itself
		for strength := 1; strength <= datasets.CorruptionStrengths; strength++ {
			for _, m := range r.Measures {
				e := m.Values[score.Name]
				if m.Quantity == quantityAUROC && m.Of == (datasets.Corrupt{Kind: kind, Strength: strength}).String() && !math.IsNaN(e.Low) {
					b.X, b.Y, b.Low, b.High = append(b.X, float64(strength)), append(b.Y, e.Value), append(b.Low, e.Low), append(b.High, e.High)
				}
			}
		}
		if len(b.X) > 1 {
			bands = append(bands, b)
		}
	}
	f, err := plots.NewBands("strength of the corruption", "AUROC of "+score.Title+" against clean images", bands...)
	if err != nil {
		return nil, err
	}
	f.WholeX, f.Rules = true, []plots.Rule{{Name: "chance", Y: 0.5}}
	return f, nil
}
