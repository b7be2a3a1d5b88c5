// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"introspection/datasets"
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

// writeNotebook writes a notebook for the kernel and returns its name.
func writeNotebook(t *testing.T, dir string, sources ...string) string {
	t.Helper()
	var cells []map[string]any
	for _, source := range sources {
		cells = append(cells, map[string]any{"cell_type": "code", "source": source, "metadata": struct{}{}, "outputs": []int{}, "execution_count": nil})
	}
	data, err := json.Marshal(map[string]any{
		"cells": cells, "nbformat": 4, "nbformat_minor": 4,
		"metadata": map[string]any{"kernelspec": map[string]string{"name": "idml", "display_name": "IDML (Go)", "language": "go"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "made.ipynb")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// nbconvert stops at the first cell that fails, says so, and leaves the error in the notebook; jupyter execute does so too.
func TestKernelInNotebook(t *testing.T) {
	python, temporary, environment := installed(t)
	dir := t.TempDir()
	name := writeNotebook(t, dir, "const answer = 6", "%%\nfmt.Println(7*answer, idml.DefaultTau > 0)", "%idml version",
		"%%\nlog.Fatalf(\"this is %d\", answer)", "%%\nfmt.Println(\"never\")")
	for _, test := range []struct {
		args  []string
		fails bool
	}{
		{[]string{"-m", "nbconvert", "--execute", "--to", "notebook", "--output", "done", name}, true},
		{[]string{"-m", "nbconvert", "--execute", "--to", "notebook", "--output", "done", "--allow-errors", name}, false},
		{[]string{"-m", "jupyter", "execute", name}, true},
		{[]string{"-m", "jupyter", "execute", "--inplace", "--allow-errors", name}, false},
	} {
		cmd := exec.CommandContext(t.Context(), python, test.args...)
		cmd.Env, cmd.Dir = environment, dir
		said, err := cmd.CombinedOutput()
		if (err != nil) != test.fails || test.fails && !bytes.Contains(said, []byte("this is 6")) {
			t.Errorf("%v ends with %v:\n%s", test.args[1:3], err, said)
		}
		nothingLeft(t, temporary)
	}
	checkNotebook(t, filepath.Join(dir, "done.ipynb"))
	checkNotebook(t, name)
}

// In a console, cells of Go and commands work, tables are text, and a failed cell is seen.
func TestKernelInConsole(t *testing.T) {
	python, temporary, environment := installed(t)
	if err := exec.CommandContext(t.Context(), python, "-c", "import jupyter_console").Run(); err != nil {
		t.Skip("there is no jupyter_console in .venv")
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "x.safetensors"), embeddingsFile(t, 40, 4, nil))
	cmd := exec.CommandContext(t.Context(), python, "-m", "jupyter_console", "--kernel", "idml", "--simple-prompt")
	cmd.Env, cmd.Dir = append(environment, "NO_COLOR=1", "TERM=dumb"), dir
	cmd.Stdin = strings.NewReader("%idml eval --embeddings x.safetensors\n%idml eval nowhere\nfunc main() { fmt.Println(6 * 7) }\n")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	for _, text := range []string{"R@1", "40 queries", "idml eval", "nowhere does not exist", "42"} {
		if !bytes.Contains(said, []byte(text)) {
			t.Errorf("it doesn't say %q:\n%s", text, said)
		}
	}
	nothingLeft(t, temporary)
}

// The kernel conforms to Jupyter's messaging protocol, as far as jupyter_kernel_test asks.
func TestKernelConforms(t *testing.T) {
	python, temporary, environment := installed(t)
	if err := exec.CommandContext(t.Context(), python, "-c", "import jupyter_kernel_test").Run(); err != nil {
		t.Skip("there is no jupyter_kernel_test in .venv")
	}
	script, err := filepath.Abs("testdata/conformance.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "x.safetensors"), embeddingsFile(t, 40, 4, nil))
	cmd := exec.CommandContext(t.Context(), python, script)
	cmd.Env, cmd.Dir = environment, dir
	said, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(said, []byte("Ran 12 tests")) || !bytes.Contains(said, []byte("OK (skipped=4)")) {
		t.Errorf("%v:\n%s", err, said)
	}
	nothingLeft(t, temporary)
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
	Reply   map[string]any    `json:"reply"`
	Text    map[string]string `json:"text"`
	Kinds   []string          `json:"kinds"`
	Types   []string          `json:"types"` // of displays
	Workers []int             `json:"workers"`
}

// executeCells executes cells by testdata/kernel.py, which gets some arguments.
func executeCells(t *testing.T, python string, environment []string, cells []map[string]string, args ...string) []executed {
	t.Helper()
	var input bytes.Buffer
	for _, c := range cells {
		if err := json.NewEncoder(&input).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("testdata/kernel.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{script}, args...)...)
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
	return results
}

// Interrupts stop a Go cell and a training, which can be gone on with in the same process; the kernel answers what a person asks while typing.
func TestKernelInterrupts(t *testing.T) {
	python, temporary, environment := installed(t)
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	train := append([]string{"%idml train --data", images, "--out runs/a"}, tiny(sets("data.batch_size=6", "epochs=100000")...)...)
	results := executeCells(t, python, environment, []map[string]string{
		{"code": "%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Hour)", "interrupt": "begun"},
		{"code": strings.Join(train, " "), "interrupt": "epoch 2 of"},
		{"code": "%idml train --resume runs/a", "interrupt": "epoch "},
		{"code": "%idml losses\n%%\nfmt.Println(\"alive\")"},
	}, "ask")
	if len(results) != 8 {
		t.Fatalf("%d results: %+v", len(results), results)
	}
	for i, e := range results[:3] {
		if e.Reply["status"] != "error" || e.Reply["ename"] != "Interrupted" {
			t.Errorf("cell %d: %+v", i, e)
		}
	}
	for _, e := range results[1:3] {
		if !strings.Contains(e.Text["stdout"], "idml train --resume runs/a") {
			t.Errorf("the training says %q", e.Text)
		}
		for _, mime := range []string{htmlType, pngType} {
			if !slices.Contains(e.Types, mime) {
				t.Errorf("the training displays %q", e.Types)
			}
		}
		if len(e.Workers) != 1 || e.Workers[0] != results[3].Workers[0] {
			t.Errorf("the training ran in %v, the next command in %v", e.Workers, results[3].Workers)
		}
	}
	if e := results[3]; e.Reply["status"] != "ok" || !strings.HasSuffix(e.Text["stdout"], "alive\n") || !strings.Contains(e.Text["stdout"], "triplet") {
		t.Errorf("after the interrupts: %+v", e)
	}
	for i, want := range []string{"version", "Println", "report.html", "Println"} {
		if answer, err := json.Marshal(results[4+i].Reply); err != nil || !bytes.Contains(answer, []byte(want)) {
			t.Errorf("request %d is answered %s", i, answer)
		}
	}
	nothingLeft(t, temporary)
}

// If the process that runs commands is killed, that is an error of the cell; the next command runs in another one, until that is let go of. Commands run where %cd
// has led.
func TestKernelWorkerDies(t *testing.T) {
	python, temporary, environment := installed(t)
	images := writeImages(t, 6, 6, 6, 4, 4, 4)
	train := append([]string{"%idml train --data", images, "--out runs/a"}, tiny(sets("data.batch_size=6", "epochs=100000")...)...)
	results := executeCells(t, python, environment, []map[string]string{
		{"code": "%idml version"},
		{"code": strings.Join(train, " "), "kill": "epoch 2 of"},
		{"code": "%idml eval runs/a"},
		{"code": "%cd runs"},
		{"code": "%idml eval a"},
		{"code": "%idml kernel release"},
		{"code": "%idml eval nowhere"},
	})
	if len(results) != 7 {
		t.Fatalf("%d results: %+v", len(results), results)
	}
	for i, want := range []string{"", "idml train: the program ended: signal: killed", "", "", "", "", "idml eval: runlog: not a run folder: nowhere does not exist"} {
		e := results[i]
		got := ""
		if e.Reply["status"] != "ok" {
			got = fmt.Sprint(e.Reply["ename"], ": ", e.Reply["evalue"])
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("cell %d: %q, want %q; it says %q", i, got, want, e.Text)
		}
	}
	if a, b, c := results[0].Workers, results[2].Workers, results[4].Workers; len(a) != 1 || len(b) != 1 || a[0] == b[0] || !slices.Equal(b, c) {
		t.Errorf("commands ran in %v, %v and %v", a, b, c)
	}
	if e := results[5]; len(e.Workers) != 0 || !strings.HasPrefix(e.Text["stdout"], "released") {
		t.Errorf("released: %+v", e)
	}
	if e := results[4]; !slices.Contains(e.Types, "text/html") || !strings.Contains(e.Text["display"], "R@1") {
		t.Errorf("eval: %+v", e)
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
		spec.Env["GOMLX_NO_AUTO_INSTALL"] != "1" || !strings.Contains(spec.Env["GOFLAGS"], "-ldflags=-s -w") ||
		strings.Contains(spec.Env["GOFLAGS"], "-tags=turbojpeg") != (datasets.JPEGDecoder == datasets.LibjpegTurbo) {
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
