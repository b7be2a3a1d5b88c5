// SPDX-License-Identifier: Apache-2.0

package runlog

import "encoding/json"

// Kinds of Record.
const (
	KindStep = "step" // one training step
	KindEval = "eval" // one evaluation on the test classes
)

// Record is one line of metrics.jsonl: a training step or an evaluation. See
// the package comment for the fields and their units.
type Record struct {
	Kind            string
	Epoch, Step     int
	Loss            float64
	LR              float64
	ImagesPerSecond float64
	Seconds         float64
	Metrics         map[string]float64
}

// recordJSON is a Record as it stands in the file.
type recordJSON struct {
	Kind            string            `json:"kind"`
	Epoch           int               `json:"epoch"`
	Step            int               `json:"step"`
	Loss            number            `json:"loss"`
	LR              number            `json:"lr"`
	ImagesPerSecond number            `json:"images_per_second"`
	Seconds         number            `json:"seconds"`
	Metrics         map[string]number `json:"metrics,omitempty"`
}

// MarshalJSON writes the form of metrics.jsonl.
func (r Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordJSON{
		r.Kind, r.Epoch, r.Step, number(r.Loss), number(r.LR),
		number(r.ImagesPerSecond), number(r.Seconds), numbers(r.Metrics),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Record) UnmarshalJSON(data []byte) error {
	var j recordJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = Record{
		j.Kind, j.Epoch, j.Step, float64(j.Loss), float64(j.LR),
		float64(j.ImagesPerSecond), float64(j.Seconds), floats(j.Metrics),
	}
	return nil
}

// AppendRecord appends one line to metrics.jsonl, and its numbers to the event
// file for TensorBoard, and hands both to the operating system, so that they
// outlive the program. The first call begins a new event file, which takes back
// what older ones have of steps beyond the last line of metrics.jsonl.
func (r *Run) AppendRecord(record Record) error {
	r.events.mu.Lock()
	defer r.events.mu.Unlock()
	if err := r.appendEvent(record); err != nil {
		return err
	}
	return r.appendLine(MetricsFile, record)
}

// Records reads metrics.jsonl. A torn last line is left out, with a warning. An
// error for a run that has written none yet wraps fs.ErrNotExist.
func (r *Run) Records() ([]Record, error) { return readLines[Record](r, MetricsFile) }
