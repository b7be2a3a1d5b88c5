// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml/weights"
	"introspection/internal/backendtest"
)

// TestBesidePyTorch is our side of bench/classify.sh, in the folder that IDML_BENCH names. It takes steps of training of PyramidNet-29 with
// α̃ = 48 on the arrays, images and w of inputs.safetensors, one for each line that it reads, and prints how many seconds each took. The
// first one's feature maps and arrays go to first.safetensors.
func TestBesidePyTorch(t *testing.T) {
	dir := os.Getenv("IDML_BENCH")
	if dir == "" {
		t.Skip("IDML_BENCH names no folder: see bench/classify.sh")
	}
	c := Config{Stem: SmallStem, Block: Pyramid, Width: 16, Blocks: []int{3, 3, 3}, Widening: 48}
	file, err := weights.Open(filepath.Join(dir, "inputs.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	f, arrays := torchFile{file}, c.Arrays()
	var values []any
	for _, a := range arrays {
		values = append(values, f.tensor(t, "weights."+a.Name))
	}
	images, w := f.tensor(t, "images"), f.tensor(t, "w") // [batch, height, width, channels]
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
		p, trained := bind(arrays, in)
		features := c.Features(p, in[len(arrays)], BatchStatistics)
		next := backward(features, in[len(arrays)+1], arrays, p, trained)
		for i, a := range arrays {
			if p.moved[a.Name] == nil {
				next[i] = Sub(in[i], MulScalar(next[i], stepsRate))
			}
		}
		return append(next, features)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	lines := bufio.NewScanner(os.Stdin)
	for first := true; lines.Scan(); first = false {
		start := time.Now()
		out, err := exec.Call(append(values, images, w)...)
		if err != nil {
			t.Fatal(err)
		}
		seconds := time.Since(start).Seconds()
		if first {
			writeFirst(t, filepath.Join(dir, "first.safetensors"), arrays, out)
		}
		for i := range arrays {
			values[i].(*tensors.Tensor).MustFinalizeAll()
			values[i] = out[i]
		}
		out[len(arrays)].MustFinalizeAll()
		fmt.Printf("seconds %g\n", seconds)
	}
}

// writeFirst writes the arrays after a step, and its feature maps.
func writeFirst(t *testing.T, path string, arrays []Array, out []*tensors.Tensor) {
	t.Helper()
	var f weights.File
	for i, v := range out {
		name := "features"
		if i < len(arrays) {
			name = arrays[i].Name
		}
		f.Tensors = append(f.Tensors, weights.FromFloat32(name, v.Shape().Dimensions, tensors.MustCopyFlatData[float32](v)))
	}
	var data bytes.Buffer
	if err := weights.WriteSafetensors(&data, &f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
