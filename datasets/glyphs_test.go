// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mustGlyphs returns the glyphs of a valid configuration.
func mustGlyphs(t testing.TB, config GlyphsConfig) Split {
	t.Helper()
	split, err := Glyphs(config)
	if err != nil {
		t.Fatal(err)
	}
	return split
}

// mustImage returns image i of d.
func mustImage(t testing.TB, d *Dataset, i int) *RGB {
	t.Helper()
	img, err := d.Image(i)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestGlyphsDefault(t *testing.T) {
	split := mustGlyphs(t, DefaultGlyphs())
	seen := map[string]bool{}
	for _, half := range []struct {
		data     *Dataset
		perClass int
	}{{split.Train, 40}, {split.Test, 20}} {
		d := half.data
		if len(d.Classes) != 84 || len(d.Examples) != 84*half.perClass {
			t.Errorf("%s: %d classes, %d images: want 84, %d", d.Name, len(d.Classes), len(d.Examples), 84*half.perClass)
		}
		for _, class := range d.Classes {
			if seen[class] {
				t.Errorf("class %s twice", class)
			}
			seen[class] = true
		}
		kinds := map[AmbiguityKind]int{}
		for i, e := range d.Examples {
			if seen[e.Name] {
				t.Errorf("image %s twice", e.Name)
			}
			seen[e.Name] = true
			if e.Label != i/half.perClass || !strings.HasPrefix(e.Name, d.Classes[e.Label]+" ") {
				t.Fatalf("image %d is %+v", i, e)
			}
			checkAmbiguity(t, e, len(d.Classes))
			kinds[e.Ambiguity.Kind]++
		}
		n := float64(len(d.Examples))
		for _, kind := range []AmbiguityKind{Blend, Occlusion, Blur} {
			// Five deviations of a binomial of probability 0.2/3.
			if share := float64(kinds[kind]) / n; math.Abs(share-0.2/3) > 5*math.Sqrt(0.2/3/n) {
				t.Errorf("%s: share of %q is %.3f: want about 0.067", d.Name, kind, share)
			}
		}
	}
}

// checkAmbiguity checks the ground truth of an example of a half of n classes.
func checkAmbiguity(t *testing.T, e Example, n int) {
	t.Helper()
	a := e.Ambiguity
	ok := a.Kind == Unambiguous && a.Amount == 0 && a.Other == -1 ||
		a.Kind == Blend && 0.2 <= a.Amount && a.Amount <= 0.5 && 0 <= a.Other && a.Other < n && a.Other != e.Label ||
		a.Kind == Occlusion && 0.1 <= a.Amount && a.Amount <= 0.4 && a.Other == -1 ||
		a.Kind == Blur && 0.3 <= a.Amount && a.Amount <= 1 && a.Other == -1
	if !ok {
		t.Errorf("%s: ambiguity %+v", e.Name, a)
	}
}

func TestGlyphsAreAPureFunction(t *testing.T) {
	small, large := DefaultGlyphs(), DefaultGlyphs()
	small.TrainPerClass, small.TestPerClass = 3, 2
	few, many := mustGlyphs(t, small), mustGlyphs(t, large)
	// Backwards, and of another number of images: image k of a class is the same.
	for i := len(few.Train.Examples) - 1; i >= 0; i-- {
		j := i/3*40 + i%3
		if diff := cmp.Diff(few.Train.Examples[i], many.Train.Examples[j]); diff != "" {
			t.Fatalf("image %d:\n%s", i, diff)
		}
		if a, b := mustImage(t, few.Train, i), mustImage(t, many.Train, j); !bytes.Equal(a.Pix, b.Pix) {
			t.Fatalf("image %d of few is not image %d of many", i, j)
		}
	}
	small.Seed = 1
	other := mustGlyphs(t, small)
	if cmp.Equal(mustImage(t, few.Train, 0), mustImage(t, other.Train, 0)) {
		t.Error("two seeds give one image")
	}
	if cmp.Equal(mustImage(t, few.Train, 0), mustImage(t, few.Train, 1)) {
		t.Error("two images of a class are one")
	}
}

func TestGlyphsImages(t *testing.T) {
	for _, size := range []int{16, 32, 48} {
		config := DefaultGlyphs()
		config.Size, config.AmbiguousShare = size, 0
		split := mustGlyphs(t, config)
		for i := 0; i < len(split.Test.Examples); i += 37 {
			img := mustImage(t, split.Test, i)
			if img.Width != size || img.Height != size {
				t.Fatalf("%d × %d pixels: want %d", img.Width, img.Height, size)
			}
			least, most := uint8(255), uint8(0)
			for k := 0; k < len(img.Pix); k += 3 {
				if img.Pix[k] != img.Pix[k+1] || img.Pix[k] != img.Pix[k+2] {
					t.Fatalf("image %d is not gray", i)
				}
				least, most = min(least, img.Pix[k]), max(most, img.Pix[k])
			}
			if most-least < 80 {
				t.Errorf("size %d, image %d: from %d to %d: too faint", size, i, least, most)
			}
		}
	}
}

// What is blended, covered and blurred is as much as the ground truth says.
func TestAmbiguityAmounts(t *testing.T) {
	const size = 32
	letters := []rune("AЖ")
	outlines, err := loadOutlines(fontFiles(), letters)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(a Ambiguity) *RGB {
		return drawGlyph(newRand(7, keyGlyph), size, outlines[0], outlines[1], a)
	}
	ink := drawLetter(newRand(7), size, outlines[0])
	for _, amount := range []float64{0.1, 0.25, 0.4} {
		covered := paint(newRand(8), size, ink)
		plain := paint(newRand(8), size, ink)
		cover(newRand(9), size, covered, amount)
		count := 0
		for i := range plain {
			if plain[i] != covered[i] {
				count++
			}
		}
		if got := float64(count) / (size * size); math.Abs(got-amount) > 0.02 {
			t.Errorf("occlusion of %g covers %g of the area", amount, got)
		}
	}
	plain := sharpness(draw(Ambiguity{Other: -1}))
	before := plain
	for _, amount := range []float64{0.3, 0.6, 1} {
		s := sharpness(draw(Ambiguity{Kind: Blur, Amount: amount, Other: -1}))
		if s >= before {
			t.Errorf("blur of %g is as sharp as less: %g ≥ %g", amount, s, before)
		}
		before = s
	}
	// Drawn with the same numbers, a blend is a mix of its two letters: the ink of weight w is (1-w) of one and w of the other.
	rng := newRand(7)
	one := drawLetter(rng, size, outlines[0])
	other := drawLetter(rng, size, outlines[1])
	blend := drawInk(newRand(7), size, outlines[0], outlines[1], Ambiguity{Kind: Blend, Amount: 0.3, Other: 1})
	for i := range blend {
		if want := 0.7*one[i] + 0.3*other[i]; math.Abs(blend[i]-want) > 1e-12 {
			t.Fatalf("pixel %d has ink %g: want 0.7·%g + 0.3·%g", i, blend[i], one[i], other[i])
		}
	}
	if !cmp.Equal(one, drawInk(newRand(7), size, outlines[0], nil, Ambiguity{Other: -1})) {
		t.Error("without a blend the ink is not the letter's")
	}
}

// sharpness returns the mean squared difference of horizontal neighbors in 4 × 4 means, which noise hardly touches.
func sharpness(img *RGB) float64 {
	small := ResizeTo(img, img.Width/4, img.Height/4)
	sum := 0.0
	for i := 3; i < len(small.Pix); i += 3 {
		d := float64(small.Pix[i]) - float64(small.Pix[i-3])
		sum += d * d
	}
	return sum
}

// The task is neither trivial nor hopeless: by pixels, rows scaled to length 1, about 0.3 of the test images have an image
// of their class as the nearest. It takes 1,680² distances, so -short leaves it out.
func TestGlyphsDifficulty(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	test := mustGlyphs(t, DefaultGlyphs()).Test
	rows := make([][]float32, len(test.Examples))
	for i := range rows {
		img := mustImage(t, test, i)
		norm := 0.0
		for k := 0; k < len(img.Pix); k += 3 {
			norm += float64(img.Pix[k]) * float64(img.Pix[k])
		}
		for k := 0; k < len(img.Pix); k += 3 {
			rows[i] = append(rows[i], float32(float64(img.Pix[k])/math.Sqrt(norm)))
		}
	}
	recall := recallAt1(rows, test.Labels())
	t.Logf("R@1 of raw pixels: %.3f", recall)
	if recall < 0.25 || recall > 0.35 {
		t.Errorf("R@1 of raw pixels is %.3f: want 0.25 to 0.35", recall)
	}
}

// recallAt1 returns the share of rows whose nearest other row, by largest product, has the same label.
func recallAt1(rows [][]float32, labels []int) float64 {
	best := make([]float32, len(rows))
	nearest := make([]int, len(rows))
	for i, x := range rows {
		for j := range i {
			var dot float32
			for k, v := range rows[j] {
				dot += v * x[k]
			}
			if dot > best[i] {
				best[i], nearest[i] = dot, j
			}
			if dot > best[j] {
				best[j], nearest[j] = dot, i
			}
		}
	}
	hits := 0
	for i, j := range nearest {
		if labels[i] == labels[j] {
			hits++
		}
	}
	return float64(hits) / float64(len(rows))
}

func TestGlyphsFaults(t *testing.T) {
	for _, c := range []struct {
		change func(*GlyphsConfig)
		want   string
	}{
		{func(c *GlyphsConfig) { c.Size = 8 }, "size 8"},
		{func(c *GlyphsConfig) { c.TrainPerClass = 0 }, "0 training images"},
		{func(c *GlyphsConfig) { c.TestPerClass = 1 }, "1 test images"},
		{func(c *GlyphsConfig) { c.AmbiguousShare = 1.5 }, "share 1.5"},
		{func(c *GlyphsConfig) { c.AmbiguousShare = math.NaN() }, "share NaN"},
	} {
		config := DefaultGlyphs()
		c.change(&config)
		if _, err := Glyphs(config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want %q", err, c.want)
		}
	}
}

func BenchmarkGlyphs(b *testing.B) {
	train := mustGlyphs(b, DefaultGlyphs()).Train
	i := 0
	for b.Loop() {
		mustImage(b, train, i%len(train.Examples))
		i++
	}
}

func ExampleGlyphs() {
	split, err := Glyphs(DefaultGlyphs())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(split.Train.Classes), len(split.Train.Examples), len(split.Test.Classes), len(split.Test.Examples))
	fmt.Println(split.Train.Examples[0].Name, "and", split.Test.Examples[0].Name)
	// Output:
	// 84 3360 84 1680
	// Latin A 0 and Latin B 0
}
