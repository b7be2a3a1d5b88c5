// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// A run that is stopped on two devices and resumed on one, and stopped there and resumed on two, ends as that on one within rounding, and the run folder tells what it ran on.
func TestDevices(t *testing.T) {
	images, dir := writeImages(t, 6, 6, 6, 4, 4, 4), t.TempDir()
	training := func(out string, more ...string) []string {
		args := append([]string{"train", "--data", images, "--metric", "paper", "--out", out}, more...)
		return append(args, tiny(sets("epochs=3", "warmup_epochs=0", "data.batch_size=6", "mixing.method=none")...)...)
	}
	whole, moved := filepath.Join(dir, "whole"), filepath.Join(dir, "moved")
	succeed(t, training(whole)...)
	stop := func(epoch, option string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stdout bytes.Buffer
		stderr := &interrupter{text: epoch, cancel: cancel}
		if status := run(ctx, strings.NewReader(""), &stdout, stderr, args); status != exitInterrupted {
			t.Fatalf("status %d, %q", status, stderr.String())
		}
		if want := "stopped; go on with: idml train --resume " + moved + option + "\n"; !strings.HasSuffix(stdout.String(), want) {
			t.Errorf("printed %q, want %q at its end", stdout.String(), want)
		}
	}
	stop("epoch 1 of 3", " --devices 2", training(moved, "--devices", "2")...)
	stop("epoch 2 of 3", "", "train", "--resume", moved)
	succeed(t, "train", "--resume", moved, "--devices", "2")
	compareNearly(t, whole, moved)

	opened, err := runlog.Open(moved)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := opened.Environment(); err != nil || e.Devices != 2 {
		t.Errorf("environment.json tells of %d devices (%v), want 2", e.Devices, err)
	}
	log, err := os.ReadFile(filepath.Join(moved, runlog.LogFile))
	if want := regexp.MustCompile(`(?s) training, .* batch: 2\n.* training resumed, .* batch: 1\n.* training resumed, .* batch: 2\n`); err != nil || !want.Match(log) {
		t.Errorf("the log (%v):\n%s", err, log)
	}
	t.Run("refused", func(t *testing.T) {
		out := filepath.Join(dir, "refused")
		before := snapshot(t, dir)
		fail(t, exitUsage, "--devices is 0", training(out, "--devices", "0")...)
		fail(t, exitError, "has 4: use at most 4", training(out, "--devices", "6")...)
		fail(t, exitError, "data.batch_size is 6, which 4 devices can't share evenly: make it 4 or 8, or train on 3", training(out, "--devices", "4")...)
		fail(t, exitError, "data.batch_size", "train", "--resume", whole, "--devices", "4")
		fail(t, exitError, "finished", "train", "--resume", whole, "--devices", "2")
		if after := snapshot(t, dir); len(after) != len(before) {
			t.Errorf("%d files, %d before", len(after), len(before))
		}
	})
}

// compareNearly compares the losses and the weights of two runs: differences of rounding, which AdamW enlarges by dividing gradients by their size.
func compareNearly(t *testing.T, a, b string) {
	t.Helper()
	var runs [2]*weights.File
	var records [2][]runlog.Record
	for i, dir := range []string{a, b} {
		opened, err := runlog.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if records[i], err = opened.Records(); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(opened.Path(runlog.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if runs[i], err = weights.ReadSafetensors(f); err != nil {
			t.Fatal(err)
		}
	}
	if len(records[0]) != len(records[1]) {
		t.Fatalf("%d and %d records", len(records[0]), len(records[1]))
	}
	worst := 0.0
	for i, r := range records[0] {
		if other := records[1][i]; r.Kind != other.Kind || math.Abs(r.Loss-other.Loss) > 1e-5*math.Abs(r.Loss) {
			t.Errorf("record %d: %s %v and %s %v", i, r.Kind, r.Loss, other.Kind, other.Loss)
		}
	}
	for _, x := range runs[0].Tensors {
		y, ok := runs[1].Tensor(x.Name)
		if !ok || x.DType != y.DType {
			t.Errorf("the second run has no %s of type %s", x.Name, x.DType)
			continue
		}
		if x.DType != "F32" || strings.HasPrefix(x.Name, "optimizer/") {
			continue
		}
		difference := distance(t, x, y)
		worst = max(worst, difference)
		if !(difference < 1e-4) {
			t.Errorf("%s differs by %.2g of its norm", x.Name, difference)
		}
	}
	t.Logf("weights differ by up to %.2g", worst)
}

// distance returns ‖x−y‖/‖x‖.
func distance(t *testing.T, x, y weights.Tensor) float64 {
	t.Helper()
	a, err := x.Float32()
	if err != nil {
		t.Fatal(err)
	}
	b, err := y.Float32()
	if err != nil {
		t.Fatal(err)
	}
	var difference, norm float64
	for i := range a {
		difference += math.Pow(float64(a[i])-float64(b[i]), 2)
		norm += math.Pow(float64(a[i]), 2)
	}
	return math.Sqrt(difference / max(norm, 1e-30))
}
