// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Values of Results.Status.
const (
	StatusFinished = "finished" // all epochs were done
	StatusStopped  = "stopped"  // training ended before its last epoch
)

// Names of rows that a report knows.
const (
	RowRawPixels = "raw pixels"        // baseline: the pixels themselves as embedding
	RowUntrained = "untrained network" // baseline: the network before its first step
	RowLast      = "last epoch"
	RowBest      = "best epoch"              // see Results.BestChosenOn
	RowMean      = "mean of the last epochs" // see MetricEpochs
)

// The metrics that runs are judged by, as by their best epoch.
const (
	Recall1 = "recall@1" // of retrieval
	Top1    = "top@1"    // of classification
)

// MetricEpochs is how many evaluations the row of RowMean is the mean of, metric by metric; its Epoch is that of the last.
const MetricEpochs = "epochs"

// Judge returns the name of the metric that a run is judged by, given metrics of it: Top1 if it is among them, else Recall1.
func Judge(metrics map[string]float64) string {
	if _, ok := metrics[Top1]; ok {
		return Top1
	}
	return Recall1
}

// Row is one line of the table of results: fractions by the metric's name.
type Row struct {
	Name    string
	Epoch   int
	Metrics map[string]float64
}

// CorruptedName returns the name of the row of test images to which something was done with a strength from 1, such as "noise 1".
func CorruptedName(corruption string, strength int) string {
	return fmt.Sprintf("%s %d", corruption, strength)
}

// Corruption returns what CorruptedName was given to name the row, and whether it was.
func (r Row) Corruption() (corruption string, strength int, ok bool) {
	i := strings.LastIndexByte(r.Name, ' ')
	if i < 1 {
		return "", 0, false
	}
	strength, err := strconv.Atoi(r.Name[i+1:])
	if err != nil || strength < 1 || CorruptedName(r.Name[:i], strength) != r.Name {
		return "", 0, false
	}
	return r.Name[:i], strength, true
}

// rowJSON is a Row as it stands in the file.
type rowJSON struct {
	Name    string            `json:"name"`
	Epoch   int               `json:"epoch"`
	Metrics map[string]number `json:"metrics"`
}

// MarshalJSON writes the form of results.json.
func (r Row) MarshalJSON() ([]byte, error) {
	return json.Marshal(rowJSON{r.Name, r.Epoch, numbers(r.Metrics)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Row) UnmarshalJSON(data []byte) error {
	var j rowJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = Row{j.Name, j.Epoch, floats(j.Metrics)}
	return nil
}

// The images that the best epoch was chosen on, by the metric that [Judge] names: classes in retrieval, images of the same classes in
// classification. Chosen on the test classes or images, it flatters.
const (
	ChosenOnTest          = "test classes"
	ChosenOnHeldOut       = "held-out training classes"
	ChosenOnTestImages    = "test images"
	ChosenOnHeldOutImages = "held-out training images"
)

// Results is what came out of a run. See the package comment for the fields.
type Results struct {
	Status          string
	Epochs, Steps   int
	Seconds         float64
	Rows            []Row
	Corrupted       []Row  // of a classifier on corrupted test images: see CorruptedName
	BestChosenOn    string // one of the constants ChosenOn…
	Published       map[string]float64
	PublishedSource string
}

// resultsJSON is Results as they stand in the file.
type resultsJSON struct {
	Status          string            `json:"status"`
	Epochs          int               `json:"epochs"`
	Steps           int               `json:"steps"`
	Seconds         number            `json:"seconds"`
	Rows            []Row             `json:"rows"`
	Corrupted       []Row             `json:"corrupted,omitempty"`
	BestChosenOn    string            `json:"best_chosen_on,omitempty"`
	Published       map[string]number `json:"published,omitempty"`
	PublishedSource string            `json:"published_source,omitempty"`
}

// MarshalJSON writes the form of results.json.
func (r Results) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultsJSON{
		r.Status, r.Epochs, r.Steps, number(r.Seconds), r.Rows, r.Corrupted, r.BestChosenOn, numbers(r.Published), r.PublishedSource,
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Results) UnmarshalJSON(data []byte) error {
	var j resultsJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = Results{j.Status, j.Epochs, j.Steps, float64(j.Seconds), j.Rows, j.Corrupted, j.BestChosenOn, floats(j.Published), j.PublishedSource}
	return nil
}

// WriteResults writes results.json.
func (r *Run) WriteResults(results Results) error { return r.writeJSON(ResultsFile, results) }

// Results reads results.json. An error for a run that has none yet wraps
// fs.ErrNotExist.
func (r *Run) Results() (Results, error) {
	var results Results
	err := r.readJSON(ResultsFile, false, &results)
	return results, err
}
