// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every image is on the side of its class, with its name, its picture, its size and its class's name.
func TestHoldOutClasses(t *testing.T) {
	for _, c := range []struct {
		classes  int
		share    float64
		wantHeld int
	}{
		{100, 0.2, 20}, {98, 0.1, 10}, {7, 0.5, 4}, {10, 0.01, 2}, {10, 0.99, 8}, {4, 0.5, 2}, {5, 0.9, 3},
	} {
		d := numbered(3*c.classes+1, c.classes, 2, 2)
		d.size = func(i int) (int, int) { return 2 + i, 2 }
		train, held, err := HoldOutClasses(d, c.share, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(held.Classes) != c.wantHeld || len(train.Classes) != c.classes-c.wantHeld {
			t.Errorf("%g of %d classes: %d held out, %d kept: want %d held out", c.share, c.classes, len(held.Classes), len(train.Classes), c.wantHeld)
		}
		got := map[string]string{} // class by image
		for _, part := range []*Dataset{train, held} {
			if len(part.Examples) == 0 {
				t.Fatalf("%s: no images", part.Name)
			}
			seen := map[int]bool{}
			for i, e := range part.Examples {
				seen[e.Label] = true
				got[e.Name] = part.Classes[e.Label]
				k := slices.IndexFunc(d.Examples, func(o Example) bool { return o.Name == e.Name })
				if img, err := part.Image(i); err != nil || img.Pix[0] != uint8(k) {
					t.Fatalf("%s: %s has another picture (error %v)", part.Name, e.Name, err)
				}
				if width, _ := part.size(i); width != 2+k {
					t.Fatalf("%s: %s is %d wide: want %d", part.Name, e.Name, width, 2+k)
				}
			}
			if want := len(part.Classes); len(seen) != want || slices.Max(slices.Collect(maps.Keys(seen))) != want-1 {
				t.Errorf("%s: labels %v of %d classes", part.Name, seen, want)
			}
			for _, class := range part.Classes {
				if slices.Contains(held.Classes, class) == slices.Contains(train.Classes, class) {
					t.Errorf("class %s is on both sides", class)
				}
			}
		}
		want := map[string]string{}
		for _, e := range d.Examples {
			want[e.Name] = d.Classes[e.Label]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("class by image (-want +got):\n%s", diff)
		}
	}
}

// The choice depends on the seed alone, and each class is held out about as often as another.
func TestHoldOutClassesChance(t *testing.T) {
	d := numbered(20, 10, 1, 1)
	count := map[string]int{}
	for seed := range uint64(1000) {
		_, held, err := HoldOutClasses(d, 0.3, seed)
		if err != nil {
			t.Fatal(err)
		}
		_, again, err := HoldOutClasses(d, 0.3, seed)
		if err != nil || !slices.Equal(held.Classes, again.Classes) {
			t.Fatalf("seed %d holds out %v, then %v (error %v)", seed, held.Classes, again.Classes, err)
		}
		for _, class := range held.Classes {
			count[class]++
		}
	}
	for _, class := range d.Classes {
		if n := count[class]; n < 240 || n > 360 {
			t.Errorf("class %s is held out %d times of 1000: want about 300", class, n)
		}
	}
}

// Parts of the glyphs can be drawn, the blended ones with a letter of the other side too.
func TestHoldOutClassesOfGlyphs(t *testing.T) {
	split := mustGlyphs(t, GlyphsConfig{Size: 32, TrainPerClass: 4, TestPerClass: 2, AmbiguousShare: 0.9, Seed: 3})
	train, held, err := HoldOutClasses(split.Train, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	classOf := map[string]string{} // of the other letter, by image
	for _, e := range split.Train.Examples {
		if e.Ambiguity.Other >= 0 {
			classOf[e.Name] = split.Train.Classes[e.Ambiguity.Other]
		}
	}
	inside, outside := 0, 0
	for _, part := range []*Dataset{train, held} {
		for i, e := range part.Examples {
			if _, err := part.Image(i); err != nil {
				t.Fatal(err)
			}
			switch other := e.Ambiguity.Other; {
			case e.Ambiguity.Kind != Blend:
			case other < 0 && !slices.Contains(part.Classes, classOf[e.Name]):
				outside++
			case other >= 0 && part.Classes[other] == classOf[e.Name]:
				inside++
			default:
				t.Errorf("%s: other class %d: want that of %s", e.Name, other, classOf[e.Name])
			}
		}
	}
	if inside == 0 || outside == 0 {
		t.Errorf("%d blends with a class of the same side, %d with one of the other: want both", inside, outside)
	}
}

func TestHoldOutClassesFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  *Dataset
		share float64
		want  string
	}{
		{"share 0", numbered(20, 10, 1, 1), 0, "share 0"},
		{"share 1", numbered(20, 10, 1, 1), 1, "share 1"},
		{"three classes", numbered(20, 3, 1, 1), 0.5, "3 classes have images: want at least 2 to train and 2"},
		{"three classes with images", numbered(3, 10, 1, 1), 0.5, "3 classes have images"},
		{"no images", numbered(0, 10, 1, 1), 0.5, "0 classes have images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := HoldOutClasses(c.data, c.share, 1); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v: want %q", err, c.want)
			}
		})
	}
	d := numbered(20, 10, 1, 1)
	d.Examples[7].Label = 10
	if _, _, err := HoldOutClasses(d, 0.5, 1); err == nil || !strings.Contains(err.Error(), "image-7: label 10 of 10 classes") {
		t.Errorf("error %v: want one of image-7", err)
	}
}

