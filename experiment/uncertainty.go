// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/uncertainty"
)

// An UncertaintyReport is what the uncertainty of a run is worth, beside scores that need no uncertainty head.
type UncertaintyReport struct {
	// Run is the run folder, Epoch the epoch of the checkpoint, Seed the run's.
	Run   string `json:"run"`
	Epoch int    `json:"epoch"`
	Seed  uint64 `json:"seed"`
	// Images and Classes count the test images, Unseen names the images of another domain.
	Images  int    `json:"images"`
	Classes int    `json:"classes"`
	Unseen  string `json:"unseen"`
	// Right is the share of test images that are right: R@1, of a classifier the top-1 accuracy. Wrong says what the others are: "wrong R@1" or "wrong top-1".
	Right float64 `json:"right"`
	Wrong string  `json:"wrong"`
	// Scores are what is compared, the columns of the table.
	Scores []UncertaintyScore `json:"scores"`
	// Measures are its rows.
	Measures []UncertaintyMeasure `json:"measures"`
	// Reject is, by the name of a score, what rejecting test images by it comes to.
	Reject map[string]uncertainty.Reject `json:"reject"`

	config idml.Config
}

// An UncertaintyScore is a number by which images are called uncertain.
type UncertaintyScore struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// The scores: two of the uncertainty embedding, and baselines.
var (
	// scoreNorm is the norm of the uncertainty head's output, scoreBeta the mean of β of the pairs of an image with its nearest test images.
	scoreNorm = UncertaintyScore{"norm", "‖u‖"}
	scoreBeta = UncertaintyScore{"mean-beta", "mean β"}
	// scoreFeatures is minus the norm of the pooled features, which is small for faint images.
	scoreFeatures = UncertaintyScore{"features", "−‖features‖"}
	// scoreProxy is the distance of the semantic embedding to the nearest proxy, both of length 1; scoreProbability is of a classifier's softmax.
	scoreProxy       = UncertaintyScore{"proxy", "proxy distance"}
	scoreProbability = UncertaintyScore{"probability", "1 − largest p"}
)

const (
	betaNeighbors  = 8  // of how many nearest test images mean β is the mean. Ours
	rejectPoints   = 50 // of a curve of errors against rejections
	leastUncertain = 4  // test images that can be measured
)

// titleWrong says what it is for an image to be wrong.
var titleWrong = map[idml.Task]string{idml.Retrieval: "wrong R@1", idml.Classification: "wrong top-1"}

// The quantities that measures are of.
const (
	quantityAUROC    = "AUROC"    // chance is 0.5
	quantityGain     = "gain"     // of rejection; chance is 0
	quantityArea     = "area"     // under the curve of errors against rejections; chance is the share of errors
	quantityGrowth   = "growth"   // of steps of a corruption; chance is 0.5
	quantitySpearman = "Spearman" // rank correlation; chance is 0
)

// An UncertaintyMeasure is a line of the table: a quantity of each score. Package uncertainty defines the quantities.
type UncertaintyMeasure struct {
	// Quantity is "AUROC", "gain", "area", "growth" or "Spearman", Of what it tells from what, or correlates with.
	Quantity string `json:"quantity"`
	Of       string `json:"of"`
	// Chance is the value of a score that knows nothing.
	Chance float64 `json:"chance"`
	// Values holds the estimate of each score, by its name.
	Values map[string]uncertainty.Estimate `json:"values"`
}

// Name tells quantity and subject, as "AUROC, noise 2".
func (m UncertaintyMeasure) Name() string { return m.Quantity + ", " + m.Of }

// Uncertainty measures what the uncertainty that the newest checkpoint of a run gives to its test images is worth: how well it tells wrong answers, corrupted images,
// images of another domain (glyphs, or clothing for a run on glyphs), the mean of two images of different classes, and where it is known, the images that were made
// ambiguous; and how it goes with the distance to the center of an image's class. Intervals are bootstrap ones over images: see package uncertainty. The run's files stay
// as they are.
func Uncertainty(ctx context.Context, backend compute.Backend, dir string, b BootstrapOptions, o Options) (*UncertaintyReport, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	t, state, err := openTrial(backend, dir, o)
	if err != nil {
		return nil, err
	}
	s := &uncertaintyStudy{trial: t, bootstrap: uncertainty.Bootstrap(b), options: o, report: &UncertaintyReport{
		Run: dir, Epoch: state.Epoch, Seed: t.config.Seed, Reject: map[string]uncertainty.Reject{}, config: t.config,
	}}
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

	scorer *scorer
	clean  scores
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
	for _, study := range []func(context.Context) error{s.corrupted, s.unseen, s.mixed} {
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
	m := UncertaintyMeasure{quantity, of, chance, map[string]uncertainty.Estimate{}}
	for _, score := range s.report.Scores {
		m.Values[score.Name] = estimate(score.Name)
	}
	s.report.Measures = append(s.report.Measures, m)
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
	s.add(quantityAUROC, r.Wrong, 0.5, func(score string) uncertainty.Estimate {
		return uncertainty.ErrorAUROC(s.clean[score], wrong, s.bootstrap)
	})
	for _, score := range r.Scores {
		r.Reject[score.Name] = uncertainty.NewReject(s.clean[score.Name], wrong, rejectPoints, s.bootstrap)
	}
	s.add(quantityGain, "rejecting "+r.Wrong, 0, func(score string) uncertainty.Estimate { return r.Reject[score].Gain })
	s.add(quantityArea, "rejecting "+r.Wrong, share, func(score string) uncertainty.Estimate { return r.Reject[score].Area })
	distances, some := uncertainty.CenterDistances(rowsOf(clean.Semantic), clean.Labels), []int(nil)
	for i, d := range distances {
		if !math.IsNaN(d) {
			some = append(some, i)
		}
	}
	s.add(quantitySpearman, "distance to the class’s center", 0, func(score string) uncertainty.Estimate {
		return uncertainty.SpearmanEstimate(pick(s.clean[score], some), pick(distances, some), s.bootstrap)
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
		of := "made ambiguous by " + string(kind)
		s.add(quantityAUROC, of, 0.5, func(score string) uncertainty.Estimate {
			return uncertainty.OthersAUROC(pick(s.clean[score], some), pick(s.clean[score], kinds[datasets.Unambiguous]), s.bootstrap)
		})
		s.add(quantitySpearman, "amount of "+string(kind), 0, func(score string) uncertainty.Estimate {
			return uncertainty.SpearmanEstimate(pick(s.clean[score], some), pick(amounts, some), s.bootstrap)
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
