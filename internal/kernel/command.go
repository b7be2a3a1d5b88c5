// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A commander runs the project's program for %idml, one command at a time.
type commander struct {
	program  []string      // what starts it, before its arguments
	dir      func() string // where it runs; "" is the kernel's directory
	unwanted func() bool   // the cell was interrupted; nil is never

	mu      sync.Mutex
	process *os.Process // of the command under way, or nil
	stopped bool        // it was interrupted
	closed  bool        // no other command is to begin
}

// An outlet is where the output of a cell goes.
type outlet func(kind string, content any)

func (o outlet) stream(name, text string) {
	o("stream", map[string]string{"name": name, "text": text})
}

// A display is an output that can be replaced.
type display struct {
	out outlet
	id  string
}

// show shows data of several types, in place of what the display showed before.
func (d *display) show(data map[string]string) {
	kind := "update_display_data"
	if d.id == "" {
		d.id, kind = newID(), "display_data"
	}
	d.out(kind, map[string]any{"data": data, "metadata": struct{}{}, "transient": map[string]string{"display_id": d.id}})
}

// run runs the program with arguments and shows what it says: its results, what it warns of, and its progress as one line that
// changes.
func (c *commander) run(args []string, out outlet) *failure {
	name := "idml"
	if len(args) > 0 {
		name += " " + args[0]
	}
	cmd := exec.Command(c.program[0], append(c.program[1:len(c.program):len(c.program)], args...)...)
	cmd.Dir = c.dir()
	cmd.SysProcAttr = childAttributes()
	cmd.Env = append(os.Environ(), "TERM=ansi") // progress is not shown on a dumb terminal
	cmd.WaitDelay = time.Second

	line := display{out: out}
	progress := func(text string) { line.show(map[string]string{"text/plain": text}) }
	results := &screen{progress: progress, lines: func(text string) { out.stream("stdout", text) }}
	says := &screen{progress: progress, lines: func(text string) { out.stream("stderr", text) }}
	cmd.Stdout = results
	finish, err := c.start(cmd, says)
	if err != nil {
		return newFailure(name, err.Error())
	}
	if c.unwanted != nil && c.unwanted() {
		c.interruptOnce() // the interrupt came before there was a command to send it to
	}
	stop := flushing(results, says)
	if err = finish(); errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // a child of the program lives on and holds its output open
	}
	stop()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = nil
	switch {
	case err == nil:
		if len(args) > 0 && args[0] == "report" {
			showReport(out, cmd.Dir, results.lastLine())
		}
		return nil
	case c.stopped:
		return newFailure(interrupted, name+" was stopped")
	}
	return newFailure(name, reason(err, says.lastLine()))
}

// reason returns why a command failed: what it said last, or how it ended.
func reason(err error, said string) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() && said != "" {
		return strings.TrimPrefix(said, "idml: ")
	}
	return "the program ended: " + err.Error()
}

// start starts a command whose standard error is a terminal, where there are terminals. The returned function waits for its end.
func (c *commander) start(cmd *exec.Cmd, says io.Writer) (finish func() error, err error) {
	ours, theirs, err := openTerminal()
	if err != nil {
		cmd.Stderr = says
		return cmd.Wait, c.begin(cmd)
	}
	cmd.Stderr = theirs
	err = c.begin(cmd)
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(says, ours) // ends with an error when nobody holds the other end
	}()
	return func() error {
		err := cmd.Wait()
		select {
		case <-copied:
		case <-time.After(cmd.WaitDelay): // a child of the program lives on
		}
		_ = ours.Close()
		<-copied
		return err
	}, nil
}

// errClosed says that a command is too late.
var errClosed = errors.New("not begun: the kernel is ending")

func (c *commander) begin(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.process, c.stopped = cmd.Process, false
	return nil
}

// signal sends a signal to the command under way, and tells whether there is one.
func (c *commander) signal(s syscall.Signal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return false
	}
	c.stopped = true
	_ = c.process.Signal(s)
	return true
}

// interruptOnce interrupts the command under way unless it was interrupted before: a second interrupt would end it at once.
func (c *commander) interruptOnce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil && !c.stopped {
		c.stopped = true
		_ = c.process.Signal(syscall.SIGINT)
	}
}

// end ends the command under way, and lets none begin any more: by an interrupt, after which training writes a checkpoint, and after
// patience for good. Jupyter interrupts a kernel before it shuts it down; then the command has its interrupt already.
func (c *commander) end(patience time.Duration) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.interruptOnce()
	for deadline := time.Now().Add(patience); c.isRunning(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.mu.Lock()
			if c.process != nil {
				killGroup(c.process.Pid)
			}
			c.mu.Unlock()
			return
		}
	}
}

func (c *commander) isRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process != nil
}

// showReport shows a report within the notebook, and a link to it, if it lies where the notebook's server can find it.
func showReport(out outlet, dir, path string) {
	if dir == "" {
		dir, _ = os.Getwd()
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	relative, err := filepath.Rel(dir, path)
	if _, missing := os.Stat(path); err != nil || missing != nil || !filepath.IsLocal(relative) || filepath.Ext(path) != ".html" {
		return
	}
	link := html.EscapeString(filepath.ToSlash(relative))
	(&display{out: out}).show(map[string]string{
		"text/plain": path,
		"text/html":  fmt.Sprintf(`<a href="%s" target="_blank">%s</a><br><iframe src="%s" width="100%%" height="600" style="border:1px solid #ccc"></iframe>`, link, link, link),
	})
}
