// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"math/rand/v2"

	"introspection/datasets"
	"introspection/idml/uncertainty"
)

// loader returns a loader of other images, or of the test images under another transform.
func (s *uncertaintyStudy) loader(d *datasets.Dataset, transform datasets.Transform) *datasets.Loader {
	l := s.task.test
	return &datasets.Loader{
		Data: d, Order: l.Order, Transform: transform, BatchSize: l.BatchSize, DropLast: l.DropLast, OnBadImage: l.OnBadImage, Seed: l.Seed, Workers: l.Workers,
	}
}

// of returns the scores of images; but says which test images j are not taken as neighbors of image i.
func (s *uncertaintyStudy) of(ctx context.Context, l *datasets.Loader, but func(i, j int) bool) (scores, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	e, err := s.scorer.embedder.Embed(ctx, l.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	return s.scorer.scores(ctx, e, but)
}

// corrupted measures how the scores tell corrupted test images from clean ones, and how steadily they grow with the strength of the corruption.
func (s *uncertaintyStudy) corrupted(ctx context.Context) error {
	test := s.task.Split.Test
	for _, kind := range datasets.AllCorruptionKinds() {
		s.options.stage("uncertainty: %s", kind)
		levels := []scores{s.clean}
		for strength := 1; strength <= datasets.CorruptionStrengths; strength++ {
			c := datasets.Corrupt{Kind: kind, Strength: strength}
			worse, err := s.of(ctx, s.loader(test, datasets.Compose{s.task.test.Transform, c}), func(i, j int) bool { return i == j })
			if err != nil {
				return fmt.Errorf("under %s: %w", c, err)
			}
			levels = append(levels, worse)
			s.add(quantityAUROC, c.String(), 0.5, func(score string) uncertainty.Estimate {
				return uncertainty.CopiesAUROC(worse[score], s.clean[score], s.bootstrap)
			})
		}
		s.add(quantityGrowth, string(kind), 0.5, func(score string) uncertainty.Estimate {
			var list [][]float64
			for _, level := range levels {
				list = append(list, level[score])
			}
			return uncertainty.Growth(list, s.bootstrap)
		})
	}
	return nil
}

// unseen measures how the scores tell images of another domain.
func (s *uncertaintyStudy) unseen(ctx context.Context) error {
	other, err := s.otherDomain()
	if err != nil {
		return err
	}
	s.report.Unseen = other.Name
	s.options.stage("uncertainty: %s", other.Name)
	foreign, err := s.of(ctx, s.loader(other, photographs(s.config.Data)), func(int, int) bool { return false })
	if err != nil {
		return fmt.Errorf("images of another domain: %w", err)
	}
	s.add(quantityAUROC, "another domain", 0.5, func(score string) uncertainty.Estimate {
		return uncertainty.OthersAUROC(foreign[score], s.clean[score], s.bootstrap)
	})
	return nil
}

// otherDomain returns images of another domain, at most as many as there are test images, of all its classes: the test half of Fashion-MNIST for a run on glyphs, and
// glyphs, none of them ambiguous, for any other run.
func (s *uncertaintyStudy) otherDomain() (*datasets.Dataset, error) {
	var split datasets.Split
	var err error
	if s.config.Data.Name == "glyphs" {
		split, err = datasets.Fashion()
	} else {
		c := datasets.DefaultGlyphs()
		c.AmbiguousShare = 0
		split, err = datasets.Glyphs(c)
	}
	if err != nil {
		return nil, err
	}
	return evenly(split.Test, len(s.task.Split.Test.Examples)), nil
}

// evenly returns at most n images of a dataset, at equal distances.
func evenly(d *datasets.Dataset, n int) *datasets.Dataset {
	all := len(d.Examples)
	if all <= n {
		return d
	}
	kept := map[int]bool{}
	for k := range n {
		kept[k*all/n] = true
	}
	var left []int
	for i := range all {
		if !kept[i] {
			left = append(left, i)
		}
	}
	return d.Without(left)
}

// mixed measures how the scores tell the means of two test images of different classes from the first of them.
func (s *uncertaintyStudy) mixed(ctx context.Context) error {
	test := s.task.Split.Test
	partner := partners(test.Labels(), s.config.Seed)
	if partner == nil { // a single class
		return nil
	}
	s.options.stage("uncertainty: mixed images")
	both, err := s.of(ctx, s.loader(mixtures(test, s.task.test.Transform, partner), datasets.Compose{}), func(i, j int) bool { return j == i || j == partner[i] })
	if err != nil {
		return fmt.Errorf("mixed images: %w", err)
	}
	s.add(quantityAUROC, "mixed half and half", 0.5, func(score string) uncertainty.Estimate {
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

// mixtures returns the means, rounded, of each image and its partner, after a transform that draws nothing.
func mixtures(d *datasets.Dataset, transform datasets.Transform, partner []int) *datasets.Dataset {
	return datasets.New("mixed "+d.Name, d.Classes, d.Examples, func(i int) (*datasets.RGB, error) {
		a, err := d.Image(i)
		if err != nil {
			return nil, err
		}
		b, err := d.Image(partner[i])
		if err != nil {
			return nil, err
		}
		a, b = transform.Apply(a, nil), transform.Apply(b, nil)
		out := datasets.NewRGB(a.Width, a.Height)
		for k := range out.Pix {
			out.Pix[k] = uint8((int(a.Pix[k]) + int(b.Pix[k]) + 1) / 2)
		}
		return out, nil
	})
}
