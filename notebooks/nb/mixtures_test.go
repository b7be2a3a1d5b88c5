// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/internal/backendtest"
)

// flat returns a dataset of n images of 32 × 32 pixels, image i of the gray level 10i.
func flat(n int) *datasets.Dataset {
	return datasets.New("flat", []string{"x"}, make([]datasets.Example, n), func(i int) (*datasets.RGB, error) {
		img := datasets.NewRGB(32, 32)
		for k := range img.Pix {
			img.Pix[k] = uint8(10 * i)
		}
		return img, nil
	})
}

func TestMixtures(t *testing.T) {
	pure, err := PureMixture(flat(7), 4) // images 0, 2, 4, 6
	if err != nil || pure.Len() != 4 || pure.Name() != "pure" || pure.Lambda != 1 {
		t.Fatalf("%d images %q: %v", pure.Len(), pure.Name(), err)
	}
	const size = 32 * 32 * 3
	next := cycle(4, 5)
	for _, method := range []string{idml.Mixup, idml.CutMix} {
		mixed, err := pure.Mix(backendtest.Open(t), method, 0.75, 5)
		if err != nil {
			t.Fatal(err)
		}
		if want := method + " 0.75"; mixed.Name() != want || mixed.Len() != 4 {
			t.Errorf("%d images %q, want 4 %q", mixed.Len(), mixed.Name(), want)
		}
		for i := range 4 {
			sum := 0.0
			for _, v := range mixed.pixels[i*size : (i+1)*size] {
				sum += float64(v) / size
			}
			// In both ways, a quarter of the light comes from the other image.
			if want := 0.75*20*float64(i) + 0.25*20*float64(next[i]); math.Abs(sum-want) > 0.51 {
				t.Errorf("%s: the mean of image %d is %v, want %v", method, i, sum, want)
			}
		}
		if method == idml.CutMix {
			at := mixed.Image(1)
			if r, _, _, _ := at.At(0, 0).RGBA(); r>>8 != 20 {
				t.Errorf("cutmix: the corner has the level %d, want 20", r>>8)
			}
			if r, _, _, _ := at.At(16, 16).RGBA(); r>>8 != uint32(20*next[1]) {
				t.Errorf("cutmix: the middle has the level %d, want %d", r>>8, 20*next[1])
			}
		}
	}
	if _, err := PureMixture(flat(0), 4); err == nil {
		t.Error("no images")
	}
	if _, err := pure.Mix(backendtest.Open(t), "none", 0.5, 0); err == nil {
		t.Error("no method")
	}
}

// TestCycle checks that no image is mixed with itself and each meets all on the way.
func TestCycle(t *testing.T) {
	next := cycle(9, 3)
	seen := map[int32]bool{}
	for i := int32(0); !seen[i]; i = next[i] {
		seen[i] = true
	}
	if len(seen) != 9 || slices.Equal(next, cycle(9, 4)) || !slices.Equal(next, cycle(9, 3)) {
		t.Errorf("cycle %v", next)
	}
}

// TestMixingWatch measures ‖u‖ of a small classifier, whose norms must be those that the embedder gives of batches of another length too.
func TestMixingWatch(t *testing.T) {
	cfg, err := idml.Recipe("fashion10-idml-mixup")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Model.Backbone = resnet.Config{Stem: resnet.ImageNetStem, Block: resnet.Basic, Width: 4, Blocks: []int{1}}
	model, err := idml.NewModel(cfg, 2)
	if err != nil {
		t.Fatal(err)
	}
	backend := backendtest.Open(t)
	embedder, err := idml.NewEmbedder(backend, model)
	if err != nil {
		t.Fatal(err)
	}
	pure, err := PureMixture(flat(25), 120)
	if err != nil {
		t.Fatal(err)
	}
	half, err := pure.Mix(backend, idml.Mixup, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := NewMixingWatch(pure, half)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range 2 {
		if err := watch.Measure(t.Context(), epoch, embedder); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "new", "history.json")
	if err := watch.History.Save(path); err != nil {
		t.Fatal(err)
	}
	h, err := ReadMixing(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(watch.History, h); diff != "" {
		t.Errorf("read, it is another (-want +got):\n%s", diff)
	}
	if got := h.Epochs[0].Norms; len(got) != 2 || len(got[0]) != 25 || !(slices.Max(got[0]) > 0) || !slices.Equal(got[0], h.Epochs[1].Norms[0]) {
		t.Errorf("norms %v", got)
	}
	if _, err := NewMixingWatch(half, pure); err == nil {
		t.Error("a watch whose first images are mixed")
	}
}

func TestMixingHistory(t *testing.T) {
	h := MixingHistory{
		Names: []string{"pure", "mixup 0.50", "cutmix 0.75", "mixup 0.25"}, Methods: []string{"", idml.Mixup, idml.CutMix, idml.Mixup}, Lambdas: []float64{1, 0.5, 0.75, 0.25},
		Epochs: []MixingEpoch{
			{0, [][]float64{{1, 3}, {2, 2}, {0, 0}, {4, 6}}},
			{1, [][]float64{{1, 3}, {4, 6}, {0, 2}, {1, 3}}},
		},
	}
	_, rows := h.table()
	want := [][]string{
		{"pure", "2.000", "–", "2.000", "–"},
		{"mixup 0.50", "2.000", "0.500", "5.000", "1.000"},
		{"cutmix 0.75", "0.000", "0.000", "1.000", "0.250"},
		{"mixup 0.25", "5.000", "1.000", "2.000", "0.500"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	panels, err := h.Movement("mixup 0.50")
	if err != nil {
		t.Fatal(err)
	}
	if got := panels[0].Series[1].Y; !slices.Equal(got, []float64{2, 5}) || len(panels[0].Series) != 2 {
		t.Errorf("means %v", got)
	}
	if got := panels[1].Series[0].Y; !slices.Equal(got, []float64{0.5, 1}) || len(panels[1].Series) != 1 {
		t.Errorf("AUROC %v", got)
	}
	if _, err := h.Movement("mixup 0.51"); err == nil {
		t.Error("an unknown mixture")
	}
	if got := h.Half(); !slices.Equal(got, []string{"mixup 0.50", "cutmix 0.75"}) {
		t.Errorf("nearest to a half: %q", got)
	}
	shares := h.ByShare()
	if diff := cmp.Diff([]float64{0.25, 0.5, 1}, shares[1].Series[0].X); diff != "" || shares[1].Series[0].Name != idml.Mixup {
		t.Errorf("λ of mixup:\n%s", diff)
	}
	if got := shares[1].Series[1].Y; !slices.Equal(got, []float64{1, 2}) {
		t.Errorf("mean ‖u‖ of cutmix and of pure images at the end: %v", got)
	}
	for name, want := range map[string]string{"mixup 0.50": "above chance", "cutmix 0.75": "below chance", "mixup 0.25": "no better than chance"} {
		if got, err := h.Verdict(name); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %q (%v), want %q", name, got, err, want)
		}
	}
	if _, err := h.Verdict("pure"); err == nil {
		t.Error("pure images against themselves")
	}
	if got := h.Last("pure", "mixup 0.25"); len(got) != 2 || got[1].Name != "mixup 0.25" || !slices.Equal(got[1].Values, []float64{1, 3}) {
		t.Errorf("groups %v", got)
	}
}
