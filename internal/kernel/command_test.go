// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommand(t *testing.T) {
	c, _ := testCommander(t)
	for _, test := range []struct {
		args                 []string
		stdout, stderr, want string
	}{
		{[]string{"say", "a b", "note"}, "a b\n", "note\n", ""},
		{[]string{"fail"}, "", "", "idml fail: no such run"},
		{[]string{"noise"}, "", "", ""},
		{[]string{"exit"}, "", "", "idml exit: the program ended: exit status 3: a check failed"},
		{[]string{"count"}, "1\n", "", ""}, // of another worker
		{[]string{"abort"}, "", "", "idml abort: the program ended: signal: killed: a check failed"},
		{[]string{"panic"}, "", "", "idml panic: the program ended: exit status 2: panic: ouch"},
		{[]string{"count"}, "1\n", "", ""},
		{[]string{"count"}, "2\n", "", ""},
	} {
		s := newSaid()
		f := c.run(test.args, s.publish)
		if f.text() != test.want || s.text["stdout"] != test.stdout || s.text["stderr"] != test.stderr {
			t.Errorf("%s: %q, it says %q", test.args, f.text(), s.text)
		}
		if test.args[0] == "fail" && len(f.Traceback) != 3 {
			t.Errorf("the traceback is %q, want the stack in it", f.Traceback)
		}
	}
}

// A crash of the libraries ends one command, with an error that says what happened.
func TestCommandCrash(t *testing.T) {
	c, s := testCommander(t)
	if f := c.run([]string{"segfault"}, s.publish); f == nil || !strings.Contains(f.Value, "the program ended: ") {
		t.Errorf("%+v", f)
	}
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != "1\n" {
		t.Errorf("the next command: %+v, %q", f, s.stdout())
	}
}

// What the process writes on its own output is for the log.
func TestCommandLog(t *testing.T) {
	c, s := testCommander(t)
	var log syncBuffer
	c.log = &log
	if f := c.run([]string{"noise"}, s.publish); f != nil || len(s.kind) > 0 {
		t.Errorf("%+v, %v", f, s.kind)
	}
	c.end(0)
	if got := log.String(); got != "XLA says hello\nand more\n" {
		t.Errorf("the log holds %q", got)
	}
}

// A command of a worker that was killed between two commands is run by another worker.
func TestCommandAfterDeath(t *testing.T) {
	c, s := testCommander(t)
	for range 2 {
		if f := c.run([]string{"count"}, s.publish); f != nil {
			t.Fatal(f.Value)
		}
	}
	_ = c.worker.cmd.Process.Kill()
	<-c.worker.ended
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != "1\n2\n1\n" {
		t.Errorf("%+v, %q", f, s.stdout())
	}
}

// What a command says after its end is dropped, and doesn't hold up the next one.
func TestCommandLate(t *testing.T) {
	c, s := testCommander(t)
	for range 3 {
		if f := c.run([]string{"late"}, s.publish); f != nil {
			t.Fatal(f.Value)
		}
		time.Sleep(20 * time.Millisecond)
	}
	said := s.stdout()
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != said+"4\n" {
		t.Errorf("%+v, %q", f, s.stdout())
	}
}

