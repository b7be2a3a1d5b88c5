// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"math"
	"math/rand/v2"
	"testing"

	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/retrieval"
)

// naiveReduce averages squares by a loop over the result.
func naiveReduce(pixels []uint8, height, width, square int) []float64 {
	var out []float64
	for y := range height / square {
		for x := range width / square {
			for c := range 3 {
				var sum float64
				for dy := range square {
					for dx := range square {
						sum += float64(pixels[((y*square+dy)*width+x*square+dx)*3+c])
					}
				}
				out = append(out, 1+sum/float64(square*square))
			}
		}
	}
	return out
}

// Images of the embedded sets' size keep every pixel; larger ones are reduced by the smallest square that makes them small enough, and what a
// square doesn't fill at the right and the bottom is left out.
func TestReduce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, test := range []struct{ height, width, square int }{
		{8, 8, 1}, {32, 32, 1}, {33, 33, 2}, {64, 64, 2}, {65, 64, 2}, {100, 100, 4}, {224, 224, 7}, {64, 16, 1}, {1000, 40, 6},
	} {
		pixels := make([]uint8, test.height*test.width*3)
		for i := range pixels {
			pixels[i] = uint8(rng.IntN(256))
		}
		got, want := reduce(pixels, test.height, test.width), naiveReduce(pixels, test.height, test.width, test.square)
		if len(got) != len(want) || len(got) > mostRawPixels {
			t.Errorf("%d × %d: %d values, want %d", test.height, test.width, len(got), len(want))
			continue
		}
		for i := range want {
			if math.Abs(float64(got[i])-want[i]) > 1e-3 {
				t.Errorf("%d × %d: value %d is %v, want %v", test.height, test.width, i, got[i], want[i])
				break
			}
		}
	}
}

// A black image has a direction, too: retrieval can't take a row of zeros.
func TestReduceBlack(t *testing.T) {
	for _, v := range reduce(make([]uint8, 64*64*3), 64, 64) {
		if v != 1 {
			t.Fatalf("a value of a black image is %v, want 1", v)
		}
	}
}

// α = ‖s₁−s₂‖ and β = ‖u₁+u₂‖, worked out by hand.
func TestNeighbor(t *testing.T) {
	cfg := idml.Folder()
	cfg.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Bottleneck, Width: 1, Blocks: []int{1}}
	cfg.Metric = idml.Metric{Form: idml.Paper, Tau: 2}
	m, err := idml.NewModel(cfg, 2)
	if err != nil {
		t.Fatal(err)
	}
	e := &idml.Embedded{
		Semantic:    retrieval.Matrix{Rows: 3, Cols: 2, Data: []float32{1, 0, 0, 1, 1, 0}},
		Uncertainty: retrieval.Matrix{Rows: 3, Cols: 2, Data: []float32{3, 0, 0, 4, -3, 0}},
		Labels:      []int{0, 1, 0},
	}
	n := neighbor(m, e, 0, 1)
	similarity := 1 - math.Exp(-5/(2*math.Sqrt2)) // 1 − (1−S)·exp(−β/(τα)), S = 0
	if n.Index != 1 || n.Correct || math.Abs(n.Alpha-math.Sqrt2) > 1e-6 || math.Abs(n.Beta-5) > 1e-6 || math.Abs(n.Similarity-similarity) > 1e-6 {
		t.Errorf("neighbor of another class: %+v, want α √2, β 5, similarity %v", n, similarity)
	}
	if n := neighbor(m, e, 0, 2); !n.Correct || n.Alpha != 0 || n.Beta != 0 || n.Similarity != 1 {
		t.Errorf("an equal image: %+v", n)
	}
}
