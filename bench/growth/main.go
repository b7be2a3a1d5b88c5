// SPDX-License-Identifier: Apache-2.0

// Growth measures how the cost of a training step and of an evaluation grows, a case for each process so that its memory is its own, and draws what was measured: bench/growth.sh.
//
//	growth step BATCH CLASSES SIDE     a step of the released recipe, ResNet-50, BATCH images and their mixes of SIDE × SIDE pixels, CLASSES proxies
//	growth evaluate IMAGES             neighbors, recalls, k-means and its scores of embeddings of 512 dimensions, 5.3 a class as in Stanford Online Products
//	growth draw FILE.csv FILE.png      the figure
package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"introspection/idml"
	"introspection/idml/backend"
	"introspection/idml/retrieval"
	"introspection/plots"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

// run does what the arguments say. A measurement is a line: what, its numbers, seconds, MiB of the most memory held.
func run(args []string) error {
	if len(args) == 3 && args[0] == "draw" {
		return drawFile(args[1], args[2])
	}
	measure := map[string]func(b compute.Backend, numbers []int) (float64, error){"step": step, "evaluate": evaluate}
	wanted := map[string]int{"step": 3, "evaluate": 1}
	if len(args) == 0 || measure[args[0]] == nil || len(args) != 1+wanted[args[0]] {
		return errors.New("want step BATCH CLASSES SIDE, evaluate IMAGES, or draw FILE.csv FILE.png")
	}
	var numbers []int
	for _, a := range args[1:] {
		n, err := strconv.Atoi(a)
		if err != nil || n < 1 {
			return fmt.Errorf("%q: want a whole number above 0", a)
		}
		numbers = append(numbers, n)
	}
	b, err := backend.Open("")
	if err != nil {
		return err
	}
	defer b.Finalize()
	seconds, err := measure[args[0]](b, numbers)
	if err != nil {
		return err
	}
	memory, err := mostMemory()
	if err != nil {
		return err
	}
	fmt.Printf("%s,%s,%.3f,%d\n", args[0], strings.Join(args[1:], "x"), seconds, memory)
	return nil
}

// step returns the median of the times of five steps behind two that compile and allocate.
func step(b compute.Backend, numbers []int) (float64, error) {
	batch, classes, side := numbers[0], numbers[1], numbers[2]
	c := idml.CUB()
	c.Data.BatchSize, c.Data.ImageSize, c.WarmupEpochs = batch, side, 0
	m, err := idml.NewModel(c, classes)
	if err != nil {
		return 0, err
	}
	trainer, err := idml.NewTrainer(b, m)
	if err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	in := idml.StepInput{
		Images: tensors.FromShape(shapes.Make(dtypes.Uint8, batch, side, side, 3)), LearningRate: 1e-6,
		Mix: idml.Mix{Lambda: 0.7},
	}
	err = tensors.MutableFlatData(in.Images, func(flat []uint8) {
		for i := range flat {
			flat[i] = uint8(rng.UintN(256))
		}
	})
	if err != nil {
		return 0, err
	}
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = int32(rng.IntN(classes))
		in.Mix.Permutation = append(in.Mix.Permutation, int32((i+1)%batch))
	}
	in.Labels = tensors.FromValue(labels)
	var seconds []float64
	for i := range 7 {
		start := time.Now()
		if _, err := trainer.Step(in); err != nil {
			return 0, err
		}
		if i >= 2 {
			seconds = append(seconds, time.Since(start).Seconds())
		}
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2], nil
}

// evaluate returns how long the evaluation of clustered embeddings takes.
func evaluate(b compute.Backend, numbers []int) (float64, error) {
	const dims, perClass = 512, 60502. / 11316
	n := numbers[0]
	classes := max(2, int(float64(n)/perClass))
	rng := rand.New(rand.NewPCG(1, 1))
	e := retrieval.Matrix{Rows: n, Cols: dims, Data: make([]float32, n*dims)}
	centers := make([]float32, classes*dims)
	for i := range centers {
		centers[i] = float32(rng.NormFloat64())
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % classes
		for k := range dims {
			e.Data[i*dims+k] = centers[labels[i]*dims+k] + 2*float32(rng.NormFloat64())
		}
	}
	o := retrieval.DefaultOptions()
	o.Ks = []int{1, 10, 100}
	start := time.Now()
	_, err := retrieval.Evaluate(context.Background(), b, e, labels, o)
	return time.Since(start).Seconds(), err
}

// mostMemory is the most memory that this process has held, in MiB, as Linux tells; on a GPU the device's isn't in it.
func mostMemory() (int, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n >> 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}

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
	for _, line := range lines[1:] {
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
		slices.SortFunc(list, func(a, b measured) int { return int(math.Copysign(1, a.x-b.x)) })
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
