// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

// meanEpochs is how many of the last epochs runlog.RowMean averages the evaluations of. Ours.
const meanEpochs = 5

// classified adds to the results of a classification what the last and the best epoch leave open: the mean of the last epochs, which neither flatters as the best
// does nor hangs on one epoch, and the last epoch on corrupted test images.
func (t trial) classified(ctx context.Context, results *runlog.Results, o Options) error {
	if t.task.evaluation == t.task.test { // else epochs are judged by other images
		row, err := t.meanRow(results.Epochs)
		if err != nil {
			return err
		}
		if row != nil {
			results.Rows = append(results.Rows, *row)
		}
	}
	embedder, err := idml.NewEmbedder(t.backend, t.model)
	if err != nil {
		return err
	}
	o.stage("measuring the last epoch on corrupted images")
	for _, c := range datasets.Corruptions() {
		metrics, err := t.corrupted(ctx, embedder, c)
		if err != nil {
			return fmt.Errorf("measuring under %s: %w", c, err)
		}
		results.Corrupted = append(results.Corrupted, runlog.Row{Name: runlog.CorruptedName(string(c.Kind), c.Strength), Epoch: results.Epochs, Metrics: metrics})
	}
	return nil
}

// meanRow returns the mean of the evaluations of the last epochs, nil if there are none.
func (t trial) meanRow(epochs int) (*runlog.Row, error) {
	records, err := t.run.Records()
	if err != nil {
		return nil, err
	}
	var last []runlog.Record
	for _, r := range records {
		if r.Kind == runlog.KindEval && r.Epoch > max(0, epochs-meanEpochs) {
			last = append(last, r)
		}
	}
	if len(last) == 0 {
		return nil, nil
	}
	row := &runlog.Row{Name: runlog.RowMean, Epoch: last[len(last)-1].Epoch, Metrics: map[string]float64{}}
	for _, r := range last {
		for name, v := range r.Metrics {
			row.Metrics[name] += v / float64(len(last))
		}
	}
	row.Metrics[runlog.MetricEpochs] = float64(len(last))
	return row, nil
}

// corrupted measures the model on corrupted test images.
func (t trial) corrupted(ctx context.Context, embedder *idml.Embedder, c datasets.Corrupt) (map[string]float64, error) {
	clean := t.task.test
	embedded, err := embedder.Embed(ctx, (&datasets.Loader{
		Data: clean.Data, Order: clean.Order, Transform: datasets.Compose{clean.Transform, c}, BatchSize: clean.BatchSize, DropLast: clean.DropLast,
		OnBadImage: clean.OnBadImage, Seed: clean.Seed, Workers: clean.Workers,
	}).Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	r, err := classify.Evaluate(embedded.Logits, embedded.Labels)
	if err != nil {
		return nil, err
	}
	return r.Metrics(), nil
}

// meanImages bounds the training images of each class whose mean classMeans takes, the first ones, so that ImageNet's million need not be read. Ours.
const meanImages = 100

// classMeans measures what raw pixels tell of classes: an image is of the class whose mean training image is nearest. Its distances are no logits, so
// that there is no loss and no calibration.
func classMeans(ctx context.Context, backend compute.Backend, task *Task, pixels retrieval.Matrix, labels []int, o Options) (map[string]float64, error) {
	train := task.Split.Train
	seen := make([]int, len(train.Classes))
	var left []int
	for i, e := range train.Examples {
		if seen[e.Label]++; seen[e.Label] > meanImages {
			left = append(left, i)
		}
	}
	some := train.Without(left)
	o.stage("baselines: reading the pixels of %d training images", len(some.Examples))
	l := task.test
	from, of, err := rawPixels(ctx, (&datasets.Loader{
		Data: some, Order: l.Order, Transform: l.Transform, BatchSize: l.BatchSize, OnBadImage: l.OnBadImage, Seed: l.Seed, Workers: l.Workers,
	}).Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	means := retrieval.Matrix{Rows: len(train.Classes), Cols: from.Cols, Data: make([]float32, len(train.Classes)*from.Cols)}
	count := make([]float32, means.Rows)
	for i, label := range of {
		count[label]++
		mean := means.Row(label)
		for k, v := range from.Row(i) { // a running mean
			mean[k] += (v - mean[k]) / count[label]
		}
	}
	logits, err := nearness(backend, pixels, means)
	if err != nil {
		return nil, err
	}
	r, err := classify.Evaluate(logits, labels)
	if err != nil {
		return nil, err
	}
	metrics := r.Metrics()
	delete(metrics, "loss")
	delete(metrics, "ece")
	return metrics, nil
}

// nearnessRows is how many rows nearness hands to the device at a time. Ours: 12 MB of raw pixels.
const nearnessRows = 1024

// nearness returns minus the squared distances [n, m] of the rows of x [n, d] to those of y [m, d].
func nearness(backend compute.Backend, x, y retrieval.Matrix) (retrieval.Matrix, error) {
	out := retrieval.Matrix{Rows: x.Rows, Cols: y.Rows}
	exec, err := graph.NewExec(backend, func(x, y *graph.Node) *graph.Node { return graph.Neg(idml.SquaredDistances(x, y)) })
	if err != nil {
		return out, err
	}
	defer exec.Finalize()
	to := tensors.FromFlatDataAndDimensions(y.Data, y.Rows, y.Cols)
	defer to.MustFinalizeAll()
	for start := 0; start < x.Rows; start += nearnessRows {
		n := min(nearnessRows, x.Rows-start)
		result, err := exec.Call(tensors.FromFlatDataAndDimensions(x.Data[start*x.Cols:(start+n)*x.Cols], n, x.Cols), to)
		if err != nil {
			return out, err
		}
		values, err := tensors.CopyFlatData[float32](result[0])
		result[0].MustFinalizeAll()
		if err != nil {
			return out, err
		}
		out.Data = append(out.Data, values...)
	}
	return out, nil
}
