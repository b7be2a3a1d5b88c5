// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// A worker is the project's program as a child process that runs commands, one after the other, and keeps in its memory what the next one may
// need. What it writes on its standard output and error is no command's: it goes to the kernel's log.
type worker struct {
	cmd   *exec.Cmd
	dir   string // of temporary files
	says  *witness
	ended chan struct{} // closed when the process has ended

	mu       sync.Mutex
	stdin    io.WriteCloser
	requests *json.Encoder // into stdin
	command  *running      // nil if none runs
}

// A running command takes the frames that have its number.
type running struct {
	id     int
	frames chan frame
	done   chan struct{} // closed when nobody waits for frames any more
}

// startWorker starts a worker whose temporary files lie in dir, which is its alone.
func startWorker(command []string, dir string, log io.Writer) (*worker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	w := &worker{dir: dir, ended: make(chan struct{}), says: &witness{log: log}}
	w.cmd = exec.Command(command[0], command[1:]...)
	w.cmd.Stdout, w.cmd.Stderr = w.says, w.says
	w.cmd.ExtraFiles = []*os.File{theirs} // framesFile
	w.cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	w.cmd.SysProcAttr = childAttributes()
	w.cmd.WaitDelay = time.Second // a child of a command may live on and hold the log open
	w.stdin, err = w.cmd.StdinPipe()
	if err == nil {
		w.requests = json.NewEncoder(w.stdin)
		err = w.cmd.Start()
	}
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	go w.watch(ours)
	return w, nil
}

// watch hands on frames until the process has ended.
func (w *worker) watch(frames *os.File) {
	decoder := json.NewDecoder(frames)
	for {
		var f frame
		if decoder.Decode(&f) != nil { // nobody holds the other end any more
			break
		}
		w.mu.Lock()
		c := w.command
		w.mu.Unlock()
		if c == nil || c.id != f.ID {
			continue // something that a command left behind
		}
		select {
		case c.frames <- f:
		case <-c.done:
		}
	}
	_ = frames.Close()
	_ = w.cmd.Wait() // the state says how it ended
	close(w.ended)
}

// begin asks the worker to run a command.
func (w *worker) begin(r request) *running {
	c := &running{id: r.ID, frames: make(chan frame), done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.command = c
	_ = w.requests.Encode(r) // fails if the process has ended, which is told by ended
	return c
}

// finish lets go of a command.
func (w *worker) finish(c *running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.command = nil
	close(c.done)
}

// interrupt tells a command to stop.
func (w *worker) interrupt(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.requests.Encode(request{ID: id, Stop: true}) // as in begin
}

func (w *worker) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// stop ends the worker and all that its commands started. It returns when they have ended.
func (w *worker) stop() {
	const patience = time.Second
	_ = w.stdin.Close()
	select {
	case <-w.ended:
	case <-time.After(patience):
	}
	w.kill()
	<-w.ended
	_ = os.RemoveAll(w.dir)
}

// kill ends the worker at once, and what its commands started.
func (w *worker) kill() {
	killGroup(w.cmd.Process.Pid)
	killStrays(w.dir)
}

// reason returns how the process ended, with what it said last. Call it after ended.
func (w *worker) reason() string {
	text := "the program ended: " + w.cmd.ProcessState.String()
	if last := w.says.last(); last != "" {
		text += ": " + last
	}
	return text
}

// A witness keeps in mind what a process says last, and hands all of it on to a log.
type witness struct {
	log io.Writer

	mu   sync.Mutex
	said watch
}

func (w *witness) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said.observe(string(p))
	_, _ = w.log.Write(p) // what can't be logged is no fault of the process
	return len(p), nil
}

// last returns the line that told of a panic, or else the last line that isn't blank.
func (w *witness) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said.panicAt != "" {
		return w.said.panicAt
	}
	return lastLine(w.said.tail)
}
