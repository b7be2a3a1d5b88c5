// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
)

// An UncertaintyReport is what the uncertainty of a run is worth, beside scores that need no uncertainty head, with what figures need. Its methods draw them.
type UncertaintyReport struct {
	// Run is the run folder, "" for embeddings made elsewhere.
	Run string `json:"run"`
	runlog.Uncertainty

	config  idml.Config
	task    *Task // of the run; nil unless it was measured
	heldOut bool  // in place of the test images
}

// The scores: two of the uncertainty embedding, and baselines.
var (
	// scoreNorm is the norm of the uncertainty head's output, scoreBeta the mean of β of the pairs of an image with its nearest test images.
	scoreNorm = runlog.UncertaintyScore{Name: "norm", Title: "‖u‖"}
	scoreBeta = runlog.UncertaintyScore{Name: "mean-beta", Title: "mean β"}
	// scoreFeatures is minus the norm of the pooled features, which is small for faint images.
	scoreFeatures = runlog.UncertaintyScore{Name: "features", Title: "−‖features‖"}
	// scoreProxy is the distance of the semantic embedding to the nearest proxy, both of length 1; scoreProbability is of a classifier's softmax.
	scoreProxy       = runlog.UncertaintyScore{Name: "proxy", Title: "proxy distance"}
	scoreProbability = runlog.UncertaintyScore{Name: "probability", Title: "1 − largest p"}
)

const (
	betaNeighbors  = 8  // of how many nearest test images mean β is the mean. Ours
	rejectPoints   = 50 // of a curve of errors against rejections
	leastUncertain = 4  // test images that can be measured
)

// titleWrong says what it is for an image to be wrong.
var titleWrong = map[idml.Task]string{idml.Retrieval: "wrong R@1", idml.Classification: "wrong top-1"}

