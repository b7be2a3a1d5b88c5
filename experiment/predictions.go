// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"

	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/plots"
)

// nearestKept is the number of neighbors that predictions.jsonl keeps of each image.
const nearestKept = 8

// writePredictions writes what the model says of each test image, and thumbnails of the images that a report shows.
func writePredictions(run *runlog.Run, task *Task, m *idml.Model, e *idml.Embedded, result Result) error {
	predictions := make([]runlog.Prediction, len(e.Labels))
	for i, example := range task.Split.Test.Examples {
		p := runlog.Prediction{
			Index: i, Name: example.Name, Class: task.Split.Test.Classes[example.Label], Label: example.Label,
			Uncertainty: norm(row(e.Uncertainty, i)), Ambiguity: string(example.Ambiguity.Kind), Amount: example.Ambiguity.Amount,
		}
		if retrieved, ok := result.(*retrieval.Result); ok {
			for _, j := range retrieved.Neighbors[i][:min(nearestKept, len(retrieved.Neighbors[i]))] {
				p.Nearest = append(p.Nearest, neighbor(m, e, i, j))
			}
			p.Correct = len(p.Nearest) > 0 && p.Nearest[0].Correct
		} else {
			p.Top = topClasses(e.Logits.Row(i), example.Label, task.Split.Test.Classes)
			p.Correct = len(p.Top) > 0 && p.Top[0].Correct
		}
		predictions[i] = p
	}
	if err := run.WritePredictions(predictions); err != nil {
		return err
	}
	return writeThumbnails(run, task, predictions)
}

// topKept is the number of classes that predictions.jsonl keeps of each image that is classified.
const topKept = 5

// topClasses returns the classes that an image's logits put first.
func topClasses(logits []float32, label int, classes []string) (list []runlog.Score) {
	for _, c := range classify.Top(logits, topKept) {
		list = append(list, runlog.Score{Class: classes[c.Label], Label: c.Label, Probability: c.Probability, Correct: c.Label == label})
	}
	return list
}

// neighbor describes the pair of test images i and j: α = ‖s₁−s₂‖, β = ‖u₁+u₂‖ of the uncertainty head's output, and the similarity by the metric.
func neighbor(m *idml.Model, e *idml.Embedded, i, j int) runlog.Neighbor {
	s1, s2, u1, u2 := row(e.Semantic, i), row(e.Semantic, j), row(e.Uncertainty, i), row(e.Uncertainty, j)
	var alpha, beta float64
	for k := range s1 {
		d := float64(s1[k]) - float64(s2[k])
		alpha += d * d
	}
	for k := range u1 {
		sum := float64(u1[k]) + float64(u2[k])
		beta += sum * sum
	}
	alpha, beta = math.Sqrt(alpha), math.Sqrt(beta)
	return runlog.Neighbor{
		Index: j, Correct: e.Labels[i] == e.Labels[j], Alpha: alpha, Beta: beta, Similarity: m.Metric().Similarity(alpha, beta),
	}
}

func row(m retrieval.Matrix, i int) []float32 { return m.Data[i*m.Cols : (i+1)*m.Cols] }

func norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// writeThumbnails writes the pictures of the images that a report's grids show.
func writeThumbnails(run *runlog.Run, task *Task, predictions []runlog.Prediction) error {
	for _, i := range plots.Shown(predictions) {
		img, err := task.Split.Test.Image(i)
		if err != nil {
			return err
		}
		if err := run.WriteThumbnail(i, task.test.Transform.Apply(img, nil).Image()); err != nil {
			return err
		}
	}
	return nil
}