// Of each class a share of the images is held out, at least one and not all; both parts have all classes, and each image is in one.
func TestHoldOutImages(t *testing.T) {
	perClass := []int{100, 10, 3, 2, 1, 0, 7}
	var examples []Example
	for i := range 100 { // by turns, as long as a class has images
		for label, n := range perClass {
			if i < n {
				examples = append(examples, Example{Name: fmt.Sprintf("%d/%d", label, i), Label: label, Ambiguity: Ambiguity{Other: -1}})
			}
		}
	}
	d := New("uneven", strings.Split("abcdefg", ""), examples, func(i int) (*RGB, error) {
		img := NewRGB(1, 1)
		img.Pix[0] = uint8(i)
		return img, nil
	})
	d.size = func(i int) (int, int) { return 1, i }
	for share, want := range map[float64][]int{
		0.1:  {10, 1, 1, 1, 0, 0, 1},
		0.25: {25, 3, 1, 1, 0, 0, 2},
		0.5:  {50, 5, 2, 1, 0, 0, 4},
		0.99: {99, 9, 2, 1, 0, 0, 6},
	} {
		train, held, err := HoldOutImages(d, share, 5)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, len(perClass))
		var names []string
		for _, part := range []*Dataset{train, held} {
			last := -1
			if diff := cmp.Diff(d.Classes, part.Classes); diff != "" {
				t.Errorf("%s: classes (-want +got):\n%s", part.Name, diff)
			}
			for i, e := range part.Examples {
				at := slices.Index(examples, e)
				if img, err := part.Image(i); at <= last || err != nil || img.Pix[0] != uint8(at) {
					t.Fatalf("%s, %s: image %v after that of %d, error %v: want %d", part.Name, e.Name, img, last, err, at)
				}
				if _, height := part.size(i); height != at {
					t.Errorf("%s, %s: size of image %d", part.Name, e.Name, height)
				}
				last = at
				names = append(names, e.Name)
				if part == held {
					counts[e.Label]++
				}
			}
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("share %g: held out of each class (-want +got):\n%s", share, diff)
		}
		if slices.Sort(names); len(slices.Compact(names)) != len(examples) {
			t.Errorf("share %g: %d images of %d", share, len(names), len(examples))
		}
		_, again, _ := HoldOutImages(d, share, 5)
		_, other, _ := HoldOutImages(d, share, 6)
		if !cmp.Equal(held.Examples, again.Examples) || cmp.Equal(held.Examples, other.Examples) {
			t.Errorf("share %g: the images are not a function of the seed", share)
		}
	}
}

func TestHoldOutImagesFaults(t *testing.T) {
	for _, c := range []struct {
		data  *Dataset
		share float64
		want  string
	}{
		{numbered(20, 10, 1, 1), 0, "share 0"},
		{numbered(20, 10, 1, 1), 1, "share 1"},
		{numbered(20, 10, 1, 1), math.NaN(), "share NaN"},
		{numbered(10, 10, 1, 1), 0.5, "no class has two images"},
		{numbered(0, 10, 1, 1), 0.5, "no class has two images"},
	} {
		if _, _, err := HoldOutImages(c.data, c.share, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want %q", err, c.want)
		}
	}
	d := numbered(20, 10, 1, 1)
	d.Examples[7].Label = -1
	if _, _, err := HoldOutImages(d, 0.5, 1); err == nil || !strings.Contains(err.Error(), "holding out images of numbered: image-7: label -1 of 10 classes") {
		t.Errorf("error %v: want one of image-7", err)
	}
}

func TestDatasetWithout(t *testing.T) {
	d := numbered(6, 3, 1, 1)
	part := d.Without([]int{4, 0})
	if diff := cmp.Diff([]int{1, 2, 0, 2}, part.Labels()); diff != "" || len(part.Classes) != 3 || part.Name != d.Name {
		t.Errorf("%s, classes %v, labels (-want +got):\n%s", part.Name, part.Classes, diff)
	}
	for i, want := range []uint8{1, 2, 3, 5} {
		if img, err := part.Image(i); err != nil || img.Pix[0] != want {
			t.Errorf("image %d: %v, error %v: want %d", i, img, err, want)
		}
	}
}