// Uncertainty measures what the uncertainty that the newest checkpoint of a run gives to its test images is worth: how well it tells wrong answers, corrupted images,
// images of another domain (glyphs, or clothing for a run on glyphs), the mean of two images of different classes, and where it is known, the images that were made
// ambiguous; and how it goes with the distance to the center of an image's class. Intervals are bootstrap ones, of retrieval over classes, of classification, where the classes
// are given, over images: see package uncertainty. The run's files stay as they are until [UncertaintyReport.Save].
func Uncertainty(ctx context.Context, backend compute.Backend, dir string, b BootstrapOptions, o Options) (*UncertaintyReport, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	t, state, err := openTrial(backend, dir, o)
	if err != nil {
		return nil, err
	}
	if o.HeldOut {
		if t.task, err = t.task.heldOut(); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	s := newUncertaintyStudy(t, b, o)
	s.report.Run, s.report.Seed, s.report.config, s.report.task, s.report.heldOut = dir, t.config.Seed, t.config, t.task, o.HeldOut
	if s.report.Checkpoint, err = t.checkpoint(); err != nil {
		return nil, err
	}
	if s.report.Checkpoint.Step != state.Step {
		return nil, fmt.Errorf("%s has a new checkpoint since it was opened: measure it once its training has ended", dir)
	}
	if err := s.measure(ctx); err != nil {
		return nil, fmt.Errorf("the uncertainty of %s: %w", dir, err)
	}
	if note := t.task.badNote(); note != "" {
		o.warn("%s", note)
	}
	return s.report, nil
}

// uncertaintyStudy is the work of Uncertainty.
type uncertaintyStudy struct {
	trial
	bootstrap uncertainty.Bootstrap
	options   Options
	report    *UncertaintyReport

	scorer   *scorer
	clean    scores
	embedded *idml.Embedded // the clean test images
}

// newUncertaintyStudy returns a study with an empty report.
func newUncertaintyStudy(t trial, b BootstrapOptions, o Options) *uncertaintyStudy {
	r := &UncertaintyReport{}
	r.Over, r.Resamples, r.BootstrapSeed = runlog.OverClasses, b.Resamples, b.Seed
	if t.config.Task == idml.Classification {
		r.Over = runlog.OverImages
	}
	return &uncertaintyStudy{trial: t, bootstrap: uncertainty.Bootstrap{Resamples: b.Resamples, Seed: b.Seed}, options: o, report: r}
}

// scores are the numbers of some images, by the name of the score.
type scores map[string][]float64

// measure fills the report.
func (s *uncertaintyStudy) measure(ctx context.Context) error {
	embedder, err := idml.NewFeatureEmbedder(s.backend, s.model)
	if err != nil {
		return err
	}
	n := len(s.task.Split.Test.Examples)
	s.options.stage("uncertainty: embedding %d test images", n)
	clean, err := embedder.Embed(ctx, s.task.test.Epoch(0, 0))
	if err != nil {
		return err
	}
	s.task.dropBadTests()
	if err := s.scoreClean(ctx, embedder, clean); err != nil {
		return err
	}
	defer s.scorer.close()
	if err := s.answers(ctx, clean); err != nil {
		return err
	}
	s.ambiguous()
	for _, study := range []func(context.Context) error{s.corrupted, s.unseen, s.mixed, s.strip, s.project} {
		if err := study(ctx); err != nil {
			return err
		}
	}
	return nil
}

// scoreClean scores the test images. If it fails there is no scorer to close.
func (s *uncertaintyStudy) scoreClean(ctx context.Context, embedder *idml.Embedder, clean *idml.Embedded) (err error) {
	if len(clean.Labels) < leastUncertain {
		return fmt.Errorf("%d test images, want at least %d", len(clean.Labels), leastUncertain)
	}
	s.embedded = clean
	if s.report.Over == runlog.OverClasses {
		s.bootstrap.Classes = clean.Labels
	}
	if s.scorer, err = newScorer(s.trial, embedder, clean); err != nil {
		return err
	}
	s.report.Scores = s.scorer.list
	if s.clean, err = s.scorer.scores(ctx, clean, func(i, j int) bool { return i == j }); err != nil {
		s.scorer.close()
	}
	return err
}

// add makes a line of the table.
func (s *uncertaintyStudy) add(quantity, of string, chance float64, estimate func(score string) uncertainty.Estimate) {
	s.report.Measures = append(s.report.Measures, runlog.UncertaintyMeasure{
		Quantity: quantity, Of: of, Chance: chance, Values: ofEach(s.report.Scores, estimate),
	})
}

// ofEach returns what f makes of each score, all at the same time: resampling 60,000 images takes seconds for each.
func ofEach[T any](list []runlog.UncertaintyScore, f func(score string) T) map[string]T {
	values := make([]T, len(list))
	var wait sync.WaitGroup
	for i, score := range list {
		wait.Go(func() { values[i] = f(score.Name) })
	}
	wait.Wait()
	out := map[string]T{}
	for i, score := range list {
		out[score.Name] = values[i]
	}
	return out
}

// answers measures how the scores tell wrong answers, and how they go with the distance to the class's center.
func (s *uncertaintyStudy) answers(ctx context.Context, clean *idml.Embedded) error {
	wrong, err := s.wrong(ctx, clean)
	if err != nil {
		return err
	}
	r, errors := s.report, 0
	for _, w := range wrong {
		if w {
			errors++
		}
	}
	share := float64(errors) / float64(len(wrong))
	r.Images, r.Classes, r.Right, r.Wrong = len(wrong), different(clean.Labels), 1-share, titleWrong[s.config.Task]
	s.options.stage("uncertainty: measuring errors")
	s.add(runlog.QuantityAUROC, r.Wrong, 0.5, func(score string) uncertainty.Estimate {
		return uncertainty.ErrorAUROC(s.clean[score], wrong, s.bootstrap)
	})
	r.Reject = ofEach(r.Scores, func(score string) uncertainty.Reject {
		return uncertainty.NewReject(s.clean[score], wrong, rejectPoints, s.bootstrap)
	})
	s.add(runlog.QuantityGain, "rejecting "+r.Wrong, 0, func(score string) uncertainty.Estimate { return r.Reject[score].Gain })
	s.add(runlog.QuantityArea, "rejecting "+r.Wrong, share, func(score string) uncertainty.Estimate { return r.Reject[score].Area })
	distances, some := uncertainty.CenterDistances(rowsOf(clean.Semantic), clean.Labels), []int(nil)
	for i, d := range distances {
		if !math.IsNaN(d) {
			some = append(some, i)
		}
	}
	s.add(runlog.QuantitySpearman, "distance to the class’s center", 0, func(score string) uncertainty.Estimate {
		return uncertainty.SpearmanEstimate(pick(s.clean[score], some), pick(distances, some), s.bootstrap.Of(some))
	})
	return nil
}

// wrong tells which test images are wrong: those whose nearest other image is of another class or, in classification, whose most probable class is.
func (s *uncertaintyStudy) wrong(ctx context.Context, clean *idml.Embedded) ([]bool, error) {
	wrong := make([]bool, len(clean.Labels))
	if s.config.Task == idml.Classification {
		for i, label := range clean.Labels {
			wrong[i] = classify.Rank(clean.Logits.Row(i), label) != 1
		}
		return wrong, nil
	}
	neighbors, err := retrieval.Neighbors(ctx, s.backend, clean.Semantic, 1)
	if err != nil {
		return nil, err
	}
	for i, list := range neighbors {
		wrong[i] = clean.Labels[list[0]] != clean.Labels[i]
	}
	return wrong, nil
}

// ambiguous measures how the scores tell images that were made ambiguous from those that weren't, and by how much.
func (s *uncertaintyStudy) ambiguous() {
	kinds, amounts := map[datasets.AmbiguityKind][]int{}, make([]float64, len(s.task.Split.Test.Examples))
	for i, e := range s.task.Split.Test.Examples {
		kinds[e.Ambiguity.Kind] = append(kinds[e.Ambiguity.Kind], i)
		amounts[i] = e.Ambiguity.Amount
	}
	for _, kind := range []datasets.AmbiguityKind{datasets.Blend, datasets.Occlusion, datasets.Blur} {
		some := kinds[kind]
		if len(some) == 0 {
			continue
		}
		of, clear := "made ambiguous by "+string(kind), kinds[datasets.Unambiguous]
		both := s.bootstrap.Of(slices.Concat(some, clear))
		s.add(runlog.QuantityAUROC, of, 0.5, func(score string) uncertainty.Estimate {
			return uncertainty.OthersAUROC(pick(s.clean[score], some), pick(s.clean[score], clear), both)
		})
		s.add(runlog.QuantitySpearman, "amount of "+string(kind), 0, func(score string) uncertainty.Estimate {
			return uncertainty.SpearmanEstimate(pick(s.clean[score], some), pick(amounts, some), s.bootstrap.Of(some))
		})
	}
}

// different returns how many different labels there are.
func different(labels []int) int { return len(slices.Compact(slices.Sorted(slices.Values(labels)))) }

// pick returns the values at some places.
func pick(values []float64, at []int) []float64 {
	out := make([]float64, len(at))
	for k, i := range at {
		out[k] = values[i]
	}
	return out
}
