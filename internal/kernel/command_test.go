// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScreen(t *testing.T) {
	for _, test := range []struct {
		name, written   string
		lines, progress string
		last            string
	}{
		{"lines", "one\r\ntwo\n\nend", "one\ntwo\n\nend\n", "", "end"},
		{"progress", "\rstep 1\rstep 2", "", "step 2", ""},
		{"progress, cleared", "\rstep 10\rstep 2  \r       \rdone\r\n", "done\n", "step 2", "done"},
		{"progress, left", "\rstep 1\r\nnext\n", "step 1\nnext\n", "", "next"},
		{"blank line over progress", "\rstep 1\r      \r\n", "", "step 1", ""},
	} {
		var lines, progress string
		s := &screen{lines: func(text string) { lines += text }, progress: func(text string) { progress = text }}
		for i := range len(test.written) { // in the smallest pieces
			fmt.Fprint(s, test.written[i:i+1])
		}
		s.flush(true)
		if diff := cmp.Diff([]string{test.lines, test.progress, test.last}, []string{lines, progress, s.lastLine()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// said collects what a command publishes.
type said struct {
	mu   sync.Mutex
	text map[string]string // streams by name
	kind map[string]int
	show []string // texts of displays
}

func (s *said) publish(kind string, content any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind[kind]++
	switch c := content.(type) {
	case map[string]string:
		s.text[c["name"]] += c["text"]
	case map[string]any:
		s.show = append(s.show, c["data"].(map[string]string)["text/plain"])
	}
}

// shell returns a commander whose program is a shell script with the command as its arguments.
func shell(script string) (*commander, *said) {
	return &commander{program: []string{"sh", "-c", script, "idml"}, dir: func() string { return "" }},
		&said{text: map[string]string{}, kind: map[string]int{}}
}

// background starts a command, which is ended with the test, and waits until it has printed that it has begun.
func background(t *testing.T, c *commander, s *said) <-chan *failure {
	t.Helper()
	t.Cleanup(func() { c.end(0) })
	done := make(chan *failure, 1)
	go func() { done <- c.run([]string{"train"}, s.publish) }()
	s.await(t, "begun\n")
	return done
}

// await waits until a command has printed a text.
func (s *said) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		printed := s.text["stdout"]
		s.mu.Unlock()
		if strings.Contains(printed, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the command prints %q, and not %q", printed, text)
		}
	}
}

// wait returns how a command in the background ended.
func wait(t *testing.T, done <-chan *failure) *failure {
	t.Helper()
	select {
	case f := <-done:
		return f
	case <-time.After(patience):
		t.Fatal("the command lives")
	}
	return nil
}

// patience is for commands that take no time, on a busy machine.
const patience = 30 * time.Second

func TestCommand(t *testing.T) {
	for _, test := range []struct{ name, script, stdout, stderr, want string }{
		{"ok", `echo "$1 $2"; echo note >&2`, "a b c\n", "note\n", ""},
		{"error", "echo 'idml: no such run' >&2; exit 1", "", "idml: no such run\n", "idml a: no such run"},
		{"silent error", "exit 3", "", "", "idml a: the program ended: exit status 3"},
		{"a child that lives on", "echo done; sleep 3 2>/dev/null &", "done\n", "", ""},
		{"crash", "echo before >&2; kill -SEGV $$", "", "before\n", "idml a: the program ended: signal: segmentation fault"},
	} {
		c, s := shell(test.script)
		got := ""
		if f := c.run([]string{"a", "b c"}, s.publish); f != nil {
			got = f.Name + ": " + f.Value
		}
		if strings.TrimSuffix(got, " (core dumped)") != test.want || s.text["stdout"] != test.stdout || s.text["stderr"] != test.stderr {
			t.Errorf("%s: %q, it says %q", test.name, got, s.text)
		}
	}
}

// A program that shows its progress many times makes few messages, and only one output.
func TestCommandProgress(t *testing.T) {
	c, s := shell(`test -t 2 || exit 1; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); printf '\rstep %d' $i >&2; done; printf '\r         \r' >&2; echo done`)
	if ours, theirs, err := openTerminal(); err != nil {
		t.Skipf("no terminals: %v", err)
	} else {
		ours.Close()
		theirs.Close()
	}
	start := time.Now()
	if f := c.run([]string{"train"}, s.publish); f != nil {
		t.Fatal(f.Value)
	}
	most := int(time.Since(start)/flushInterval) + 2
	if n := s.kind["update_display_data"]; s.kind["display_data"] != 1 || n > most || s.show[len(s.show)-1] != "step 3000" {
		t.Errorf("%v, at most %d updates expected; the last is %q", s.kind, most, s.show[len(s.show)-1])
	}
	if s.text["stdout"] != "done\n" || s.text["stderr"] != "" {
		t.Errorf("it says %q", s.text)
	}
}

// An interrupt reaches the program once, which may end what it is doing.
func TestCommandInterrupted(t *testing.T) {
	c, s := shell(`trap 'echo stopped; exit 130' INT; echo begun; while :; do sleep 0.02; done`)
	done := background(t, c, s)
	c.signal(syscall.SIGINT)
	f := wait(t, done)
	if f == nil || f.Name != interrupted || s.text["stdout"] != "begun\nstopped\n" {
		t.Errorf("%+v, it says %q", f, s.text)
	}
	if c.signal(syscall.SIGINT) {
		t.Error("a command that has ended can be interrupted")
	}
}

// A program that doesn't heed the interrupt is ended when the kernel ends.
func TestCommandEnd(t *testing.T) {
	c, s := shell(`trap '' INT; echo begun; while :; do sleep 0.02; done`)
	done := background(t, c, s)
	c.end(100 * time.Millisecond)
	if f := wait(t, done); f == nil {
		t.Error("no failure")
	}
	if f := c.run([]string{"train"}, s.publish); f == nil || !strings.Contains(f.Value, errClosed.Error()) {
		t.Errorf("a command after the end: %+v", f)
	}
}

// A program that was interrupted when the kernel ends isn't interrupted again: it has time to write what it must.
func TestCommandEndAfterInterrupt(t *testing.T) {
	c, s := shell(`n=0; trap 'n=$((n+1)); echo interrupt' INT; echo begun
		while [ $n = 0 ]; do sleep 0.02; done
		i=0; while [ $i -lt 20 ]; do i=$((i+1)); sleep 0.02; done
		exit 130`)
	done := background(t, c, s)
	c.signal(syscall.SIGINT)
	s.await(t, "interrupt\n") // two signals at once would count as one
	c.end(patience)
	if f := wait(t, done); f == nil || f.Name != interrupted || s.text["stdout"] != "begun\ninterrupt\n" {
		t.Errorf("%+v, it says %q", f, s.text)
	}
}

// An interrupt of the cell that comes before the command can be told is handed on when it can.
func TestCommandInterruptedBefore(t *testing.T) {
	c, s := shell(`trap 'exit 130' INT; while :; do sleep 0.02; done`)
	c.unwanted = func() bool { return true }
	t.Cleanup(func() { c.end(0) })
	done := make(chan *failure, 1)
	go func() { done <- c.run([]string{"train"}, s.publish) }()
	if f := wait(t, done); f == nil || f.Name != interrupted {
		t.Errorf("%+v", f)
	}
}

func TestShowReport(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "runs"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "runs", "a&b.html"), "report")
	for path, want := range map[string]int{
		"runs/a&b.html":                        1,
		filepath.Join(dir, "runs", "a&b.html"): 1,
		"runs/other.html":                      0,
		"../a.html":                            0,
		"":                                     0,
	} {
		s := &said{text: map[string]string{}, kind: map[string]int{}}
		showReport(func(kind string, content any) {
			s.publish(kind, content)
			if text := content.(map[string]any)["data"].(map[string]string)["text/html"]; !strings.Contains(text, `src="runs/a&amp;b.html"`) {
				t.Error(text)
			}
		}, dir, path)
		if s.kind["display_data"] != want {
			t.Errorf("%q: %v", path, s.kind)
		}
	}
}
