// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ErrNoData reports that a figure was asked for without data to draw.
var ErrNoData = errors.New("plots: no data")

// ErrNotFinite reports that a figure's data hold NaN or an infinity where
// there must be a number.
var ErrNotFinite = errors.New("plots: value is not finite")

// Figure is what can be drawn. Size tells how large it wants to be; Draw fills
// the whole of c, which may be of another size.
type Figure interface {
	Size() (w, h vg.Length)
	Draw(c draw.Canvas)
}

// pngDPI is the resolution of PNG files: two dots a px, so that they are sharp
// on screens of high density and in print.
const pngDPI = 192

// WritePNG draws f and writes it as PNG, with two dots a px: a figure of
// 640 px has an image 1280 dots wide.
func WritePNG(w io.Writer, f Figure) error {
	if _, err := (vgimg.PngCanvas{Canvas: canvasOf(f)}).WriteTo(w); err != nil {
		return fmt.Errorf("plots: writing PNG: %w", err)
	}
	return nil
}

// canvasOf returns a canvas on which f is drawn with two dots a px.
func canvasOf(f Figure) *vgimg.Canvas {
	width, height := f.Size()
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pngDPI))
	f.Draw(draw.New(canvas))
	return canvas
}

// WriteSVG draws f and writes it as SVG. Pictures in it are inside the file.
func WriteSVG(w io.Writer, f Figure) error {
	width, height := f.Size()
	canvas := vgsvg.New(width, height)
	f.Draw(draw.New(canvas))
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return fmt.Errorf("plots: writing SVG: %w", err)
	}
	if _, err := io.WriteString(w, portableSVG(text.String())); err != nil {
		return fmt.Errorf("plots: writing SVG: %w", err)
	}
	return nil
}

// portableSVG names other fonts of the same widths after Liberation Sans, gives
// pictures their true type, and lets them fill their rectangle as in a PNG.
func portableSVG(svg string) string {
	return strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
		"<image x=", `<image preserveAspectRatio="none" x=`,
		"data:image/jpg;base64,", "data:image/png;base64,",
	).Replace(svg)
}

// Save writes f to a file as PNG or SVG, as the name ends in .png or .svg. If
// anything fails, no file of that name is left half written.
func Save(path string, f Figure) error {
	var write func(io.Writer, Figure) error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		write = WritePNG
	case ".svg":
		write = WriteSVG
	default:
		return fmt.Errorf("plots: saving %s: the name must end in .png or .svg", path)
	}
	var data bytes.Buffer
	if err := write(&data, f); err != nil {
		return fmt.Errorf("plots: saving %s: %w", path, err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o666); err != nil {
		return fmt.Errorf("plots: saving %s: %w", path, err)
	}
	return nil
}

// finite tells whether v is a number that can be drawn.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
