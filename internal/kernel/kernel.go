// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options say what [Run] works with.
type Options struct {
	Connection string    // Jupyter's connection file
	GoNB       []string  // GoNB's path and arguments, but the connection file
	Program    []string  // the project's program, which is asked for its help
	Worker     []string  // the same as a worker, which runs the commands of %idml: see [Server]
	StartUp    string    // a cell that GoNB executes first, with nothing shown; it may be empty
	Version    string    // of the project's program, as front-ends show it
	Log        io.Writer // what the kernel and GoNB say of themselves; Jupyter keeps it
	Interrupts <-chan os.Signal
	Attended   bool // the kernel ends with the process that started it
}

// A kernel is a running kernel.
type kernel struct {
	options  Options
	session  string
	sockets  *sockets
	folder   string // of temporary files
	commands commander
	history  history
	comms    comms
	count    int // of cells
	queue    chan message
	backlog  []message // what was taken from the queue and is still to be handled; the worker's
	ended    chan struct{}
	end      func() // closes ended

	ready   chan struct{} // closed when GoNB has executed the start-up cell, or couldn't
	gonb    *gonb         // read it after ready; nil if GoNB couldn't be started
	failure error         // why

	mu      sync.Mutex
	running bool // a cell is being executed
	stopped bool // it was interrupted
}

// mostQueued bounds the requests that wait, so that a client that sends without end doesn't fill the memory.
const mostQueued = 10000

