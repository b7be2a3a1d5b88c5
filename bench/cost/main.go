// SPDX-License-Identifier: Apache-2.0

// Cost measures what training and evaluation take, a case for each process so that its memory is its own: bench/growth.sh and bench/epoch.sh.
//
//	cost step BATCH CLASSES SIDE     a step of the released recipe, ResNet-50, BATCH images and their mixes of SIDE × SIDE pixels, CLASSES proxies
//	cost evaluate IMAGES             neighbors, recalls, k-means and its scores of embeddings of 512 dimensions, 5.3 a class as in Stanford Online Products
//	cost epoch FOLDER BATCH          steps of the released recipe on the JPEG files of a folder's class folders, beside steps on one batch that lies ready
//	cost draw FILE.csv FILE.png      the figure of what step and evaluate have printed
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"introspection/idml"
	"introspection/idml/backend"
	"introspection/idml/retrieval"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

// run does what the arguments say. A measurement is a line: what, its numbers, seconds, MiB of the most memory held.
func run(args []string) error {
	if len(args) == 3 && args[0] == "draw" {
		return drawFile(args[1], args[2])
	}
	if len(args) == 3 && args[0] == "epoch" {
		return epoch(args[1], args[2])
	}
	measure := map[string]func(b compute.Backend, numbers []int) (float64, error){"step": step, "evaluate": evaluate}
	wanted := map[string]int{"step": 3, "evaluate": 1}
	if len(args) == 0 || measure[args[0]] == nil || len(args) != 1+wanted[args[0]] {
		return errors.New("want step BATCH CLASSES SIDE, evaluate IMAGES, epoch FOLDER BATCH, or draw FILE.csv FILE.png")
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

// trainer returns a training of the released recipe from random weights.
func trainer(b compute.Backend, batch, classes, side int) (*idml.Trainer, error) {
	c := idml.CUB()
	c.Data.BatchSize, c.Data.ImageSize, c.WarmupEpochs = batch, side, 0
	m, err := idml.NewModel(c, classes)
	if err != nil {
		return nil, err
	}
	return idml.NewTrainer(b, m)
}

// input returns what a step gets, the images of a batch and mixes of each with the next one.
func input(images, labels *tensors.Tensor) idml.StepInput {
	batch := images.Shape().Dimensions[0]
	in := idml.StepInput{Images: images, Labels: labels, LearningRate: 1e-6, Mix: idml.Mix{Lambda: 0.7}}
	for i := range batch {
		in.Mix.Permutation = append(in.Mix.Permutation, int32((i+1)%batch))
	}
	return in
}

// warmUp is how many steps compile and allocate, and don't count.
const warmUp = 2

// step returns the median of the times of five steps.
func step(b compute.Backend, numbers []int) (float64, error) {
	batch, classes, side := numbers[0], numbers[1], numbers[2]
	t, err := trainer(b, batch, classes, side)
	if err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	pixels, labels := make([]uint8, batch*side*side*3), make([]int32, batch)
	for i := range pixels {
		pixels[i] = uint8(rng.UintN(256))
	}
	for i := range labels {
		labels[i] = int32(rng.IntN(classes))
	}
	in := input(tensors.FromFlatDataAndDimensions(pixels, batch, side, side, 3), tensors.FromValue(labels))
	var seconds []float64
	for i := range warmUp + 5 {
		start := time.Now()
		if _, err := t.Step(in); err != nil {
			return 0, err
		}
		if i >= warmUp {
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
