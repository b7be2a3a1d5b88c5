// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

func TestConfusion(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleNewConfusion, t, delta, "confusion.png")
}

// A row's numbers are percentages of that row; what is below half a percent, and a class without images, has none.
func TestConfusionWritesItsNumbers(t *testing.T) {
	f, err := plots.NewConfusion([]string{"a", "b", "c"}, [][]int{{3, 1, 0}, {1, 995, 4}, {0, 0, 0}})
	ready(t, err)
	svg := svgOf(t, f)
	for want, times := range map[string]int{">75<": 1, ">25<": 1, ">100<": 1, ">99<": 0, ">0<": 0, "NaN": 0, ">a<": 2, ">c<": 2, ">class<": 1, ">taken for<": 1} {
		if got := strings.Count(svg, want); got != times {
			t.Errorf("the figure has %q %d times, want %d", want, got, times)
		}
	}
}

func TestConfusionSizes(t *testing.T) {
	for n := 1; n <= plots.MostConfusionClasses; n++ {
		classes, counts := make([]string, n), make([][]int, n)
		for i := range classes {
			classes[i], counts[i] = fmt.Sprintf("a class with the long name of %d", i), make([]int, n)
			counts[i][i] = 1
		}
		f, err := plots.NewConfusion(classes, counts)
		ready(t, err)
		if w, h := f.Size(); w > plots.Width+1e-9 || h <= 0 {
			t.Errorf("%d classes: size %v × %v", n, w, h)
		}
	}
}

func TestNewConfusionErrors(t *testing.T) {
	if _, err := plots.NewConfusion([]string{"a"}, [][]int{{0}}); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no images: %v, want ErrNoData", err)
	}
	for want, test := range map[string]struct {
		classes int
		counts  [][]int
	}{
		"1 rows for 2": {2, [][]int{{1, 0}}}, "row 1 has 1 counts": {2, [][]int{{1, 0}, {1}}}, "-1 images of class 0 taken for class 1": {2, [][]int{{1, -1}, {0, 1}}},
		"of 21 classes": {21, make([][]int, 21)},
	} {
		if _, err := plots.NewConfusion(make([]string, test.classes), test.counts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}
