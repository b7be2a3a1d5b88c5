// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	// What notebooks import: a change there must run them again, in spite of the cache of test results.
	_ "introspection/experiment"
	"introspection/notebooks/nb"
)

// A notebook is the part of the notebook format (version 4) that the tests look at.
type notebook struct {
	Cells    []cell         `json:"cells"`
	Metadata map[string]any `json:"metadata"`
	Format   int            `json:"nbformat"`
	Minor    int            `json:"nbformat_minor"`
}

type cell struct {
	ID             string         `json:"id"`
	Type           string         `json:"cell_type"`
	Source         any            `json:"source"` // a string or a list of lines
	Metadata       map[string]any `json:"metadata"`
	ExecutionCount *int           `json:"execution_count"`
	Outputs        []output       `json:"outputs"`
}

type output struct {
	Type string         `json:"output_type"`
	Name string         `json:"name"`
	Text any            `json:"text"`
	Data map[string]any `json:"data"`
}

// text returns a field that is a string or a list of lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, line := range v {
			fmt.Fprint(&b, line)
		}
		return b.String()
	}
	return ""
}

func read(t *testing.T, name string) notebook {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var n notebook
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// make writes a notebook of code cells for a kernel and returns its name.
func makeNotebook(t *testing.T, kernel string, sources ...string) string {
	t.Helper()
	n := notebook{
		Metadata: map[string]any{"kernelspec": map[string]any{"name": kernel, "display_name": kernel, "language": "go"}},
		Format:   4, Minor: 5,
	}
	for i, source := range sources {
		n.Cells = append(n.Cells, cell{ID: fmt.Sprintf("cell-%d", i), Type: "code", Source: source, Metadata: map[string]any{}, Outputs: []output{}})
	}
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "made.ipynb")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// execute runs a notebook through Jupyter in an empty folder, and returns the executed one and what the program said. Variables, NAME=VALUE, are
// added to the environment, from which IDML_DATA is taken: no test trains for hours. It skips the test where "make setup" wasn't run;
// "make test" runs it.
func execute(t *testing.T, name string, variables ...string) (executed, said string, err error) {
	t.Helper()
	python, err := filepath.Abs("../.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no .venv: run make setup (make test does)")
	}
	name, err = filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	executed = filepath.Join(directory, "executed.ipynb")
	command := exec.CommandContext(t.Context(), python, "run_notebook.py", "--directory", directory, "--output", executed, name)
	command.Env = append(append(os.Environ(), nb.DataEnv+"="), variables...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // so that it ends its kernel
	command.WaitDelay = 10 * time.Second
	out, err := command.CombinedOutput()
	if errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return executed, string(out), err
}

// TestNotebooks executes every notebook, or the first alone where the browser test does so after it, and checks that each is committed as it was executed, for the right
// kernel, and small.
func TestNotebooks(t *testing.T) {
	names, err := filepath.Glob("*.ipynb")
	if err != nil || len(names) == 0 {
		t.Fatalf("no notebooks (%v)", err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			const maxSize = 1 << 20
			if info, err := os.Stat(name); err != nil || info.Size() > maxSize {
				t.Errorf("it has more than %d bytes: %v", maxSize, err)
			}
			for i, c := range read(t, name).Cells {
				if c.Type == "code" && strings.TrimSpace(text(c.Source)) != "" && c.ExecutionCount == nil {
					t.Errorf("cell %d is committed without having been executed", i)
				}
			}
			if testing.Short() {
				t.Skip("not executed with -short")
			}
			if os.Getenv("IDML_BROWSER") == "required" && name != "01_quickstart.ipynb" {
				t.Skip("make test executes it in the browser, which is required here")
			}
			if _, said, err := execute(t, name); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// TestDisplays executes a notebook that shows something with each function of package nb, and looks at its outputs.
func TestDisplays(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a kernel")
	}
	executed, said, err := execute(t, "testdata/displays.ipynb")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	kinds := map[string]int{}
	for _, c := range read(t, executed).Cells {
		for _, o := range c.Outputs {
			for mime, data := range o.Data {
				kinds[mime]++
				if mime == "text/html" && strings.Contains(text(data), "step 1 ") {
					t.Error("an update that was replaced is still there")
				}
			}
		}
	}
	// HTML: the line, the SVG, and the last of the live line's many; PNG: one figure and the last of the live one.
	for mime, want := range map[string]int{"text/html": 3, "image/png": 2, "text/markdown": 1} {
		if kinds[mime] != want {
			t.Errorf("%d outputs of type %s, want %d (all: %v)", kinds[mime], mime, want, kinds)
		}
	}
}

// TestFailuresAreFound executes notebooks that fail, most of them in ways that GoNB doesn't report, but this kernel does: the test of the test above.
func TestFailuresAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("starts kernels")
	}
	const fine = "%%\nfmt.Println(\"fine\")"
	tests := []struct{ name, notebook, want string }{
		{"panic", "testdata/failing.ipynb", "panic: the notebook fails here"},
		{"exit", makeNotebook(t, "idml", fine, "%%\nos.Exit(3)"), "exit status 3"},
		{"does not compile", makeNotebook(t, "idml", "%%\nvar x int = \"text\""), "x int"},
		{"shell command", makeNotebook(t, "idml", "!false"), "exit status 1"},
		{"unknown command", makeNotebook(t, "idml", "%nonsense"), "nonsense"},
		{"failing test", makeNotebook(t, "idml", "import \"testing\"\n\n%test\nfunc TestX(t *testing.T) { t.Error(\"wrong\") }"), "wrong"},
		{"other kernel", makeNotebook(t, "python3", "1"), "python3"},
		{"empty", makeNotebook(t, "idml", " "), "no code cells"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, said, err := execute(t, test.notebook)
			var status *exec.ExitError
			if !errors.As(err, &status) || status.ExitCode() != 1 {
				t.Errorf("error %v, want exit status 1", err)
			}
			if !strings.Contains(said, test.want) {
				t.Errorf("it doesn't tell %q:\n%s", test.want, said)
			}
		})
	}
}
