// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// An example is a command of the manual and what the manual says that it prints.
type example struct {
	line   int
	args   []string
	output string
}

// examples returns the examples in a package comment: lines "$ idml …" in its preformatted blocks, each with the lines up to
// the next one or the end of its block.
func examples(text string) []example {
	var found []example
	open := false
	for i, line := range strings.Split(text, "\n") {
		code, isCode := strings.CutPrefix(line, "\t")
		switch args, isCommand := strings.CutPrefix(code, "$ idml"); {
		case isCode && isCommand:
			found = append(found, example{line: i + 1, args: strings.Fields(args)})
			open = true
		case open && (isCode || line == ""):
			found[len(found)-1].output += code + "\n"
		default:
			open = false
		}
	}
	return found
}

// outputPattern returns the expression for an example's output: "…" stands for any text, on a line of its own for any lines.
func outputPattern(output string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.TrimSpace(output))
	pattern = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(pattern, `(?s:.*)`)
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*") + "$")
}

// TestManual runs the examples of the package comment, in their order and in one folder, so that a later one may use what an earlier one
// wrote. In the beginning there is nothing in it but the folder photos, of two class folders.
func TestManual(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	manual := examples(file.Doc.Text())
	if len(manual) == 0 {
		t.Fatal("the manual has no examples")
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS("photos", os.DirFS(writeImages(t, 3, 3))); err != nil {
		t.Fatal(err)
	}
	for _, e := range manual {
		var output bytes.Buffer
		if status := run(t.Context(), strings.NewReader(""), &output, &output, e.args); status != exitOK {
			fmt.Fprintf(&output, "exit status %d\n", status)
		}
		if got := strings.TrimSpace(output.String()); !outputPattern(e.output).MatchString(got) {
			t.Errorf("line %d: idml %s prints\n%s\nwant\n%s", e.line, strings.Join(e.args, " "), got, e.output)
		}
	}
}

func TestExamples(t *testing.T) {
	found := examples("Text $ idml no\n\n\t$ idml a --b c\n\tone\n\n\ttwo\n\t$ idml d\n\nText\n\n\tother\n")
	if len(found) != 2 || len(found[0].args) != 3 || strings.TrimSpace(found[0].output) != "one\n\ntwo" || strings.TrimSpace(found[1].output) != "" {
		t.Errorf("examples = %+v", found)
	}
	for _, test := range []struct {
		output, got string
		want        bool
	}{
		{"a … c", "a b c", true},
		{"a … c", "a\nc", false},
		{"a\n…\nc", "a\nb\nb\nc", true},
		{"a\n…", "b", false},
		{"a.", "ab", false},
	} {
		if outputPattern(test.output).MatchString(test.got) != test.want {
			t.Errorf("pattern %q against %q: want %t", test.output, test.got, test.want)
		}
	}
}
