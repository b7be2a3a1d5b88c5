// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"introspection/datasets"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// mixed measures how the scores tell the means of two test images of different classes from the first of them.
func (s *uncertaintyStudy) mixed(ctx context.Context) error {
	test := s.task.Split.Test
	partner := partners(test.Labels(), s.config.Seed)
	if partner == nil { // a single class
		return nil
	}
	s.options.stage("uncertainty: mixed images")
	both, err := s.of(ctx, s.loader(mixtures(test, s.task.test.Transform, halves(partner)), datasets.Compose{}), func(i, j int) bool { return j == i || j == partner[i] })
	if err != nil {
		return fmt.Errorf("mixed images: %w", err)
	}
	s.add(runlog.QuantityAUROC, "mixed half and half", 0.5, func(score string) uncertainty.Estimate {
		return uncertainty.CopiesAUROC(both[score], s.clean[score], s.bootstrap)
	})
	return nil
}

// partners draws for each image one of another class, each of those with equal probability; nil if there is one class only.
func partners(labels []int, seed uint64) []int {
	rng, count := rand.New(rand.NewPCG(seed, keyPartners)), map[int]int{}
	for _, label := range labels {
		count[label]++
	}
	if len(count) < 2 {
		return nil
	}
	list := make([]int, len(labels))
	for i, label := range labels {
		for list[i] = i; labels[list[i]] == label; {
			list[i] = rng.IntN(len(labels))
		}
	}
	return list
}

// keyPartners parts the numbers that partners draws from those of other uses of a seed.
const keyPartners = 0x9a27

// A mixture is λ·first + (1−λ)·second of two images of a dataset.
type mixture struct {
	first, second int
	lambda        float64
}

// halves returns the means of each image and its partner.
func halves(partner []int) []mixture {
	list := make([]mixture, len(partner))
	for i, j := range partner {
		list[i] = mixture{i, j, 0.5}
	}
	return list
}

// mixtures returns mixed images, rounded, after a transform that draws nothing; a mixture's label is that of its first image.
func mixtures(d *datasets.Dataset, transform datasets.Transform, list []mixture) *datasets.Dataset {
	examples := make([]datasets.Example, len(list))
	for k, m := range list {
		examples[k] = d.Examples[m.first]
	}
	return datasets.New("mixed "+d.Name, d.Classes, examples, func(k int) (*datasets.RGB, error) {
		m := list[k]
		a, err := d.Image(m.first)
		if err != nil {
			return nil, err
		}
		b, err := d.Image(m.second)
		if err != nil {
			return nil, err
		}
		a, b = transform.Apply(a, nil), transform.Apply(b, nil)
		out := datasets.NewRGB(a.Width, a.Height)
		for k := range out.Pix {
			out.Pix[k] = uint8(math.Floor(m.lambda*float64(a.Pix[k]) + (1-m.lambda)*float64(b.Pix[k]) + 0.5))
		}
		return out, nil
	})
}

const (
	stripPairs = 100 // pairs of images that are mixed step by step
	stripSteps = 10  // from one to the other
)

// strip measures ‖u‖ of mixes of two test images of different classes, from one to the other.
func (s *uncertaintyStudy) strip(ctx context.Context) error {
	test := s.task.Split.Test
	partner := partners(test.Labels(), s.config.Seed)
	if partner == nil {
		return nil
	}
	s.options.stage("uncertainty: mixing strip")
	m := &runlog.MixingUncertainty{}
	for k := range stripSteps + 1 {
		m.Lambdas = append(m.Lambdas, float64(k)/stripSteps)
	}
	var list []mixture
	for _, i := range spaced(len(partner), stripPairs) {
		m.Pairs = append(m.Pairs, runlog.MixPair{First: i, Second: partner[i]})
		for _, lambda := range m.Lambdas {
			list = append(list, mixture{i, partner[i], lambda})
		}
	}
	e, err := s.embed(ctx, s.loader(mixtures(test, s.task.test.Transform, list), datasets.Compose{}))
	if err != nil {
		return fmt.Errorf("mixing strip: %w", err)
	}
	norms := brief(uncertainty.Norms(rowsOf(e.Uncertainty)))
	for p := range m.Pairs {
		m.Pairs[p].Uncertainty = norms[p*len(m.Lambdas) : (p+1)*len(m.Lambdas)]
	}
	s.report.Mixing = m
	return nil
}
