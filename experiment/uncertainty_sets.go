// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// loader returns a loader of other images, or of the test images under another transform.
func (s *uncertaintyStudy) loader(d *datasets.Dataset, transform datasets.Transform) *datasets.Loader {
	l := s.task.test
	return &datasets.Loader{
		Data: d, Order: l.Order, Transform: transform, BatchSize: l.BatchSize, DropLast: l.DropLast, OnBadImage: l.OnBadImage, Seed: l.Seed, Workers: l.Workers,
	}
}

// of embeds and scores images; but says which test images j are not taken as neighbors of image i.
func (s *uncertaintyStudy) of(ctx context.Context, l *datasets.Loader, but func(i, j int) bool) (scores, error) {
	e, err := s.embed(ctx, l)
	if err != nil {
		return nil, err
	}
	return s.scorer.scores(ctx, e, but)
}

// embed embeds images.
func (s *uncertaintyStudy) embed(ctx context.Context, l *datasets.Loader) (*idml.Embedded, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	e, err := s.scorer.embedder.Embed(ctx, l.Epoch(0, 0))
	if err == nil && len(e.Labels) != len(l.Data.Examples) { // an image is compared with its copies
		err = fmt.Errorf("%d of %d images could be read", len(e.Labels), len(l.Data.Examples))
	}
	return e, err
}

// corrupted measures how the scores tell corrupted test images from clean ones, and how steadily they grow with the strength of the corruption.
func (s *uncertaintyStudy) corrupted(ctx context.Context) error {
	test := s.task.Split.Test
	s.report.Clean = summary(s.clean[scoreNorm.Name])
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
			s.report.Corrupted = append(s.report.Corrupted, runlog.CorruptedUncertainty{
				Kind: string(kind), Strength: strength, Values: summary(worse[scoreNorm.Name]),
			})
			s.add(runlog.QuantityAUROC, c.String(), 0.5, func(score string) uncertainty.Estimate {
				return uncertainty.CopiesAUROC(worse[score], s.clean[score], s.bootstrap)
			})
		}
		s.add(runlog.QuantityGrowth, string(kind), 0.5, func(score string) uncertainty.Estimate {
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
	b := s.bootstrap
	if b.Classes != nil {
		b.Classes = nil
		for _, e := range other.Examples {
			b.Classes = append(b.Classes, -1-e.Label) // no class of the test images
		}
		b.Classes = append(b.Classes, s.bootstrap.Classes...)
	}
	s.add(runlog.QuantityAUROC, "another domain", 0.5, func(score string) uncertainty.Estimate {
		return uncertainty.OthersAUROC(foreign[score], s.clean[score], b)
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
