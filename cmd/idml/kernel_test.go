// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installed installs the kernel, run by the test's own program, for a Jupyter of its own, and returns its Python and environment, with
// a folder for temporary files. It skips the test where "make setup" wasn't run.
func installed(t *testing.T) (python, temporary string, environment []string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts kernels")
	}
	python, err := filepath.Abs("../../.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	gonb, err := filepath.Abs("../../.tools/bin/gonb")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{python, gonb} {
		if _, err := os.Stat(name); err != nil {
			t.Skip("there is no .venv or no GoNB: run make setup (make test does)")
		}
	}
	prefix := t.TempDir()
	stdout, stderr, status := program(t, "kernel", "install", "--prefix", prefix, "--gonb", gonb)
	file := filepath.Join(prefix, "share", "jupyter", "kernels", "idml", "kernel.json")
	if status != exitOK || stdout != file+"\n" {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	if temporary, err = os.MkdirTemp("", "k"); err != nil { // short, as the paths of the kernel's sockets must be
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	return python, temporary, append(os.Environ(), "TMPDIR="+temporary, "JUPYTER_PATH="+filepath.Join(prefix, "share", "jupyter"),
		"JUPYTER_RUNTIME_DIR="+filepath.Join(prefix, "runtime"), "JUPYTER_CONFIG_DIR="+filepath.Join(prefix, "config"),
		"IPYTHONDIR="+filepath.Join(prefix, "ipython"))
}

// nothingLeft fails the test if a folder for temporary files isn't empty.
func nothingLeft(t *testing.T, temporary string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(temporary, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// nbconvert stops at the first cell that fails, says so, and leaves the error in the notebook.
func TestKernelInNotebook(t *testing.T) {
	python, temporary, environment := installed(t)
	var cells []map[string]any
	for _, source := range []string{
		"const answer = 6",
		"%%\nfmt.Println(7*answer, idml.DefaultTau > 0)",
		"%idml version",
		"%%\nlog.Fatalf(\"this is %d\", answer)",
		"%%\nfmt.Println(\"never\")",
	} {
		cells = append(cells, map[string]any{"cell_type": "code", "source": source, "metadata": struct{}{}, "outputs": []int{}, "execution_count": nil})
	}
	data, err := json.Marshal(map[string]any{
		"cells": cells, "nbformat": 4, "nbformat_minor": 4,
		"metadata": map[string]any{"kernelspec": map[string]string{"name": "idml", "display_name": "IDML (Go)", "language": "go"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "made.ipynb")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	convert := func(more ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), python, append([]string{"-m", "nbconvert", "--execute", "--to", "notebook", "--output", "done", name}, more...)...)
		cmd.Env, cmd.Dir = environment, dir
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	if said, err := convert(); err == nil || !strings.Contains(said, "this is 6") {
		t.Errorf("nbconvert ends with %v:\n%s", err, said)
	}
	nothingLeft(t, temporary)
	if said, err := convert("--allow-errors"); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	nothingLeft(t, temporary)
	checkNotebook(t, filepath.Join(dir, "done.ipynb"))
}

// checkNotebook looks at the outputs of the notebook above, executed in spite of errors.
func checkNotebook(t *testing.T, name string) {
	t.Helper()
	done, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var notebook struct {
		Cells []struct {
			Count   int `json:"execution_count"`
			Outputs []struct {
				Type  string `json:"output_type"`
				Text  any    `json:"text"`
				Name  string `json:"ename"`
				Value string `json:"evalue"`
			} `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(done, &notebook); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for i, c := range notebook.Cells {
		if c.Count != i+1 {
			t.Errorf("cell %d has the number %d", i, c.Count)
		}
		for _, o := range c.Outputs {
			if o.Type != "error" {
				continue
			}
			failures++
			if i != 3 || !strings.Contains(o.Value, "this is 6") {
				t.Errorf("cell %d has the error %s: %s", i, o.Name, o.Value)
			}
		}
	}
	if failures != 1 {
		t.Errorf("%d errors in the notebook:\n%s", failures, done)
	}
	for _, text := range []string{"42 true", "idml (devel)"} {
		if !bytes.Contains(done, []byte(text)) {
			t.Errorf("the notebook doesn't tell %q:\n%s", text, done)
		}
	}
}

// executed is what came of a cell.
type executed struct {
	Reply map[string]any    `json:"reply"`
	Text  map[string]string `json:"text"`
	Kinds []string          `json:"kinds"`
}

// Interrupts stop a Go cell and a training, which can be gone on with; the kernel survives what a command dies of, and answers what a
// person asks while typing.
func TestKernelInterrupts(t *testing.T) {
	python, temporary, environment := installed(t)
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	train := append([]string{"%idml train --data", images, "--out runs/a"}, tiny(sets("data.batch_size=6", "epochs=100000")...)...)
	var input bytes.Buffer
	for _, c := range []map[string]string{
		{"code": "%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)", "interrupt": "begun"},
		{"code": strings.Join(train, " "), "interrupt": "epoch 2 of"},
		{"code": "%idml losses\n%%\nfmt.Println(\"alive\")"},
	} {
		if err := json.NewEncoder(&input).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("testdata/kernel.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, script)
	cmd.Env, cmd.Dir, cmd.Stdin = environment, t.TempDir(), &input
	cmd.WaitDelay = 10 * time.Second
	var says bytes.Buffer
	cmd.Stderr = &says
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v:\n%s%s", err, out, &says)
	}
	var results []executed
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var e executed
		if err := decoder.Decode(&e); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		results = append(results, e)
	}
	if len(results) != 7 {
		t.Fatalf("%d results:\n%s", len(results), out)
	}
	for i, e := range results[:2] {
		if e.Reply["status"] != "error" || e.Reply["ename"] != "Interrupted" {
			t.Errorf("cell %d: %+v", i, e)
		}
	}
	if text := results[1].Text; !strings.Contains(text["stdout"], "idml train --resume runs/a") {
		t.Errorf("the training says %q", text)
	} else if !strings.Contains(text["display"], "epoch ") || strings.Contains(text["display"], "\n") {
		t.Errorf("the training shows %q", text["display"])
	}
	if e := results[2]; e.Reply["status"] != "ok" || !strings.HasSuffix(e.Text["stdout"], "alive\n") || !strings.Contains(e.Text["stdout"], "triplet") {
		t.Errorf("after the interrupts: %+v", e)
	}
	for i, want := range []string{"version", "Println", "report.html", "Println"} {
		if answer, err := json.Marshal(results[3+i].Reply); err != nil || !bytes.Contains(answer, []byte(want)) {
			t.Errorf("request %d is answered %s", i, answer)
		}
	}
	nothingLeft(t, temporary)
}

func TestKernelArguments(t *testing.T) {
	empty := t.TempDir()
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{}, exitUsage, "say install or run"},
		{[]string{"start"}, exitUsage, "say install or run"},
		{[]string{"run"}, exitUsage, "--connection-file"},
		{[]string{"install", "--user", "--prefix", empty}, exitUsage, "exclude each other"},
		{[]string{"run", "--connection-file", filepath.Join(empty, "none.json"), "--gonb", "gonb"}, exitError, "none.json"},
	} {
		_, stderr, status := program(t, append([]string{"kernel"}, test.args...)...)
		if status != test.status || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: status %d, %s", test.args, status, stderr)
		}
	}
}

// For a user, the kernelspec goes where Jupyter looks, and holds no variable that may be unset.
func TestKernelInstallForUser(t *testing.T) {
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	if _, stderr, status := program(t, "kernel", "install", "--gonb", "/somewhere/gonb"); status != exitOK {
		t.Fatal(stderr)
	}
	text, err := os.ReadFile(filepath.Join(data, "kernels", "idml", "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Argv []string          `json:"argv"`
		Name string            `json:"display_name"`
		Mode string            `json:"interrupt_mode"`
		Env  map[string]string `json:"env"`
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Argv) < 5 || spec.Argv[0] != program || strings.Join(spec.Argv[1:5], " ") != "kernel run --connection-file {connection_file}" {
		t.Errorf("argv = %q", spec.Argv)
	}
	if spec.Name != "IDML (Go)" || spec.Mode != "message" || spec.Env["GOPROXY"] != "off" || spec.Env["GOTOOLCHAIN"] != "local" ||
		spec.Env["GOMLX_NO_AUTO_INSTALL"] != "1" || !strings.Contains(spec.Env["GOFLAGS"], "-ldflags=-s -w") {
		t.Errorf("the kernelspec is %s", text)
	}
	for name, value := range spec.Env {
		if strings.Contains(strings.ReplaceAll(value, "${PATH}", ""), "${") {
			t.Errorf("%s=%s", name, value)
		}
	}
	if _, err := os.Stat(filepath.Join(spec.Argv[len(spec.Argv)-1], "go.mod")); err != nil {
		t.Errorf("the project: %v", err)
	}
}
