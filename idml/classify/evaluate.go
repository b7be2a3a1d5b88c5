// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"introspection/idml/retrieval"
)

// Result holds the metrics of a classifier; the package comment defines them.
type Result struct {
	// Top1 and Top5 are fractions of 1.
	Top1, Top5 float64
	// Loss is the mean cross-entropy in nats.
	Loss float64
	// ECE is the expected calibration error, a fraction of 1.
	ECE float64
	// Queries counts the images, Classes the classes that the logits are of.
	Queries, Classes int
}

// Evaluate measures logits, [images, classes], against the labels of the rows. It returns an error if there are no images, the numbers of
// rows, values and labels contradict each other, or a label, which it names by its row, is none of the classes.
func Evaluate(logits retrieval.Matrix, labels []int) (*Result, error) {
	if err := checkInput(logits, labels); err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	r := &Result{Queries: logits.Rows, Classes: logits.Cols}
	var hits1, hits5 int
	var bins calibration
	for i, label := range labels {
		row := logits.Row(i)
		sum, ok := logSum(row)
		r.Loss += sum - float64(row[label])
		place := rank(row, label)
		if ok && place == 1 {
			hits1++
		}
		if ok && place <= 5 {
			hits5++
		}
		bins.add(mostProbable(row, sum), place == 1)
	}
	n := float64(logits.Rows)
	r.Top1, r.Top5, r.Loss, r.ECE = float64(hits1)/n, float64(hits5)/n, r.Loss/n, bins.error()/n
	return r, nil
}

// checkInput reports what can't be evaluated.
func checkInput(logits retrieval.Matrix, labels []int) error {
	switch {
	case logits.Rows < 1 || logits.Cols < 1:
		return fmt.Errorf("logits of %d images and %d classes: want at least one of each", logits.Rows, logits.Cols)
	case len(logits.Data)/logits.Cols != logits.Rows || len(logits.Data)%logits.Cols != 0:
		return fmt.Errorf("logits of %d images and %d classes don't fit %d values", logits.Rows, logits.Cols, len(logits.Data))
	case len(labels) != logits.Rows:
		return fmt.Errorf("%d labels for the logits of %d images", len(labels), logits.Rows)
	}
	for i, label := range labels {
		if label < 0 || label >= logits.Cols {
			return fmt.Errorf("row %d: its label is %d: want one from 0 to %d", i, label, logits.Cols-1)
		}
	}
	return nil
}

// mostProbable returns the probability of the class of rank 1, given ln Σ exp(z); NaN if that is NaN.
func mostProbable(logits []float32, sum float64) float64 {
	most := math.Inf(-1)
	for _, z := range logits {
		most = max(most, float64(z))
	}
	return math.Exp(most - sum)
}

// calibration holds, for each bin, the number of images that are right minus the sum of their probabilities. One that is NaN makes the error so.
type calibration struct {
	excess [Bins]float64
	lost   bool
}

// add counts an image by the probability of its class of rank 1.
func (c *calibration) add(probability float64, right bool) {
	if math.IsNaN(probability) {
		c.lost = true
		return
	}
	bin := 0
	for bin < Bins-1 && probability > float64(bin+1)/Bins {
		bin++
	}
	c.excess[bin] -= probability
	if right {
		c.excess[bin]++
	}
}

// error returns the calibration error times the number of images.
func (c *calibration) error() float64 {
	if c.lost {
		return math.NaN()
	}
	sum := 0.0
	for _, e := range c.excess {
		sum += math.Abs(e)
	}
	return sum
}

// Metrics returns the result by name: top@1, top@5, loss and ece, and the counts queries and classes.
func (r Result) Metrics() map[string]float64 {
	return map[string]float64{
		"top@1": r.Top1, "top@5": r.Top5, "loss": r.Loss, "ece": r.ECE, "queries": float64(r.Queries), "classes": float64(r.Classes),
	}
}

// MarshalJSON writes one object with the names of [Result.Metrics]. What is not finite is one of the texts "NaN" and "Infinity", as in a run's files.
func (r Result) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for _, m := range []struct {
		name  string
		value float64
	}{{"top@1", r.Top1}, {"top@5", r.Top5}, {"loss", r.Loss}, {"ece", r.ECE}} {
		value, err := json.Marshal(m.value)
		switch {
		case math.IsNaN(m.value):
			value = []byte(`"NaN"`)
		case math.IsInf(m.value, 1): // −ln p is never below 0, and fractions are finite
			value = []byte(`"Infinity"`)
		case err != nil:
			return nil, fmt.Errorf("classify: %s: %w", m.name, err)
		}
		fmt.Fprintf(&out, "%q:%s,", m.name, value)
	}
	fmt.Fprintf(&out, `"queries":%d,"classes":%d}`, r.Queries, r.Classes)
	return out.Bytes(), nil
}
