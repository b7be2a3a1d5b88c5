// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"introspection/internal/backendtest"
)

// No loop of a training step's compiled program computes the gradients of several blocks (see storeGradient): those of six blocks are no longer than those of three.
func TestLoopsDontGrowWithBlocks(t *testing.T) {
	programs := backendtest.Compiled(t, func() {
		for _, blocks := range []int{3, 6} {
			compileStep(t, Config{Stem: SmallStem, Block: Pyramid, Width: 8, Blocks: []int{blocks}, Widening: 8 * blocks}, blocks)
		}
	})
	computation, longest := regexp.MustCompile(`(?ms)^%\S+ \(.*?^\}`), map[bool]int{}
	for _, text := range programs {
		six := strings.Contains(text, "f32[6,8,8,3]")
		for _, body := range computation.FindAllString(text, -1) {
			longest[six] = max(longest[six], strings.Count(body, "\n"))
		}
	}
	if three, six := longest[false], longest[true]; three == 0 || six > three+three/2 {
		t.Errorf("the longest loop of three blocks has %d lines, that of six %d", three, six)
	}
}

// compileStep compiles the gradients of all arrays of a network that trains by batch statistics, on so many images of 8 × 8.
func compileStep(t *testing.T, c Config, images int) {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), func(in []*Node) []*Node {
		p, trained := bind(c.Arrays(), in)
		features := c.Features(p, in[len(c.Arrays())], BatchStatistics)
		return Gradient(ReduceAllSum(Square(features)), trained...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	var inputs []shapes.Shape
	for _, a := range c.Arrays() {
		inputs = append(inputs, shapes.Make(dtypes.Float32, a.Shape...))
	}
	if _, err := exec.Compile(append(inputs, shapes.Make(dtypes.Float32, images, 8, 8, 3))...); err != nil {
		t.Fatal(err)
	}
}
