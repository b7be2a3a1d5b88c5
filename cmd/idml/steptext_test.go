// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
	"unicode/utf8"

	"introspection/idml"
)

func TestStepText(t *testing.T) {
	p := idml.Progress{Epoch: 2, Epochs: 10, Batch: 14, Batches: 56, Loss: 4.2134, LearningRate: 1e-4, ImagesPerSecond: 1899.6}
	if got, want := stepText(p, &pace{}), "epoch 2/10 [##--------] 14/56 loss 4.213 lr 0.0001 1900 img/s ? left"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	slow := &pace{steps: 100, step: 30 * time.Second, evaluated: true}
	long := idml.Progress{Epoch: 10, Epochs: 60, Batch: 495, Batches: 495, Loss: 14.21378, LearningRate: 1.25e-5, ImagesPerSecond: 189}
	if got, want := stepText(long, slow), "epoch 10/60 [##########] 495/495 loss 14.21 lr 1.25e-05 189 img/s 8d14h left"; got != want || utf8.RuneCountInString(got) >= 80 {
		t.Errorf("got  %q\nwant %q, below 80 characters", got, want)
	}
}

// A training of 4 epochs of 10 steps: compiling takes a minute, a step 2 s, an evaluation 30 s. Left are, after step s of epoch e,
// (40 − 10(e−1) − s)·2 s + (5−e)·30 s.
func TestPace(t *testing.T) {
	var c pace
	now := time.Unix(1e9, 0)
	after := func(d time.Duration, p idml.Progress) idml.Progress {
		p.Epochs, p.Batches = 4, 10
		now = now.Add(d)
		c.observe(p, now)
		return p
	}
	want := map[[2]int]string{
		{1, 1}: "?", {1, 5}: "?", {1, 6}: ">1m", {1, 10}: ">1m", // 68 s and 60 s, and the evaluations
		{2, 1}: "2m", {2, 10}: "2m", // 148 s, 130 s
		{3, 5}: "2m", {4, 5}: "40s", {4, 10}: "30s", // 90 s, rounded up
	}
	for epoch := 1; epoch <= 4; epoch++ {
		for batch := 1; batch <= 10; batch++ {
			d := 2 * time.Second
			if epoch == 1 && batch == 1 {
				d = time.Minute
			}
			p := after(d, idml.Progress{Epoch: epoch, Batch: batch})
			if text, ok := want[[2]int{epoch, batch}]; ok && c.left(p) != text {
				t.Errorf("epoch %d, step %d: %s left, want %s", epoch, batch, c.left(p), text)
			}
		}
		after(30*time.Second, idml.Progress{Epoch: epoch, Batch: 10, Metrics: map[string]float64{}})
	}
}

// A training that is resumed before the evaluation of epoch 1 doesn't know how long that took; and evaluations every second epoch count by half.
func TestPaceResumedWithFewEvaluations(t *testing.T) {
	var c pace
	now := time.Unix(1e9, 0)
	var p idml.Progress
	for epoch := 1; epoch <= 5; epoch++ {
		for batch := 1; batch <= 10 && epoch > 1; batch++ {
			now = now.Add(time.Second)
			p = idml.Progress{Epoch: epoch, Epochs: 9, Batch: batch, Batches: 10}
			c.observe(p, now)
		}
		if epoch == 2 {
			if got := c.left(p); got != ">1m" { // 70 s
				t.Errorf("before an evaluation was timed, %s left", got)
			}
		}
		if epoch%2 == 1 && epoch < 5 {
			now = now.Add(20 * time.Second)
			c.observe(idml.Progress{Epoch: epoch, Epochs: 9, Batch: 10, Batches: 10, Metrics: map[string]float64{}}, now)
		}
	}
	if got := c.left(p); got != "1m" { // 73 s: 40 steps, and 5 epochs of 20 s/3 for evaluations
		t.Errorf("after epoch 5, %s left", got)
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1499 * time.Millisecond: "1s", 59*time.Second + 400*time.Millisecond: "59s", 59*time.Second + 600*time.Millisecond: "1m",
		90 * time.Second: "2m", 59*time.Minute + 29*time.Second: "59m", 59*time.Minute + 31*time.Second: "1h00m", 185 * time.Minute: "3h05m",
		24 * time.Hour: "1d00h", 51 * time.Hour: "2d03h",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
