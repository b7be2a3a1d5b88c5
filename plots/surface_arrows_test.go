// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"math"
	"testing"
)

// The arrows are the derivatives of a function whose derivatives are known, to one scale, and a flat surface has none.
func TestArrows(t *testing.T) {
	f, err := NewSurface(func(alpha, beta float64) float64 { return alpha*alpha + 4*alpha - 0.5*beta }, SurfaceDomain{2, 4})
	if err != nil {
		t.Fatal(err)
	}
	arrows := f.arrows(100, 50) // points a unit of α and of β
	if len(arrows) != arrowColumns*arrowRows {
		t.Fatalf("%d arrows", len(arrows))
	}
	longest := 0.0
	for _, a := range arrows {
		alpha := f.values.X(a.column)
		if got, want := float64(a.dy)/float64(a.dx), -0.5*50/((2*alpha+4)*100); math.Abs(got-want) > 1e-6 {
			t.Errorf("at α = %v the slope is %v, want %v", alpha, got, want)
		}
		longest = max(longest, math.Hypot(float64(a.dx), float64(a.dy)))
	}
	if math.Abs(longest-float64(longestArrow)) > 1e-9 {
		t.Errorf("the longest is %v", longest)
	}
	flat, err := NewSurface(func(float64, float64) float64 { return 1 }, DefaultSurfaceDomain())
	if err != nil {
		t.Fatal(err)
	}
	if arrows := flat.arrows(100, 50); len(arrows) != 0 {
		t.Errorf("%d arrows on a flat surface", len(arrows))
	}
}
