// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"regexp"
	"strings"
)

// A failure is why a cell failed, in Jupyter's terms.
type failure struct {
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// newFailure returns a failure that is shown on one line.
func newFailure(name, value string) *failure {
	return &failure{name, value, []string{"\x1b[31m" + name + "\x1b[0m: " + value}}
}

// interrupted is the name of the failure of what a person stopped.
const interrupted = "Interrupted"

var (
	// gonbExit is all that GoNB writes on the standard error, as a message of its own, when a program, a test, or a command after ! failed.
	gonbExit = regexp.MustCompile(`^(?:\^C\n)?(exit status [1-9]\d*|signal: [^\n]+)\n$`)
	// gonbUnknown is what GoNB writes there for a % command that doesn't exist.
	gonbUnknown = regexp.MustCompile(`^("%.*" unknown or not implemented yet)\.$`)
	// goPanic is the line on which Go tells why a program crashed.
	goPanic = regexp.MustCompile(`(?m)^(panic|fatal error): (.*)$`)
)

// A watch looks for failure in what the program of a cell writes on its standard error.
type watch struct {
	tail    string // the end of what was written
	panicAt string // the line that tells of a panic
	failed  *failure
}

// mostTail bounds what a watch keeps, in bytes.
const mostTail = 4096

// observe takes the text of one message. A program that itself writes nothing but "exit status 1" in one go is taken for a failed one.
func (w *watch) observe(text string) {
	if m := gonbExit.FindStringSubmatch(text); m != nil {
		w.failed = w.describe(m[1])
		return
	}
	if m := gonbUnknown.FindStringSubmatch(text); m != nil {
		w.failed = newFailure("UnknownCommand", m[1])
		return
	}
	w.tail += text
	if m := goPanic.FindString(w.tail); m != "" && w.panicAt == "" && strings.Contains(w.tail, m+"\n") {
		w.panicAt = m
	}
	if len(w.tail) > mostTail {
		w.tail = w.tail[len(w.tail)-mostTail:]
	}
}

// describe returns the failure of a program that ended with a status: its panic, or else the last line that it wrote.
func (w *watch) describe(status string) *failure {
	if name, value, ok := strings.Cut(w.panicAt, ": "); ok {
		f := newFailure(name, value)
		f.Traceback = append(f.Traceback, status)
		return f
	}
	if last := lastLine(w.tail); last != "" {
		return newFailure(status, last)
	}
	return newFailure("ProgramFailed", status)
}

// result returns why a cell failed, or nil. stopped tells whether a person interrupted it.
func (w *watch) result(stopped bool) *failure {
	if w.failed != nil && stopped {
		return newFailure(interrupted, "the cell was stopped")
	}
	return w.failed
}

// lastLine returns the last line of a text that isn't blank.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
