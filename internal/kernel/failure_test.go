// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"testing"
)

// What programs wrote under GoNB v0.11.3, message by message.
func TestWatch(t *testing.T) {
	const traces = "panic: ouch\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/main.go:10 +0x65\n"
	for _, test := range []struct {
		name     string
		messages []string
		stopped  bool
		want     string // the failure's name and value; "" for none
	}{
		{"nothing", nil, false, ""},
		{"a warning", []string{"warning: slow\n"}, false, ""},
		{"panic", []string{traces, "exit status 2\n"}, false, "panic: ouch"},
		{"panic in pieces", []string{"pan", "ic: ou", "ch\n\ngoroutine", "exit status 2\n"}, false, "panic: ouch"},
		{"panic before much else", []string{traces, strings.Repeat("\t/a/file.go:1 +0x1\n", 1000), "exit status 2\n"}, false, "panic: ouch"},
		{"fatal error", []string{"fatal error: all goroutines are asleep - deadlock!\n\n", "exit status 2\n"}, false, "fatal error: all goroutines are asleep - deadlock!"},
		{"panic that was recovered from", []string{"panic: ouch\n"}, false, ""},
		{"exit", []string{"exit status 3\n"}, false, "ProgramFailed: exit status 3"},
		{"exit with its reason", []string{"a note\nno such file\n", "exit status 1\n"}, false, "exit status 1: no such file"},
		{"exit among words", []string{"it gave exit status 1\n"}, false, ""},
		{"exit in a log", []string{"exit status 1\nbut I went on\n"}, false, ""},
		{"no failure", []string{"exit status 0\n"}, false, ""},
		{"signal", []string{"signal: killed\n"}, false, "ProgramFailed: signal: killed"},
		{"core dumped", []string{"signal: segmentation fault (core dumped)\n"}, false, "ProgramFailed: signal: segmentation fault (core dumped)"},
		{"interrupt", []string{"^C\nsignal: interrupt\n"}, true, "Interrupted: the cell was stopped"},
		{"interrupt that ended well", []string{"stopping\n"}, true, ""},
		{"unknown command", []string{`"%nonsense" unknown or not implemented yet.`}, false, `UnknownCommand: "%nonsense" unknown or not implemented yet`},
		{"two commands", []string{"exit status 1\n", "fine\n"}, false, "ProgramFailed: exit status 1"},
	} {
		var w watch
		for _, text := range test.messages {
			w.observe(text)
		}
		got := ""
		if f := w.result(test.stopped); f != nil {
			got = f.Name + ": " + f.Value
			if len(f.Traceback) == 0 {
				t.Errorf("%s: no traceback", test.name)
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
