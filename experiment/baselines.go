// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"introspection/idml"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
)

// measureBaselines measures the test images by their raw pixels and by the network as it starts. Every table of results shows both: they
// tell what training is worth.
func measureBaselines(ctx context.Context, backend compute.Backend, cfg idml.Config, task *Task, m *idml.Model, o Options) ([]runlog.Row, error) {
	o.stage("baselines: reading the pixels of %d test images", len(task.Split.Test.Examples))
	pixels, labels, err := rawPixels(ctx, task.test.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	task.dropBadTests()
	var raw map[string]float64
	if cfg.Task == idml.Classification {
		raw, err = classMeans(ctx, backend, task, pixels, labels, o)
	} else {
		raw, err = pixelRetrieval(ctx, backend, cfg, pixels, labels)
	}
	if err != nil {
		return nil, fmt.Errorf("measuring raw pixels: %w", err)
	}
	o.stage("baselines: the untrained network")
	embedder, err := idml.NewEmbedder(backend, m)
	if err != nil {
		return nil, err
	}
	embedded, err := embedder.Embed(ctx, task.test.Epoch(0, 0))
	if err != nil {
		return nil, err
	}
	factor, err := idml.MedianFactor(backend, m, embedded)
	if err != nil {
		return nil, err
	}
	if factor < idml.LowFactor {
		o.warn("%s", idml.LowFactorWarning(factor))
	}
	untrained, err := resultOf(ctx, backend, cfg, embedded)
	if err != nil {
		return nil, fmt.Errorf("measuring the untrained network: %w", err)
	}
	return []runlog.Row{
		{Name: runlog.RowRawPixels, Metrics: raw},
		{Name: runlog.RowUntrained, Metrics: untrained.Metrics()},
	}, nil
}

// pixelRetrieval measures how images find each other by their pixels.
func pixelRetrieval(ctx context.Context, backend compute.Backend, cfg idml.Config, pixels retrieval.Matrix, labels []int) (map[string]float64, error) {
	r, err := retrieval.Evaluate(ctx, backend, pixels, labels, evaluation(cfg))
	if err != nil {
		return nil, err
	}
	return r.Metrics(), nil
}

// mostRawPixels bounds the memory of the raw-pixel baseline: images are reduced, by averaging squares of pixels, to at most this many
// values. Ours: 32 × 32 RGB, the embedded sets' own size, so that those are not reduced.
const mostRawPixels = 32 * 32 * 3

// rawPixels returns the pixels of all images as embeddings [n, side·side·3], and the labels.
func rawPixels(ctx context.Context, ds train.Dataset) (retrieval.Matrix, []int, error) {
	var out retrieval.Matrix
	var labels []int
	for batch, err := range ds.Iter() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return out, nil, fmt.Errorf("reading raw pixels: %w", err)
		}
		dims := batch.Inputs[0].Shape().Dimensions
		err = tensors.ConstFlatData(batch.Inputs[0], func(pixels []uint8) {
			for i := range dims[0] {
				size := dims[1] * dims[2] * 3
				out.Data = append(out.Data, reduce(pixels[i*size:(i+1)*size], dims[1], dims[2])...)
			}
		})
		for _, label := range tensors.MustCopyFlatData[int32](batch.Labels[0]) {
			labels = append(labels, int(label))
		}
		batch.Inputs[0].MustFinalizeAll()
		batch.Labels[0].MustFinalizeAll()
		if err != nil {
			return out, nil, err
		}
	}
	out.Rows = len(labels)
	if out.Rows > 0 {
		out.Cols = len(out.Data) / out.Rows
	}
	return out, labels, nil
}

// reduce averages squares of pixels [height, width, 3] until at most mostRawPixels values are left. Levels count from 1, so that a black
// image has a direction too.
func reduce(pixels []uint8, height, width int) []float32 {
	square := 1
	for (height/square)*(width/square)*3 > mostRawPixels {
		square++
	}
	h, w := height/square, width/square
	out := make([]float32, h*w*3)
	for y := range h * square {
		for x := range w * square {
			for c := range 3 {
				out[((y/square)*w+x/square)*3+c] += float32(pixels[(y*width+x)*3+c]) + 1
			}
		}
	}
	for i := range out {
		out[i] /= float32(square * square)
	}
	return out
}