// Commands run where Go cells do, wherever that was when the worker began.
func TestCommandFolder(t *testing.T) {
	c, s := testCommander(t)
	first, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := first
	c.dir = func() string { return dir }
	for _, dir = range []string{first, "", filepath.Join(first, "none")} {
		f := c.run([]string{"where"}, s.publish)
		if strings.HasSuffix(dir, "none") != (f != nil) {
			t.Errorf("%s: %+v", dir, f)
		}
	}
	if diff := cmp.Diff(first+"\n"+here+"\n", s.stdout()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Displays of one name are one output; what is shown keeps its order.
func TestCommandDisplays(t *testing.T) {
	c, s := testCommander(t)
	if f := c.run([]string{"progress"}, s.publish); f != nil {
		t.Fatal(f.Value)
	}
	if s.kind["display_data"] != 3 || s.kind["update_display_data"] != 49 {
		t.Errorf("%v", s.kind)
	}
	if diff := cmp.Diff([]string{"step 49", "a table", "another one", "done\n"}, s.all[49:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Text in many small pieces makes few messages, and streams keep their order.
func TestCollected(t *testing.T) {
	s := newSaid()
	c := collected{out: s.publish}
	for i := range 3 {
		c.add("stdout", fmt.Sprint(i))
	}
	c.add("stderr", "x")
	c.add("stderr", "")
	c.add("stdout", "y")
	c.flush()
	c.flush()
	if diff := cmp.Diff([]string{"012", "x", "y"}, s.all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An interrupt stops the command, which may end what it is doing; the worker goes on.
func TestCommandInterrupted(t *testing.T) {
	c, s := testCommander(t)
	done := background(t, c, s, "train")
	c.interrupt()
	c.interrupt() // at once is no second one
	f := wait(t, done)
	if f == nil || f.Name != interrupted || f.Value != "idml train was stopped" || s.stdout() != "begun\nstopped\n" {
		t.Errorf("%+v, it says %q", f, s.text)
	}
	if c.interrupt() {
		t.Error("a command that has ended can be interrupted")
	}
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != "begun\nstopped\n2\n" {
		t.Errorf("the next command: %+v, %q", f, s.stdout())
	}
}

// A second interrupt ends a command that doesn't stop, and with it the worker.
func TestCommandInterruptedTwice(t *testing.T) {
	c, s := testCommander(t)
	done := background(t, c, s, "deaf")
	c.interrupt()
	c.mu.Lock()
	c.interrupted = c.interrupted.Add(-impatience)
	c.mu.Unlock()
	c.interrupt()
	if f := wait(t, done); f == nil || f.Name != interrupted || !strings.Contains(f.Value, "was ended") {
		t.Errorf("%+v", f)
	}
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != "begun\n1\n" {
		t.Errorf("the next command: %+v, %q", f, s.stdout())
	}
}

// A command that is to stop soon and doesn't is ended, and with it the worker.
func TestCommandStubborn(t *testing.T) {
	c, s := testCommander(t)
	done := background(t, c, s, "stubborn")
	c.interrupt()
	if f := wait(t, done); f == nil || f.Name != interrupted || !strings.Contains(f.Value, "did not stop within 100ms") {
		t.Errorf("%+v", f)
	}
	if f := c.run([]string{"count"}, s.publish); f != nil || s.stdout() != "begun\n1\n" {
		t.Errorf("the next command: %+v, %q", f, s.stdout())
	}
}

// An interrupt of the cell that comes before the command can be told is handed on when it can.
func TestCommandInterruptedBefore(t *testing.T) {
	c, s := testCommander(t)
	c.unwanted = func() bool { return true }
	if f := c.run([]string{"wait"}, s.publish); f == nil || f.Name != interrupted {
		t.Errorf("%+v", f)
	}
}

// A command that doesn't heed the interrupt is ended when the kernel ends, and none begins any more.
func TestCommandEnd(t *testing.T) {
	c, s := testCommander(t)
	done := background(t, c, s, "deaf")
	c.end(100 * time.Millisecond)
	if f := wait(t, done); f == nil {
		t.Error("no failure")
	}
	if f := c.run([]string{"count"}, s.publish); f == nil || !strings.Contains(f.Value, errClosed.Error()) {
		t.Errorf("a command after the end: %+v", f)
	}
	if _, err := os.Stat(c.folder); !os.IsNotExist(err) {
		t.Errorf("the worker's folder is left: %v", err)
	}
}

// A command that was interrupted when the kernel ends has time to write what it must.
func TestCommandEndAfterInterrupt(t *testing.T) {
	c, s := testCommander(t)
	done := background(t, c, s, "train")
	c.interrupt()
	c.end(patience)
	if f := wait(t, done); f == nil || f.Name != interrupted || s.stdout() != "begun\nstopped\n" {
		t.Errorf("%+v, it says %q", f, s.text)
	}
}

// The worker can be let go of, with all that its commands started.
func TestRelease(t *testing.T) {
	c, s := testCommander(t)
	if c.release() {
		t.Error("there was no worker")
	}
	if f := c.run([]string{"child"}, s.publish); f != nil {
		t.Fatal(f.Value)
	}
	var child int
	if _, err := fmt.Sscan(s.stdout(), &child); err != nil {
		t.Fatal(err)
	}
	first := c.worker
	if !c.release() || !first.hasEnded() {
		t.Error("the worker lives")
	}
	if runtime.GOOS == "linux" {
		for deadline := time.Now().Add(patience); !isDead(child); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("what a command started lives")
			}
		}
	}
	if f := c.run([]string{"count"}, s.publish); f != nil || !strings.HasSuffix(s.stdout(), "\n1\n") {
		t.Errorf("the next command: %+v, %q", f, s.stdout())
	}
}

// isDead tells whether a process is gone, or waits only to be noticed by its parent.
func isDead(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(status), ") Z ")
}

// A worker that can't be started is an error of the command.
func TestNoWorker(t *testing.T) {
	c, s := testCommander(t)
	c.program = []string{"/nowhere/idml"}
	if f := c.run([]string{"count"}, s.publish); f == nil || !strings.Contains(f.Value, "/nowhere/idml") {
		t.Errorf("%+v", f)
	}
}

// syncBuffer is a buffer that goroutines share.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
