// SPDX-License-Identifier: Apache-2.0

package plots_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"introspection/plots"
)

// small returns a figure of one line that rises to top.
func small(t *testing.T, top float64) plots.Figure {
	t.Helper()
	f, err := plots.NewCurves("epoch", plots.Panel{
		YLabel: "loss α", Series: []plots.Series{{Name: "a", X: []float64{0, 1, 2}, Y: []float64{0, top, 1}}},
	})
	ready(t, err)
	return f
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := small(t, 0.5)
	for _, name := range []string{"a.png", "b.svg", "c.PNG"} {
		ready(t, plots.Save(filepath.Join(dir, name), f))
	}
	var svg bytes.Buffer
	ready(t, plots.WriteSVG(&svg, f))
	data, err := os.ReadFile(filepath.Join(dir, "b.svg"))
	ready(t, err)
	if !bytes.Equal(data, svg.Bytes()) {
		t.Error("Save and WriteSVG differ")
	}
	for _, want := range []string{`width="480pt" height="270pt"`, "loss α", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the SVG lacks %s", want)
		}
	}
	for _, name := range []string{"d.pdf", "d", "none/e.png"} {
		path := filepath.Join(dir, name)
		if err := plots.Save(path, f); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Save(%s): %v, want an error that names it", path, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("Save(%s) failed and left a file", path)
		}
	}
}

func TestWritePNGHasTwoDotsAPx(t *testing.T) {
	var data bytes.Buffer
	ready(t, plots.WritePNG(&data, small(t, 0.5)))
	img, err := png.Decode(&data)
	ready(t, err)
	if img.Bounds() != image.Rect(0, 0, 1280, 720) {
		t.Errorf("bounds %v, want 1280×720", img.Bounds())
	}
}

// TestGoldenComparisonSeesChanges checks the check: equal figures pass, and one
// value that differs doesn't.
func TestGoldenComparisonSeesChanges(t *testing.T) {
	draw := func(top float64) []byte {
		var data bytes.Buffer
		ready(t, plots.WritePNG(&data, small(t, top)))
		return data.Bytes()
	}
	for _, tt := range []struct {
		top  float64
		want bool
	}{{0.5, true}, {0.52, false}} {
		got, err := cmpimg.EqualApprox("png", draw(0.5), draw(tt.top), delta)
		ready(t, err)
		if got != tt.want {
			t.Errorf("0.5 against %v: equal is %v", tt.top, got)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("disk is full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	f := small(t, 0.5)
	if err := plots.WritePNG(fullDisk{}, f); !errors.Is(err, errFull) {
		t.Errorf("WritePNG: %v", err)
	}
	if err := plots.WriteSVG(fullDisk{}, f); !errors.Is(err, errFull) {
		t.Errorf("WriteSVG: %v", err)
	}
}
