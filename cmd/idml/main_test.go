// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pkgerrors "github.com/pkg/errors"

	"introspection/datasets"
)

var regen = flag.Bool("regen", false, "write the golden files in testdata anew")

// program runs the program and returns what it printed and its exit status.
func program(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), strings.NewReader(""), &out, &err, args)
	return out.String(), err.String(), status
}

func TestGolden(t *testing.T) {
	tests := map[string][]string{
		"help":       {"help"},
		"help_setup": {"help", "setup"},
		"help_help":  {"help", "--help"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := program(t, args...)
			if status != exitOK || stderr != "" {
				t.Errorf("status %d, stderr %q", status, stderr)
			}
			golden := filepath.Join("testdata", name+".stdout")
			if *regen {
				if err := os.WriteFile(golden, []byte(stdout), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), stdout); diff != "" {
				t.Errorf("go test -regen renews %s:\n%s", golden, diff)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		args   []string
		status int
		stderr string
	}{
		{nil, exitUsage, "idml: no command"},
		{[]string{"nonsense"}, exitUsage, `unknown command "nonsense"`},
		{[]string{"help", "nonsense"}, exitUsage, `unknown command "nonsense"`},
		{[]string{"setup", "--nonsense"}, exitUsage, "unknown option --nonsense"},
		{[]string{"setup", "--dir"}, exitUsage, "needs an argument"},
		{[]string{"setup", "nonsense"}, exitUsage, `unexpected argument "nonsense"`},
		{[]string{"version", "--x"}, exitUsage, "idml help version"},
		{[]string{"setup", "--from", "missing.whl"}, exitError, "missing.whl"},
		{[]string{"-v", "help"}, exitOK, ""},
		{[]string{"--help"}, exitOK, ""},
		{[]string{"--version"}, exitOK, ""},
		{[]string{"setup", "-h"}, exitOK, ""},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			_, stderr, status := program(t, test.args...)
			if status != test.status || !strings.Contains(stderr, test.stderr) {
				t.Errorf("status %d, want %d; stderr %q, want %q", status, test.status, stderr, test.stderr)
			}
			if n := strings.Count(stderr, "idml: "); test.status != exitOK && n != 1 {
				t.Errorf("%d error lines: %q", n, stderr)
			}
		})
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range commands() {
		stdout, stderr, status := program(t, "help", c.name)
		if status != exitOK || stderr != "" || !strings.Contains(stdout, "Usage: idml "+c.name) || !strings.Contains(stdout, c.summary) {
			t.Errorf("help %s: status %d, %q, %q", c.name, status, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 100 {
				t.Errorf("help %s: a line has %d bytes: %s", c.name, len(line), line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	stdout, _, status := program(t, "version")
	if status != exitOK || !strings.HasPrefix(stdout, "idml ") || !strings.Contains(stdout, " go1.") || !strings.Contains(stdout, ", JPEG by "+datasets.JPEGDecoder+"\n") {
		t.Errorf("version: status %d, %q", status, stdout)
	}
}

func TestSetupFindsInstalled(t *testing.T) {
	stdout, stderr, status := program(t, "setup")
	if status != exitOK || !strings.HasPrefix(stdout, "found the cpu plugin: ") || !strings.Contains(stdout, "it works") || stderr != "" {
		t.Errorf("setup: status %d, %q, %q", status, stdout, stderr)
	}
}

func TestSetupInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	dir := t.TempDir()
	if status := run(ctx, nil, &out, &errs, []string{"setup", "--dir", dir}); status != exitInterrupted || errs.String() != "idml: interrupted\n" {
		t.Errorf("status %d, %q", status, errs.String())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestOneLine(t *testing.T) {
	err := fmt.Errorf("idml: %w", errors.Join(errors.New("a is 1"), errors.New("b is 2\n")))
	if got := oneLine(err); got != "idml: a is 1; b is 2" {
		t.Errorf("oneLine = %q", got)
	}
}

func TestStackOf(t *testing.T) {
	inner := pkgerrors.New("inner")
	for _, err := range []error{inner, fmt.Errorf("outer: %w", inner), fmt.Errorf("outer: %w", errors.Join(errors.New("plain"), inner))} {
		if got := stackOf(err); !strings.Contains(got, "inner") || !strings.Contains(got, "TestStackOf") {
			t.Errorf("stackOf(%v) = %q", err, got)
		}
	}
	if got := stackOf(errors.New("plain")); got != "" {
		t.Errorf("stackOf an error without a stack = %q", got)
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	p.update("a long text")
	p.update("too soon")
	p.last = p.last.Add(-progressInterval)
	p.update("short")
	p.clear()
	p.clear()
	if want := "\ra long text\rshort      \r     \r"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	out.Reset()
	quiet := (&environment{stderr: &out}).progress()
	quiet.update("x")
	quiet.clear()
	if out.Len() > 0 {
		t.Errorf("printed %q where there is no terminal", out.String())
	}
}

func TestProgressText(t *testing.T) {
	if got, want := progressText(30<<20, 60<<20), "[###############---------------]  50 %  30 of 60 MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := progressText(0, 0); !strings.Contains(got, "  0 %") {
		t.Errorf("nothing of nothing: %q", got)
	}
}

// Options may stand before and after arguments.
func TestParseMixed(t *testing.T) {
	for _, args := range [][]string{{"--json", "a", "b"}, {"a", "--json", "b"}, {"a", "b", "--json"}} {
		env := &environment{}
		set := env.flags("eval")
		asJSON := set.Bool("json", false, "")
		if err := env.parse(set, args, 2); err != nil || !*asJSON {
			t.Errorf("%v: json is %v, %v", args, *asJSON, err)
		}
		if diff := cmp.Diff([]string{"a", "b"}, set.Args()); diff != "" {
			t.Errorf("%v: arguments (-want +got):\n%s", args, diff)
		}
	}
}
