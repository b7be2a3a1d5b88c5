// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"introspection/idml/runlog"
	"introspection/internal/sampletree"
)

// On a disk that is full when the second checkpoint is written, training ends with an error that says so and how to go on, and the first
// checkpoint loads. The disk is a small tmpfs in a namespace of its own.
func TestFullDisk(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "unshare", "-rm", "mount", "-t", "tmpfs", "none", t.TempDir()).Run(); err != nil {
		t.Skipf("no namespace with a file system of its own can be made here: unshare: %v", err)
	}
	data, disk, saved := t.TempDir(), t.TempDir(), t.TempDir()
	if err := sampletree.Write(data, "cub", sampletree.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(disk, "run")
	args := append([]string{"train", "--recipe", "cub", "--data", data, "--out", out}, tiny(sets(
		"model.weights=", "data.batch_size=4", "warmup_epochs=0", "checkpoint_minutes=0", "model.embedding_size=4096")...)...)
	// Checkpoints have 0.7 MB before the first step and 2 MB after it.
	script := `mount -t tmpfs -o size=3500k none "$1" && { "$0" -test.run='^TestProgram$'; status=$?; cp -r "$1/run" "$2"; exit $status; }`
	cmd := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-c", script, os.Args[0], disk, saved)
	cmd.Env = append(os.Environ(), "IDML_TEST_PROGRAM="+strings.Join(args, "\x1f"))
	output, err := cmd.CombinedOutput()
	text := string(output)
	if cmd.ProcessState.ExitCode() != exitError {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{"no space left on device", out, "idml train --resume " + out} {
		if !strings.Contains(text, want) {
			t.Errorf("it prints %q, want %q", text, want)
		}
	}
	run := filepath.Join(saved, "run")
	if left, _ := filepath.Glob(filepath.Join(run, ".*tmp*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	_, stderr, status := program(t, "train", "--resume", run)
	if status != exitOK || strings.Contains(stderr, "warning: "+filepath.Join(run, runlog.ModelFile)) {
		t.Errorf("resumed elsewhere: status %d\n%s", status, stderr)
	}
}
