// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be a worker, where it is called as "worker", or play GoNB: see gonb_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(serveTests())
	}
	if len(os.Args) > 1 && os.Args[1] == "gonb" {
		os.Exit(playGoNB(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// serveTests is a worker with the commands of testCommand.
func serveTests() int {
	frames, err := Frames()
	if err != nil {
		return 1
	}
	count := 0
	s := Server{
		Run: func(ctx context.Context, w Work) Outcome {
			count++
			return testCommand(ctx, count, w)
		},
		Patience: func(args []string) time.Duration {
			if args[0] == "stubborn" {
				return 100 * time.Millisecond
			}
			return 0
		},
	}
	if s.Serve(context.Background(), os.Stdin, frames) != nil {
		return 1
	}
	return 0
}

// testCommand is a command of the worker of tests; count is how many it has begun.
func testCommand(ctx context.Context, count int, w Work) Outcome {
	switch w.Args[0] {
	case "say": // OUT ERR
		fmt.Fprintln(w.Stdout, w.Args[1])
		fmt.Fprintln(w.Stderr, w.Args[2])
	case "count":
		fmt.Fprintln(w.Stdout, count)
	case "where":
		dir, _ := os.Getwd()
		fmt.Fprintln(w.Stdout, dir)
	case "fail":
		return Outcome{Status: 1, Error: "no such run", Stack: "there\nhere"}
	case "noise": // of a library
		fmt.Println("XLA says hello")
		fmt.Fprintln(os.Stderr, "and more")
	case "exit":
		fmt.Fprintln(os.Stderr, "a check failed")
		os.Exit(3)
	case "segfault":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(time.Hour)
	case "abort":
		fmt.Fprintln(os.Stderr, "a check failed")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	case "panic":
		panic("ouch")
	case "progress":
		for i := range 50 {
			w.Display(Output{Name: "progress", Data: map[string]string{"text/plain": fmt.Sprint("step ", i)}})
		}
		w.Display(Output{Data: map[string]string{"text/plain": "a table"}})
		w.Display(Output{Data: map[string]string{"text/plain": "another one"}})
		fmt.Fprintln(w.Stdout, "done")
	case "child": // that outlives the command
		child := exec.Command("sleep", "600")
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := child.Start(); err != nil {
			return Outcome{Status: 1, Error: err.Error()}
		}
		fmt.Fprintln(w.Stdout, child.Process.Pid)
	case "late": // says something when it has ended
		go func() {
			for range 100 {
				time.Sleep(time.Millisecond)
				fmt.Fprintln(w.Stdout, "late")
			}
		}()
	default:
		return testWait(ctx, w)
	}
	return Outcome{}
}

// testWait is a command that ends when it is interrupted: at once, well, or not.
func testWait(ctx context.Context, w Work) Outcome {
	fmt.Fprintln(w.Stdout, "begun")
	<-ctx.Done()
	switch w.Args[0] {
	case "train": // takes its time
		time.Sleep(300 * time.Millisecond)
		fmt.Fprintln(w.Stdout, "stopped")
	case "well":
		return Outcome{}
	case "deaf", "stubborn":
		time.Sleep(time.Hour)
	}
	return Outcome{Status: 130, Error: "interrupted"}
}

// testCommander returns a commander with a worker of tests, which is ended with the test.
func testCommander(t *testing.T) (*commander, *said) {
	t.Helper()
	c := &commander{program: []string{os.Args[0], "worker"}, dir: func() string { return "" }, folder: filepath.Join(t.TempDir(), "worker"), log: io.Discard}
	t.Cleanup(func() { c.end(0) })
	return c, newSaid()
}

// said collects what a command publishes.
type said struct {
	mu   sync.Mutex
	text map[string]string // streams by name
	kind map[string]int
	show []string // texts of displays
	all  []string // all texts in their order
}

func newSaid() *said { return &said{text: map[string]string{}, kind: map[string]int{}} }

func (s *said) publish(kind string, content any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind[kind]++
	switch c := content.(type) {
	case map[string]string:
		s.text[c["name"]] += c["text"]
		s.all = append(s.all, c["text"])
	case map[string]any:
		text := c["data"].(map[string]string)["text/plain"]
		s.show = append(s.show, text)
		s.all = append(s.all, text)
	}
}

func (s *said) stdout() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text["stdout"]
}

// background starts a command and waits until it has printed that it has begun.
func background(t *testing.T, c *commander, s *said, name string) <-chan *failure {
	t.Helper()
	done := make(chan *failure, 1)
	go func() { done <- c.run([]string{name}, s.publish) }()
	for deadline := time.Now().Add(patience); !strings.Contains(s.stdout(), "begun\n"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the command prints %q", s.stdout())
		}
	}
	return done
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

// text is a failure on one line, "" for none.
func (f *failure) text() string {
	if f == nil {
		return ""
	}
	return f.Name + ": " + f.Value
}
