// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/json"
	"fmt"
	"io"

	"introspection/idml/uncertainty"
)

// Uncertainty is what the uncertainty of a run's test images was found to be worth, with what a report draws of it. See the package comment for the fields.
type Uncertainty struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Seed       uint64     `json:"seed"`
	Images     int        `json:"images"`
	Classes    int        `json:"classes"`
	Unseen     string     `json:"unseen"`
	Right      float64    `json:"right"`
	Wrong      string     `json:"wrong"`
	// Over is what the intervals are over, OverClasses or OverImages.
	Over          string                        `json:"over"`
	Resamples     int                           `json:"resamples"`
	BootstrapSeed uint64                        `json:"bootstrap_seed"`
	Scores        []UncertaintyScore            `json:"scores"`
	Measures      []UncertaintyMeasure          `json:"measures"`
	Reject        map[string]uncertainty.Reject `json:"reject"`
	Clean         []float64                     `json:"clean,omitempty"`
	Corrupted     []CorruptedUncertainty        `json:"corrupted,omitempty"`
	Mixing        *MixingUncertainty            `json:"mixing,omitempty"`
	Projection    *Projection                   `json:"projection,omitempty"`
}

// What the intervals of Uncertainty are over: what is drawn.
const (
	OverClasses = "classes"
	OverImages  = "images"
)

// A Checkpoint tells one checkpoint from others: after how many whole epochs and steps it was written, and the checksum that it holds of itself.
type Checkpoint struct {
	Epoch  int    `json:"epoch"`
	Step   int    `json:"step"`
	SHA256 string `json:"sha256"`
}

// An UncertaintyScore is a number by which images are called uncertain.
type UncertaintyScore struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// The quantities that an UncertaintyMeasure is of. Package uncertainty defines them.
const (
	QuantityAUROC    = "AUROC"    // chance is 0.5
	QuantityGain     = "gain"     // of rejection; chance is 0
	QuantityArea     = "area"     // under the curve of errors against rejections; chance is the share of errors
	QuantityGrowth   = "growth"   // of steps of a corruption; chance is 0.5
	QuantitySpearman = "Spearman" // rank correlation; chance is 0
)

// An UncertaintyMeasure is a quantity of each score.
type UncertaintyMeasure struct {
	// Quantity is one of the constants Quantity…, Of what it tells from what, or correlates with.
	Quantity string `json:"quantity"`
	Of       string `json:"of"`
	// Chance is the value of a score that knows nothing.
	Chance float64 `json:"chance"`
	// Values holds the estimate of each score, by its name.
	Values map[string]uncertainty.Estimate `json:"values"`
}

// Name tells quantity and subject, as "AUROC, noise 2".
func (m UncertaintyMeasure) Name() string { return m.Quantity + ", " + m.Of }

// Estimate returns a measure of a score; one that doesn't exist if it was not measured.
func (u *Uncertainty) Estimate(quantity, of, score string) uncertainty.Estimate {
	for _, m := range u.Measures {
		if e, ok := m.Values[score]; ok && m.Quantity == quantity && m.Of == of {
			return e
		}
	}
	return uncertainty.None()
}

// CorruptedUncertainty is the norms of the uncertainty of test images to which something was done with a strength from 1.
type CorruptedUncertainty struct {
	Kind     string    `json:"kind"`
	Strength int       `json:"strength"`
	Values   []float64 `json:"values"`
}

// MixingUncertainty is the norms of the uncertainty of mixes of two test images of different classes, λ·first + (1−λ)·second.
type MixingUncertainty struct {
	Lambdas []float64 `json:"lambdas"`
	Pairs   []MixPair `json:"pairs"`
}

// A MixPair is two test images, by their indices, and the norm for each of the Lambdas.
type MixPair struct {
	First       int       `json:"first"`
	Second      int       `json:"second"`
	Uncertainty []float64 `json:"uncertainty"`
}

// A Projection is test images in the plane.
type Projection struct {
	// Explained is the share of the variance along each of the two principal components, Perplexity that of t-SNE, Divergence what it left, in nats.
	Explained  [2]float64 `json:"explained"`
	Perplexity float64    `json:"perplexity"`
	Divergence float64    `json:"divergence"`
	Points     []Place    `json:"points"`
}

// A Place is a test image in the plane: its index, class and norm of the uncertainty, its coordinates along the first two principal components and those by t-SNE.
type Place struct {
	Index       int        `json:"index"`
	Label       int        `json:"label"`
	Class       string     `json:"class"`
	Uncertainty float64    `json:"uncertainty"`
	PCA         [2]float64 `json:"pca"`
	TSNE        [2]float64 `json:"tsne"`
}

// WriteUncertainty writes uncertainty.json, on one line: there are thousands of numbers.
func (r *Run) WriteUncertainty(u Uncertainty) error {
	data, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("runlog: writing %s: %w", r.Path(UncertaintyFile), err)
	}
	return r.WriteFile(UncertaintyFile, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// Uncertainty reads uncertainty.json. An error for a run that has none wraps fs.ErrNotExist.
func (r *Run) Uncertainty() (Uncertainty, error) {
	var u Uncertainty
	err := r.readJSON(UncertaintyFile, false, &u)
	return u, err
}
