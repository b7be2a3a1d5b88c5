// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"introspection/plots"
)

// measured is what a case of the file came to, at x.
type measured struct{ x, seconds, memory float64 }

// drawFile draws seconds and memory over each of what was varied.
func drawFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	series, err := read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	titles := map[string]string{"batch": "images of a batch, each also mixed", "classes": "classes, of 8 images", "side": "pixels of a side, of 8 images", "images": "images evaluated"}
	var s sheet
	for _, name := range []string{"batch", "classes", "side", "images"} {
		if len(series[name]) == 0 {
			continue
		}
		var x, seconds, memory []float64
		for _, m := range series[name] {
			x, seconds, memory = append(x, m.x), append(seconds, m.seconds), append(memory, m.memory/1024)
		}
		panels, err := plots.NewCurves(titles[name],
			plots.Panel{YLabel: "seconds", FromZero: true, Series: []plots.Series{{X: x, Y: seconds}}},
			plots.Panel{YLabel: "GiB", FromZero: true, Series: []plots.Series{{X: x, Y: memory}}})
		if err != nil {
			return err
		}
		s = append(s, panels)
	}
	if len(s) == 0 {
		return fmt.Errorf("%s: nothing was measured", from)
	}
	return plots.Save(to, s)
}

// read returns the file's cases by what they vary. The steps of 8 images with 100 classes at 224 pixels belong to three of the series.
func read(r io.Reader) (map[string][]measured, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	out := map[string][]measured{}
	for _, line := range lines[min(len(lines), 1):] {
		var m measured
		var batch, classes, side float64
		if _, err := fmt.Sscan(line[2]+" "+line[3], &m.seconds, &m.memory); err != nil {
			return nil, err
		}
		add := func(name string, x float64) {
			m.x = x
			out[name] = append(out[name], m)
		}
		if line[0] == "evaluate" {
			if _, err := fmt.Sscan(line[1], &batch); err != nil {
				return nil, err
			}
			add("images", batch)
			continue
		}
		if _, err := fmt.Sscanf(line[1], "%fx%fx%f", &batch, &classes, &side); err != nil {
			return nil, err
		}
		if classes == 100 && side == 224 {
			add("batch", batch)
		}
		if batch == 8 && side == 224 {
			add("classes", classes)
		}
		if batch == 8 && classes == 100 {
			add("side", side)
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b measured) int { return cmp.Compare(a.x, b.x) })
	}
	return out, nil
}

// sheet is figures below each other.
type sheet []*plots.Curves

// Size returns the sum of the heights.
func (s sheet) Size() (w, h vg.Length) {
	for _, f := range s {
		fw, fh := f.Size()
		w, h = max(w, fw), h+fh
	}
	return w, h
}

// Draw draws the figures from the top.
func (s sheet) Draw(c draw.Canvas) {
	top := c.Max.Y
	for _, f := range s {
		_, h := f.Size()
		at := c
		at.Max.Y, at.Min.Y = top, top-h
		f.Draw(at)
		top -= h
	}
}
