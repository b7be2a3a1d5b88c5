// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
)

// Neighbor is an image that lies near a query: its index in the test set,
// whether its class is the query's, the pair's semantic distance α and
// uncertainty β, and its introspective similarity.
type Neighbor struct {
	Index                   int
	Correct                 bool
	Alpha, Beta, Similarity float64
}

// neighborJSON is a Neighbor as it stands in the file.
type neighborJSON struct {
	Index      int    `json:"index"`
	Correct    bool   `json:"correct"`
	Alpha      number `json:"alpha"`
	Beta       number `json:"beta"`
	Similarity number `json:"similarity"`
}

// MarshalJSON writes the form of predictions.jsonl.
func (n Neighbor) MarshalJSON() ([]byte, error) {
	return json.Marshal(neighborJSON{n.Index, n.Correct, number(n.Alpha), number(n.Beta), number(n.Similarity)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Neighbor) UnmarshalJSON(data []byte) error {
	var j neighborJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*n = Neighbor{j.Index, j.Correct, float64(j.Alpha), float64(j.Beta), float64(j.Similarity)}
	return nil
}

// Score is a class that a classifier gives a test image, with its softmax
// probability, and whether it is the image's own.
type Score struct {
	Class       string
	Label       int
	Probability float64
	Correct     bool
}

// scoreJSON is a Score as it stands in the file.
type scoreJSON struct {
	Class       string `json:"class"`
	Label       int    `json:"label"`
	Probability number `json:"probability"`
	Correct     bool   `json:"correct"`
}

// MarshalJSON writes the form of predictions.jsonl.
func (s Score) MarshalJSON() ([]byte, error) {
	return json.Marshal(scoreJSON{s.Class, s.Label, number(s.Probability), s.Correct})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Score) UnmarshalJSON(data []byte) error {
	var j scoreJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = Score{j.Class, j.Label, float64(j.Probability), j.Correct}
	return nil
}

// Prediction is what the model says of one test image: its uncertainty and its
// nearest images or, if it classifies, its first classes. See the package comment for the fields.
type Prediction struct {
	Index       int
	Name, Class string
	Label       int
	Uncertainty float64
	Correct     bool
	Nearest     []Neighbor
	Top         []Score
	Ambiguity   string
	Amount      float64
}

// predictionJSON is a Prediction as it stands in the file.
type predictionJSON struct {
	Index       int        `json:"index"`
	Name        string     `json:"name"`
	Class       string     `json:"class"`
	Label       int        `json:"label"`
	Uncertainty number     `json:"uncertainty"`
	Correct     bool       `json:"correct"`
	Nearest     []Neighbor `json:"nearest"`
	Top         []Score    `json:"top,omitempty"`
	Ambiguity   string     `json:"ambiguity"`
	Amount      number     `json:"amount"`
}

// MarshalJSON writes the form of predictions.jsonl.
func (p Prediction) MarshalJSON() ([]byte, error) {
	return json.Marshal(predictionJSON{
		p.Index, p.Name, p.Class, p.Label, number(p.Uncertainty), p.Correct, p.Nearest, p.Top, p.Ambiguity, number(p.Amount),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Prediction) UnmarshalJSON(data []byte) error {
	var j predictionJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*p = Prediction{
		j.Index, j.Name, j.Class, j.Label, float64(j.Uncertainty), j.Correct, j.Nearest, j.Top, j.Ambiguity, float64(j.Amount),
	}
	return nil
}

// WritePredictions writes predictions.jsonl as a whole, in the given order.
func (r *Run) WritePredictions(predictions []Prediction) error {
	return r.WriteFile(PredictionsFile, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		for _, p := range predictions {
			if err := encoder.Encode(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// Predictions reads predictions.jsonl. A torn last line is left out, with a
// warning. An error for a run that has none yet wraps fs.ErrNotExist.
func (r *Run) Predictions() ([]Prediction, error) { return readLines[Prediction](r, PredictionsFile) }

// ThumbnailPath returns the path of the thumbnail of a test image.
func (r *Run) ThumbnailPath(index int) string {
	return r.Path(fmt.Sprintf("%s/%05d.png", ThumbnailFolder, index))
}

// WriteThumbnail writes the thumbnail of a test image as PNG. It panics if index is negative.
func (r *Run) WriteThumbnail(index int, img image.Image) error {
	if index < 0 {
		panic(fmt.Sprintf("runlog: thumbnail of index %d", index))
	}
	if err := os.MkdirAll(r.Path(ThumbnailFolder), 0o777); err != nil {
		return fmt.Errorf("runlog: writing %s: %w", r.ThumbnailPath(index), err)
	}
	return writeFile(r.ThumbnailPath(index), false, func(w io.Writer) error { return png.Encode(w, img) })
}

// Thumbnail reads the thumbnail of a test image. The error for an image that
// has none wraps fs.ErrNotExist.
func (r *Run) Thumbnail(index int) (image.Image, error) {
	path := r.ThumbnailPath(index)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("runlog: reading %s: %w", path, err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, &FormatError{File: path, Err: err}
	}
	return img, nil
}
