// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// examplesFolder holds the scripts for schedulers.
const examplesFolder = "../../examples"

// programFile makes a file that is the program, for a script to call.
func programFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "idml")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", os.Args[0])
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// runsOf returns the names of the runs that --dry-run lists.
func runsOf(list string) (names []string) {
	for line := range strings.Lines(list) {
		if name, _, ok := strings.Cut(line, "  "); ok && strings.HasSuffix(line, "waiting\n") {
			names = append(names, name)
		}
	}
	return names
}

// shell runs a command with further variables.
func shell(t *testing.T, variables []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), variables...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// checkShares holds the runs of all shares against those of the whole sweep.
func checkShares(t *testing.T, whole []string, shares [][]string) {
	t.Helper()
	all := slices.Concat(shares...)
	for i, share := range shares {
		if len(share) < len(whole)/len(shares) {
			t.Errorf("share %d has %d of %d runs", i, len(share), len(whole))
		}
	}
	slices.Sort(whole)
	slices.Sort(all)
	if diff := cmp.Diff(whole, all); diff != "" || len(whole) < 10 {
		t.Errorf("the shares (-whole +all of them):\n%s", diff)
	}
}

// The tasks of a job array share the sweep among them, wherever the array begins and in whichever steps it counts.
func TestSlurmScript(t *testing.T) {
	script, idml := filepath.Join(examplesFolder, "slurm", "sweep.sbatch"), programFile(t)
	shell(t, nil, "bash", "-n", script)
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var options []string // of the line that the script's comment recommends
	for line := range strings.Lines(string(text)) {
		if _, rest, ok := strings.Cut(line, "sweep.sbatch "); ok {
			options = strings.Fields(rest)
		}
		if directive, ok := strings.CutPrefix(line, "#SBATCH "); ok && !strings.HasPrefix(directive, "--") {
			t.Errorf("a directive that is no option: %s", line)
		}
	}
	whole := runsOf(succeed(t, append([]string{"sweep", "--dry-run"}, options...)...))
	for _, array := range []struct{ first, last, step int }{{0, 3, 1}, {1, 4, 1}, {0, 6, 3}, {5, 5, 1}} {
		var shares [][]string
		count := (array.last-array.first)/array.step + 1
		for id := array.first; id <= array.last; id += array.step {
			variables := []string{
				"IDML=" + idml, "SLURM_ARRAY_TASK_ID=" + strconv.Itoa(id), "SLURM_ARRAY_TASK_MIN=" + strconv.Itoa(array.first),
				"SLURM_ARRAY_TASK_STEP=" + strconv.Itoa(array.step), "SLURM_ARRAY_TASK_COUNT=" + strconv.Itoa(count),
			}
			shares = append(shares, runsOf(shell(t, variables, "bash", append([]string{script, "--dry-run"}, options...)...)))
		}
		checkShares(t, slices.Clone(whole), shares)
	}
	cmd := exec.CommandContext(t.Context(), "bash", script)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "sbatch") {
		t.Errorf("without Slurm: %v, %s", err, out)
	}
}

// A job is what this test reads of the Kubernetes manifest.
type job struct {
	Spec struct {
		Completions, Parallelism int
		CompletionMode           string
		Template                 struct {
			Spec struct {
				Containers []struct {
					Command, Args []string
					Env           []struct{ Name, Value string }
				}
			}
		}
	}
}

// validate checks manifests against Kubernetes' schema, and returns those without a fault as JSON and what is wrong with the others.
func validate(t *testing.T, manifests ...string) (out []byte, faults string) {
	t.Helper()
	python := filepath.FromSlash("../../.venv/bin/python")
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no .venv: run make setup (make test does)")
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{filepath.Join(examplesFolder, "kubernetes", "validate.py")}, manifests...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if (err != nil) != strings.Contains(stderr.String(), manifests[0]+": ") {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return out, stderr.String()
}

// The pods of the Job share the sweep among them, and the manifest is one that Kubernetes takes.
func TestKubernetesManifest(t *testing.T) {
	out, faults := validate(t, filepath.Join(examplesFolder, "kubernetes", "sweep.yaml"))
	if faults != "" {
		t.Fatal(faults)
	}
	var j job
	if err := json.Unmarshal(out, &j); err != nil {
		t.Fatal(err)
	}
	if len(j.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s", out)
	}
	c := j.Spec.Template.Spec.Containers[0]
	if shares := strconv.Itoa(j.Spec.Completions); j.Spec.CompletionMode != "Indexed" || len(c.Env) != 1 || c.Env[0].Name != "SHARES" || c.Env[0].Value != shares {
		t.Errorf("%s completions, mode %s, environment %v", shares, j.Spec.CompletionMode, c.Env)
	}
	dir := filepath.Dir(programFile(t))
	var shares [][]string
	for index := range j.Spec.Completions {
		variables := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "JOB_COMPLETION_INDEX=" + strconv.Itoa(index), "SHARES=" + c.Env[0].Value}
		args := append(slices.Clone(c.Command[1:]), c.Args[0]+" --dry-run")
		shares = append(shares, runsOf(shell(t, variables, c.Command[0], args...)))
	}
	options, _, _ := strings.Cut(strings.TrimPrefix(c.Args[0], "exec idml "), " --shard")
	checkShares(t, runsOf(succeed(t, append(strings.Fields(options), "--dry-run")...)), shares)
}

// The check of the manifest finds what is misspelled, of a wrong type or lacking.
func TestKubernetesManifestIsChecked(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examplesFolder, "kubernetes", "sweep.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ old, new, want string }{
		{"completionMode:", "completionmode:", "$.spec: Additional properties are not allowed ('completionmode'"},
		{"backoffLimitPerIndex:", "backoffLimitPerIndx:", "'backoffLimitPerIndx'"},
		{"mountPath:", "mountpath:", "$.spec.template.spec.containers[0].volumeMounts[0]"},
		{"app.kubernetes.io/name: idml-sweep", "app.kubernetes.io/name: 1", "$.metadata.labels"},
		{"completions: 4", "completions: four", "$.spec.completions: 'four' is not of type 'integer'"},
		{"restartPolicy: Never", "restart: Never", "'restart'"},
		{"apiVersion: batch/v1", "apiVersion: batch/v1beta1", "$.apiVersion"},
		{"value: \"4\"", "value: 4", "env[0].value: 4 is not of type 'string'"},
		{"  template:", "  templates:", "'template' is a required property"},
		{"  template:", "   template:", "expected <block end>"},
	}
	var paths []string
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "sweep.yaml")
		changed := bytes.Replace(text, []byte(test.old), []byte(test.new), 1)
		if bytes.Equal(changed, text) {
			t.Errorf("the manifest has no %q", test.old)
		}
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	out, faults := validate(t, paths...)
	if len(out) > 0 {
		t.Errorf("passed: %s", out)
	}
	for i, test := range tests {
		_, after, _ := strings.Cut(faults, paths[i]+": ")
		if i+1 < len(paths) {
			after, _, _ = strings.Cut(after, paths[i+1])
		}
		if !strings.Contains(after, test.want) {
			t.Errorf("%s: %q, want a fault with %q", test.new, after, test.want)
		}
	}
}
