// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/backend"
)

// rounds is how often both kinds of steps take their turn, and turn how many steps that count each takes.
const (
	rounds = 4
	turn   = 8
)

// epoch prints how many images a second go through steps that wait for the loader, as in training, and through steps on a batch that lies ready, in turn, and the ratio.
func epoch(folder, size string) error {
	batch, err := strconv.Atoi(size)
	if err != nil || batch < 1 {
		return fmt.Errorf("%q: want a whole number above 0", size)
	}
	split, err := datasets.Folder(os.DirFS(folder), folder)
	if err != nil {
		return err
	}
	b, err := backend.Open("")
	if err != nil {
		return err
	}
	defer b.Finalize()
	t, err := trainer(b, batch, len(split.Train.Classes), 224)
	if err != nil {
		return err
	}
	l := &datasets.Loader{
		Data: split.Train, Order: datasets.Shuffled{}, BatchSize: batch, DropLast: true, OnBadImage: datasets.StopOnBadImage, Workers: runtime.NumCPU(),
		Transform: datasets.Compose{datasets.DefaultRandomResizedCrop(224), datasets.HorizontalFlip{Probability: 0.5}},
	}
	if l.Batches() < warmUp+turn {
		return fmt.Errorf("%s has %d batches of %d images to train, want at least %d", folder, l.Batches(), batch, warmUp+turn)
	}
	var ratios []float64
	for round := range rounds {
		var last idml.StepInput
		steps := 0
		var started time.Time
		var loaded float64
		for images, err := range l.Epoch(round, 0).Iter() {
			if err != nil {
				return err
			}
			if steps == warmUp { // the loader has no more in store than it has in the middle of an epoch
				started = time.Now()
			}
			last = input(images.Inputs[0], images.Labels[0])
			if _, err := t.Step(last); err != nil {
				return err
			}
			if steps++; steps == warmUp+turn {
				loaded = time.Since(started).Seconds()
				break
			}
			if err := images.Finalize(); err != nil {
				return err
			}
		}
		started = time.Now()
		for range turn {
			if _, err := t.Step(last); err != nil {
				return err
			}
		}
		ready := time.Since(started).Seconds()
		n := float64(turn * batch)
		fmt.Printf("loaded %.2f images/s, ready %.2f images/s, ratio %.3f\n", n/loaded, n/ready, ready/loaded)
		ratios = append(ratios, ready/loaded)
	}
	slices.Sort(ratios)
	fmt.Printf("ratio: least %.3f, median %.3f, most %.3f\n", ratios[0], (ratios[rounds/2-1]+ratios[rounds/2])/2, ratios[rounds-1])
	return nil
}
