// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// A commander runs the project's program for %idml, one command at a time, in a worker that the first command starts, and another one when
// that has ended.
type commander struct {
	program  []string      // what starts a worker
	dir      func() string // where commands run; "" is the kernel's directory
	unwanted func() bool   // the cell was interrupted; nil is never
	folder   string        // for the worker's temporary files; it need not be there
	log      io.Writer     // what the worker says beside its commands' output

	mu          sync.Mutex
	worker      *worker // nil before the first command
	id          int     // of the latest command
	command     bool    // it is under way
	interrupted time.Time
	closed      bool // no other command is to begin
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

// show shows an output in place of what the display showed before.
func (d *display) show(o *Output) {
	kind := "update_display_data"
	if d.id == "" {
		d.id, kind = newID(), "display_data"
	}
	metadata := o.Metadata
	if metadata == nil {
		metadata = map[string]any{} // the protocol wants one
	}
	d.out(kind, map[string]any{"data": o.Data, "metadata": metadata, "transient": map[string]string{"display_id": d.id}})
}

// run runs a command and shows what it says, as it says it.
func (c *commander) run(args []string, out outlet) *failure {
	name := "idml"
	if len(args) > 0 {
		name += " " + args[0]
	}
	w, command, err := c.begin(args)
	if err != nil {
		return newFailure(name, err.Error())
	}
	if c.unwanted != nil && c.unwanted() {
		c.interruptOnce() // the interrupt came before there was a command to send it to
	}
	end := c.show(w, command, out)
	w.finish(command)
	stopped := c.done()
	if end == nil || end.Last {
		<-w.ended // so that the next command starts another one
	}
	switch {
	case end != nil && end.Status == 0:
		return nil
	case stopped && end == nil:
		return newFailure(interrupted, name+" was ended, and with it what the program kept in memory")
	case stopped && end.Last:
		return newFailure(interrupted, name+" was stopped: "+end.Error)
	case stopped:
		return newFailure(interrupted, name+" was stopped")
	case end == nil:
		return newFailure(name, w.reason())
	}
	f := newFailure(name, end.Error)
	if end.Stack != "" {
		f.Traceback = append(f.Traceback, strings.Split(end.Stack, "\n")...)
	}
	return f
}

// errClosed says that a command is too late.
var errClosed = errors.New("not begun: the kernel is ending")

// begin begins a command in the worker, which it starts if there is none.
func (c *commander) begin(args []string) (*worker, *running, error) {
	dir := c.dir()
	if dir == "" {
		dir = "." // which is the worker's until it is told another one, and so the kernel's
		if here, err := os.Getwd(); err == nil {
			dir = here
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errClosed
	}
	if c.worker != nil && c.worker.hasEnded() {
		c.worker.stop() // what it left behind
		c.worker = nil
	}
	if c.worker == nil {
		w, err := startWorker(c.program, c.folder, c.log)
		if err != nil {
			return nil, nil, err
		}
		c.worker = w
	}
	c.id++
	c.command, c.interrupted = true, time.Time{}
	return c.worker, c.worker.begin(request{ID: c.id, Args: args, Dir: dir}), nil
}

// done notes that no command is under way, and tells whether the last one was interrupted.
func (c *commander) done() (stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.command = false
	return !c.interrupted.IsZero()
}

// flushInterval is the time for which text is collected: front-ends drown in many small messages.
const flushInterval = 150 * time.Millisecond

// show shows what a command says until it ends. It returns nil if the worker ended before.
func (c *commander) show(w *worker, command *running, out outlet) *ending {
	displays := map[string]*display{}
	text := collected{out: out}
	defer text.flush()
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			text.flush()
		case <-w.ended:
			return nil
		case f := <-command.frames:
			text.add("stdout", f.Stdout)
			text.add("stderr", f.Stderr)
			if f.Display != nil {
				text.flush()
				d := displays[f.Display.Name]
				if d == nil || f.Display.Name == "" {
					d = &display{out: out}
					displays[f.Display.Name] = d
				}
				d.show(f.Display)
			}
			if f.End != nil {
				return f.End
			}
		}
	}
}

// A collected text of one stream becomes one message.
type collected struct {
	out  outlet
	name string
	text strings.Builder
}

func (c *collected) add(name, text string) {
	if text == "" {
		return
	}
	if name != c.name {
		c.flush()
	}
	c.name = name
	c.text.WriteString(text)
}

func (c *collected) flush() {
	if c.text.Len() > 0 {
		c.out.stream(c.name, c.text.String())
		c.text.Reset()
	}
}

// impatience is the time after which a second interrupt is one, and no double click.
const impatience = time.Second

// interrupt tells the command under way to stop, and ends the worker if it was told so before. It tells whether there is a command.
func (c *commander) interrupt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.command {
		return false
	}
	switch {
	case c.interrupted.IsZero():
		c.interrupted = time.Now()
		c.worker.interrupt(c.id)
	case time.Since(c.interrupted) >= impatience:
		c.worker.kill()
	}
	return true
}

// interruptOnce tells the command under way to stop unless it was told before.
func (c *commander) interruptOnce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.command && c.interrupted.IsZero() {
		c.interrupted = time.Now()
		c.worker.interrupt(c.id)
	}
}

// release ends the worker between two commands, and tells whether there was one.
func (c *commander) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.worker == nil {
		return false
	}
	living := !c.worker.hasEnded()
	c.worker.stop()
	c.worker = nil
	return living
}

// end ends the command under way and the worker, and lets none begin any more: by an interrupt, after which training writes a checkpoint, and after
// patience for good. Jupyter interrupts a kernel before it shuts it down; then the command has its interrupt already.
func (c *commander) end(patience time.Duration) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.interruptOnce()
	for deadline := time.Now().Add(patience); c.isRunning() && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.worker == nil {
		return
	}
	if c.command {
		c.worker.kill()
	}
	c.worker.stop()
}

func (c *commander) isRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.command
}