// Run runs the kernel until Jupyter shuts it down, ctx is done, GoNB ends, or, if it is attended, its parent. When it returns, all processes that it started have ended
// and their temporary files are removed. What is sent to o.Interrupts interrupts the cell under way.
func Run(ctx context.Context, o Options) (err error) {
	c, err := readConnection(o.Connection)
	if err != nil {
		return err
	}
	folder, remove, err := newFolder()
	if err != nil {
		return fmt.Errorf("kernel: a folder for temporary files: %w", err)
	}
	defer func() {
		if removeErr := remove(); err == nil {
			err = removeErr
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := listen(context.WithoutCancel(ctx), c)
	if err != nil {
		return err
	}
	defer s.close()
	k := newKernel(o, s, folder)
	defer k.stop(cancel)
	go s.beat()
	go k.startGoNB(ctx)
	go k.read(s.shell, k.onShell)
	go k.read(s.control, k.onControl)
	go k.read(s.stdin, k.onInput)
	go k.work(ctx)
	parent, poll := os.Getppid(), time.NewTicker(time.Second)
	defer poll.Stop()
	for {
		select {
		case <-o.Interrupts:
			k.interrupt()
		case <-poll.C:
			if o.Attended && os.Getppid() != parent {
				return nil
			}
		case <-ctx.Done():
			return nil
		case <-k.ended:
			return nil
		}
	}
}

func newKernel(o Options, s *sockets, folder string) *kernel {
	k := &kernel{
		options: o, session: newID(), sockets: s, folder: folder,
		queue: make(chan message, mostQueued), ready: make(chan struct{}), ended: make(chan struct{}),
	}
	k.end = sync.OnceFunc(func() { close(k.ended) })
	k.commands = commander{program: o.Worker, dir: k.directory, unwanted: k.wasStopped, folder: filepath.Join(folder, "worker"), log: o.Log}
	k.comms.open = map[string]string{}
	return k
}

// startGoNB starts GoNB and executes the start-up cell, while the front-end connects.
func (k *kernel) startGoNB(ctx context.Context) {
	defer close(k.ready)
	k.publish("status", message{}, map[string]string{"execution_state": "starting"})
	if k.failure = ctx.Err(); k.failure != nil {
		return
	}
	dir := filepath.Join(k.folder, "gonb")
	if k.failure = os.Mkdir(dir, 0o700); k.failure != nil {
		return
	}
	g, err := startGoNB(ctx, k.options.GoNB, dir, filepath.Base(k.options.Connection), k.options.Log, gonbRelay{publish: k.relay, prompt: k.prompt, problem: k.logf})
	if err != nil {
		k.failure = fmt.Errorf("GoNB could not be started: %w", err)
		k.logf("%v", k.failure)
		return
	}
	k.gonb = g
	if k.options.StartUp == "" {
		return
	}
	request := newMessage(k.session, "execute_request", message{}, executeRequest{Code: k.options.StartUp, Silent: true})
	start := g.begin(request)
	reply, err := g.finish(ctx, start, 0)
	if err == nil {
		if f, _ := failed(reply, start, false); f != nil {
			err = fmt.Errorf("%s: %s", f.Name, f.Value)
		}
	}
	if err != nil {
		k.logf("the start-up cell failed: %v", err)
	}
}

// stop ends what the kernel started.
func (k *kernel) stop(cancel func()) {
	const patience = 3 * time.Second // Jupyter's is 5
	k.commands.end(patience)
	time.Sleep(20 * time.Millisecond) // ZeroMQ sends the last messages
	cancel()
	<-k.ready
	if k.gonb != nil {
		k.gonb.stop()
	}
}

// read handles messages of a socket until it is closed.
func (k *kernel) read(s *socket, handle func(message)) {
	for {
		m, err := s.receive(func(err error) { k.logf("%v", err) })
		if err != nil {
			k.end()
			return
		}
		handle(m)
	}
}

// onShell queues requests; messages to widgets go on at once, for a running cell may wait for them.
func (k *kernel) onShell(m message) {
	switch m.header.Type {
	case "comm_open", "comm_msg", "comm_close":
		k.comms.observe(m)
		if g := k.child(); g != nil { // there are no widgets before the first cell
			_ = g.forward(m) // where GoNB has ended, the kernel is about to
		}
	case "shutdown_request":
		k.publishStatus("busy", m)
		k.shutDown(k.sockets.shell, m)
	default:
		select {
		case k.queue <- m:
		default:
			k.logf("more than %d requests wait: one is dropped", mostQueued)
		}
	}
}

// onControl answers what must not wait for the cell under way.
func (k *kernel) onControl(m message) {
	k.publishStatus("busy", m)
	switch m.header.Type {
	case "interrupt_request":
		k.interrupt()
		k.reply(k.sockets.control, m, "interrupt_reply", map[string]string{"status": "ok"})
	case "kernel_info_request":
		k.reply(k.sockets.control, m, "kernel_info_reply", k.info())
	case "shutdown_request":
		k.shutDown(k.sockets.control, m)
		return
	}
	k.publishStatus("idle", m)
}

func (k *kernel) shutDown(from *socket, m message) {
	var content struct {
		Restart bool `json:"restart"`
	}
	_ = json.Unmarshal(m.content, &content) // anything else means false
	answer := map[string]any{"status": "ok", "restart": content.Restart}
	k.reply(from, m, "shutdown_reply", answer)
	k.publish("shutdown_reply", m, answer)
	k.publishStatus("idle", m)
	k.end()
}

// onInput hands on what a person typed.
func (k *kernel) onInput(m message) {
	if g := k.child(); g != nil {
		_ = g.answer(m)
	}
}

// prompt asks a person for input, on behalf of the cell under way.
func (k *kernel) prompt(c *call, m message) {
	m.identities, m.parent = c.request.identities, c.request.rawHeader
	k.check(k.sockets.stdin.send(m))
}

// relay publishes what GoNB published, as belonging to the front-end's request. What the start-up cell says is dropped.
func (k *kernel) relay(c *call, m message) {
	if c != nil && len(c.request.identities) == 0 {
		return
	}
	if c != nil {
		m.parent = c.request.rawHeader
	}
	k.comms.observe(m)
	m.identities = [][]byte{[]byte(m.header.Type)}
	k.check(k.sockets.iopub.send(m))
}

// interrupt stops what is under way and what waits behind it.
func (k *kernel) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.running {
		return
	}
	k.stopped = true
	k.commands.interrupt()
}

// directory returns where the commands of %idml run: where Go cells do.
func (k *kernel) directory() string {
	if g := k.child(); g != nil {
		return g.directory()
	}
	return ""
}

// child returns GoNB if it has been started.
func (k *kernel) child() *gonb {
	select {
	case <-k.ready:
		return k.gonb
	default:
		return nil
	}
}

func (k *kernel) publish(kind string, parent message, content any) {
	m := newMessage(k.session, kind, parent, content)
	m.identities = [][]byte{[]byte(kind)}
	k.check(k.sockets.iopub.send(m))
}

func (k *kernel) publishStatus(state string, parent message) {
	k.publish("status", parent, map[string]string{"execution_state": state})
}

func (k *kernel) reply(to *socket, request message, kind string, content any) {
	k.check(to.send(newMessage(k.session, kind, request, content)))
}

func (k *kernel) check(err error) {
	if err != nil {
		k.logf("sending: %v", err)
	}
}

func (k *kernel) logf(format string, a ...any) {
	fmt.Fprintf(k.options.Log, "idml kernel: "+format+"\n", a...)
}
