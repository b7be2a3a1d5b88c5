// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml/retrieval"
	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// TestBesidePyTorch is our side of bench/step.sh, in the folder that IDML_BENCH names. From the arrays and the batch of inputs.safetensors it takes a training step of the released
// recipe for each line "step" that it reads, and embeds the images for each line "embed", and prints how many seconds that took, and the step's loss. Embeddings go
// to embedded.safetensors.
func TestBesidePyTorch(t *testing.T) {
	dir := os.Getenv("IDML_BENCH")
	if dir == "" {
		t.Skip("IDML_BENCH names no folder: see bench/step.sh")
	}
	p := parity{dir: dir}
	p.inputs = p.read(t, "inputs")
	backend := backendtest.Open(t)
	c := DefaultConfig()
	c.Metric.Form, c.WarmupEpochs = Released, 0
	c.Optimizer.LearningRate, c.Optimizer.ProxyFactor = p.setting(t, "lr"), p.setting(t, "proxy_factor")
	c.Optimizer.WeightDecay, c.Optimizer.Clip = p.setting(t, "weight_decay"), p.setting(t, "clip")
	if p.setting(t, "bfloat16") != 0 {
		c.Model.Compute = BFloat16
	}
	images, labels := p.images(t), input(t, p.inputs, "labels")
	c.Data.BatchSize = labels.Shape().Dimensions[0]
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	m := p.model(t, c)
	trainer, err := NewTrainer(backend, m)
	if err != nil {
		t.Fatal(err)
	}
	embedder, err := NewEmbedder(backend, m)
	if err != nil {
		t.Fatal(err)
	}
	in := StepInput{Images: images, Labels: labels, LearningRate: c.Optimizer.LearningRate, Mix: Mix{
		Lambda: float64(floats(t, p.inputs, "lambda")[0]), Permutation: tensors.MustCopyFlatData[int32](input(t, p.inputs, "permutation")),
	}}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		start := time.Now()
		switch lines.Text() {
		case "step":
			loss, err := trainer.Step(in)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("seconds %g %.9g\n", time.Since(start).Seconds(), loss)
		case "embed":
			out, err := embedder.exec.Call(images)
			if err != nil {
				t.Fatal(err)
			}
			var matrices []retrieval.Matrix
			for _, v := range out {
				matrices = append(matrices, retrieval.Matrix{Rows: c.Data.BatchSize, Cols: c.Model.EmbeddingSize, Data: tensors.MustCopyFlatData[float32](v)})
				v.MustFinalizeAll()
			}
			seconds := time.Since(start).Seconds()
			writeEmbedded(t, filepath.Join(dir, "embedded.safetensors"), matrices)
			fmt.Printf("seconds %g\n", seconds)
		default:
			t.Fatalf("read %q, want step or embed", lines.Text())
		}
	}
}

func writeEmbedded(t *testing.T, path string, matrices []retrieval.Matrix) {
	t.Helper()
	var f weights.File
	for i, m := range matrices {
		f.Tensors = append(f.Tensors, weights.FromFloat32([]string{"semantic", "uncertainty"}[i], []int{m.Rows, m.Cols}, m.Data))
	}
	var data bytes.Buffer
	if err := weights.WriteSafetensors(&data, &f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
