// SPDX-License-Identifier: Apache-2.0

package runlog

import "encoding/json"

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
	RowBest      = "best epoch" // see Results.BestChosenOn
)

// Row is one line of the table of results: fractions by the metric's name.
type Row struct {
	Name    string
	Epoch   int
	Metrics map[string]float64
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

// The images that the best epoch was chosen on, by its recall@1. Chosen on the test classes, it flatters.
const (
	ChosenOnTest    = "test classes"
	ChosenOnHeldOut = "held-out training classes"
)

// Results is what came out of a run. See the package comment for the fields.
type Results struct {
	Status          string
	Epochs, Steps   int
	Seconds         float64
	Rows            []Row
	BestChosenOn    string // ChosenOnTest or ChosenOnHeldOut
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
	BestChosenOn    string            `json:"best_chosen_on,omitempty"`
	Published       map[string]number `json:"published,omitempty"`
	PublishedSource string            `json:"published_source,omitempty"`
}

// MarshalJSON writes the form of results.json.
func (r Results) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultsJSON{
		r.Status, r.Epochs, r.Steps, number(r.Seconds), r.Rows, r.BestChosenOn, numbers(r.Published), r.PublishedSource,
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Results) UnmarshalJSON(data []byte) error {
	var j resultsJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = Results{j.Status, j.Epochs, j.Steps, float64(j.Seconds), j.Rows, j.BestChosenOn, floats(j.Published), j.PublishedSource}
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
