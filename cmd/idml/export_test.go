// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"introspection/idml"
	"introspection/idml/runlog"
	"introspection/idml/weights"
)

// TestExport trains a small network, exports it, and trains another one from its backbone.
func TestExport(t *testing.T) {
	images, dir := writeImages(t, 6, 6, 6, 4, 4, 4), t.TempDir()
	run, file := filepath.Join(dir, "run"), filepath.Join(dir, "network.safetensors")
	training := func(out string, more ...string) []string {
		return append([]string{"train", "--data", images, "--out", out}, tiny(sets(append(more, "data.batch_size=6", "mixing.method=none")...)...)...)
	}
	succeed(t, training(run)...)
	checkpoint, err := weights.Open(filepath.Join(run, runlog.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args  []string
		extra bool // the proxies
	}{
		{[]string{run}, false},
		{[]string{"--proxies", filepath.Join(run, runlog.BestFile)}, true},
	} {
		stdout := succeed(t, append([]string{"export", "--out", file}, test.args...)...)
		f, err := weights.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := regexp.MustCompile(fmt.Sprintf(`^%d arrays, \d+ numbers: %s\n$`, len(f.Tensors), regexp.QuoteMeta(file))); !want.MatchString(stdout) {
			t.Errorf("printed %q", stdout)
		}
		var names []string
		for _, tensor := range f.Tensors {
			names = append(names, tensor.Name)
			if in, ok := checkpoint.Tensor(tensor.Name); !ok || !slices.Equal(in.Shape, tensor.Shape) {
				t.Errorf("%s %v is not in the checkpoint", tensor.Name, tensor.Shape)
			}
		}
		for _, name := range []string{"conv1.weight", "layer1.0.bn3.running_var", "embedding.weight", "uncertainty.bias"} {
			if !slices.Contains(names, name) {
				t.Errorf("no array %s in %v", name, names)
			}
		}
		if slices.Contains(names, idml.ProxiesName) != test.extra || strings.Contains(strings.Join(names, " "), "optimizer") {
			t.Errorf("arrays with proxies %t: %v", test.extra, names)
		}
	}
	succeed(t, training(filepath.Join(dir, "second"), "model.weights="+file)...)
	fail(t, exitError, "of another shape (conv1.weight [4 3 3 3], want [8 3 3 3]; ", training(filepath.Join(dir, "third"), "model.weights="+file, "model.backbone.width=8")...)
	checkExportBadInput(t, run, file)
}

// checkExportBadInput exports what can't be exported.
func checkExportBadInput(t *testing.T, run, file string) {
	dir := t.TempDir()
	before := snapshot(t, run)
	for _, test := range []struct {
		status int
		text   string
		args   []string
	}{
		{exitUsage, "name a run folder", []string{"--out", file}},
		{exitUsage, "--out", []string{run}},
		{exitUsage, `unexpected argument "b"`, []string{"a", "b", "--out", file}},
		{exitUsage, "replace a run's checkpoint", []string{run, "--out", filepath.Join(run, runlog.BestFile)}},
		{exitError, "not a run folder", []string{dir, "--out", file}},
		{exitError, "no such file", []string{filepath.Join(dir, "none.safetensors"), "--out", file}},
		{exitError, "no checkpoint", []string{file, "--out", filepath.Join(dir, "again.safetensors")}},
		{exitError, "no such file", []string{run, "--out", filepath.Join(dir, "nowhere", "x.safetensors")}},
	} {
		fail(t, test.status, test.text, append([]string{"export"}, test.args...)...)
	}
	after := snapshot(t, run)
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s changed", name)
		}
	}
}
