// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"fmt"
	"math"
	"slices"

	"introspection/idml/runlog"
)

// scoreNorm is the name of ‖u‖ among the scores of a runlog.Uncertainty.
const scoreNorm = "norm"

// UncertaintyRejections draws the error of the test images that are kept over the share that is rejected, by each score, with bootstrap intervals, between the perfect
// order and a random one.
func UncertaintyRejections(u runlog.Uncertainty) (*Bands, error) {
	var bands []Band
	wrong, perfect := 1-u.Right, Band{Name: "perfect order", WithoutMarks: true}
	for i, score := range u.Scores {
		b := Band{Name: score.Title, WithoutMarks: true}
		for _, p := range u.Reject[score.Name].Curve {
			b.X, b.Y = append(b.X, p.Rejected), append(b.Y, p.Error.Value)
			b.Low, b.High = append(b.Low, p.Error.Low), append(b.High, p.Error.High)
			if i == 0 {
				perfect.X, perfect.Y = append(perfect.X, p.Rejected), append(perfect.Y, max(0, wrong-p.Rejected)/(1-p.Rejected))
			}
		}
		bands = append(bands, b.known())
	}
	f, err := NewBands("share of images rejected", u.Wrong+", share of the images kept", append(bands, perfect)...)
	if err != nil {
		return nil, err
	}
	f.FromZero, f.Rules = true, []Rule{{Name: "random order", Y: wrong}}
	return f, nil
}

// known returns the band without its interval if that isn't known everywhere.
func (b Band) known() Band {
	if slices.ContainsFunc(b.Low, math.IsNaN) || slices.ContainsFunc(b.High, math.IsNaN) {
		b.Low, b.High = nil, nil
	}
	return b
}

// corruptions returns the kinds of corruption and their largest strength.
func corruptions(u runlog.Uncertainty) (kinds []string, strengths int) {
	for _, c := range u.Corrupted {
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
		strengths = max(strengths, c.Strength)
	}
	return kinds, strengths
}

// UncertaintyCorruptions draws how well a score tells corrupted test images from clean ones over the strength of the corruption, with bootstrap intervals. The error wraps
// ErrNoData if nothing was corrupted, as for embeddings made elsewhere.
func UncertaintyCorruptions(u runlog.Uncertainty, score runlog.UncertaintyScore) (*Bands, error) {
	kinds, strengths := corruptions(u)
	var bands []Band
	for _, kind := range kinds {
		b := Band{Name: kind, X: []float64{0}, Y: []float64{0.5}, Low: []float64{0.5}, High: []float64{0.5}} // an image against itself
		for strength := 1; strength <= strengths; strength++ {
			if e := u.Estimate(runlog.QuantityAUROC, runlog.CorruptedName(kind, strength), score.Name); e.Exists() {
				b.X, b.Y, b.Low, b.High = append(b.X, float64(strength)), append(b.Y, e.Value), append(b.Low, e.Low), append(b.High, e.High)
			}
		}
		if len(b.X) > 1 {
			bands = append(bands, b.known())
		}
	}
	f, err := NewBands("strength of the corruption", "AUROC of "+score.Title+" against clean images", bands...)
	if err != nil {
		return nil, err
	}
	f.WholeX, f.Rules = true, []Rule{{Name: "chance", Y: 0.5}}
	return f, nil
}

// UncertaintyHistograms draws how ‖u‖ is distributed, clean and under each corruption in each strength. The error wraps ErrNoData if nothing was corrupted.
func UncertaintyHistograms(u runlog.Uncertainty) (*Histograms, error) {
	kinds, strengths := corruptions(u)
	var panels []HistogramPanel
	for _, kind := range kinds {
		p := HistogramPanel{Name: kind, Groups: []Group{{"clean", u.Clean}}}
		for strength := 1; strength <= strengths; strength++ {
			g := Group{Name: fmt.Sprintf("strength %d", strength)}
			for _, c := range u.Corrupted {
				if c.Kind == kind && c.Strength == strength {
					g.Values = c.Values
				}
			}
			p.Groups = append(p.Groups, g)
		}
		panels = append(panels, p)
	}
	return NewHistograms("uncertainty ‖u‖", panels...)
}

// UncertaintyByClass draws how ‖u‖ is distributed in each class of the test images.
func UncertaintyByClass(predictions []runlog.Prediction) (*Boxes, error) {
	groups := map[int]*Group{}
	var labels []int
	for _, p := range predictions {
		if !finite(p.Uncertainty) {
			continue
		}
		if groups[p.Label] == nil {
			groups[p.Label] = &Group{Name: p.Class}
			labels = append(labels, p.Label)
		}
		groups[p.Label].Values = append(groups[p.Label].Values, p.Uncertainty)
	}
	slices.Sort(labels)
	var list []Group
	for _, label := range labels {
		list = append(list, *groups[label])
	}
	return NewBoxes("uncertainty ‖u‖", list...)
}

// UncertaintyPlane draws the test images in the plane, by principal components and by t-SNE: the area of a dot grows with ‖u‖, and some classes have colors. The error
// wraps ErrNoData if nothing was projected.
func UncertaintyPlane(u runlog.Uncertainty) (*Scatter, error) {
	if u.Projection == nil {
		return nil, fmt.Errorf("%w: no projection", ErrNoData)
	}
	p := u.Projection
	classes := map[int]string{}
	var labels []int
	var dots []Dot
	for _, at := range p.Points {
		if _, ok := classes[at.Label]; !ok {
			classes[at.Label] = at.Class
			labels = append(labels, at.Label)
		}
		dots = append(dots, Dot{At: [][2]float64{at.PCA, at.TSNE}, Group: at.Class, Size: at.Uncertainty})
	}
	slices.Sort(labels)
	var shown []string
	for k := range min(MostGroups, len(labels)) {
		shown = append(shown, classes[labels[k*len(labels)/min(MostGroups, len(labels))]])
	}
	return NewScatter("‖u‖", []string{
		fmt.Sprintf("principal components: %.0f %% and %.0f %% of the variance", 100*p.Explained[0], 100*p.Explained[1]),
		fmt.Sprintf("t-SNE, perplexity %s", short(p.Perplexity)),
	}, dots, shown...)
}
