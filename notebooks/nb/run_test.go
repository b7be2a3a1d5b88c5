// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"image/color"
	"strings"
	"testing"

	"introspection/datasets"
	"introspection/idml/runlog"
)

// grays returns a dataset of 2 × 1 pixels; image i is of the gray level i, image 9 is broken.
func grays(examples []datasets.Example) *datasets.Dataset {
	return datasets.New("grays", []string{"a"}, examples, func(i int) (*datasets.RGB, error) {
		if i == 9 {
			return nil, errors.New("broken")
		}
		img := datasets.NewRGB(2, 1)
		for k := range img.Pix {
			img.Pix[k] = uint8(i)
		}
		return img, nil
	})
}

func TestQueries(t *testing.T) {
	images := grays(make([]datasets.Example, 10))
	near := []runlog.Neighbor{{Index: 3, Correct: true, Alpha: 0.5, Beta: 2, Similarity: 0.8}, {Index: 4}, {Index: 5}}
	got, err := Queries(images, []runlog.Prediction{
		{Index: 7, Uncertainty: 1.5, Nearest: near},
		{Index: 8, Ambiguity: "blur", Amount: 0.456, Nearest: near[:1]},
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0].Hits) != 2 || len(got[1].Hits) != 1 {
		t.Fatalf("queries %+v", got)
	}
	if got[0].Note != "clear" || got[1].Note != "blur 0.46" || got[0].Uncertainty != 1.5 {
		t.Errorf("queries %+v", got)
	}
	hit := got[0].Hits[0]
	if !hit.Correct || hit.Alpha != 0.5 || hit.Beta != 2 || hit.Similarity != 0.8 {
		t.Errorf("hit %+v", hit)
	}
	if c := hit.Image.At(1, 0); c != (color.NRGBA{3, 3, 3, 255}) {
		t.Errorf("the hit's picture is %v", c)
	}
	if c := got[1].Image.At(0, 0); c != (color.NRGBA{8, 8, 8, 255}) {
		t.Errorf("the query's picture is %v", c)
	}
	for name, p := range map[string]runlog.Prediction{"query": {Index: 9}, "hit": {Nearest: []runlog.Neighbor{{Index: 9}}}} {
		if _, err := Queries(images, []runlog.Prediction{p}, 1); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("a broken %s: error %v", name, err)
		}
	}
}
