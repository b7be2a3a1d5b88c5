// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"
)

// A gonb is a GoNB that runs as a child process, with a kernel as its only client.
type gonb struct {
	cmd          *exec.Cmd
	dir          string // of temporary files
	key          key
	shell, stdin *socket
	iopub        *socket
	relay        gonbRelay
	ended        chan struct{} // closed when the process has ended

	mu    sync.Mutex
	calls map[string]*call // by the request's identifier
}

// gonbRelay takes what GoNB says outside of replies.
type gonbRelay struct {
	publish func(c *call, m message)      // on iopub; c is the request that it belongs to, or nil
	prompt  func(c *call, m message)      // on stdin
	problem func(format string, a ...any) // for the kernel's log
}

// A call is a request that GoNB is working on.
type call struct {
	request message
	reply   chan message
	idle    chan struct{} // closed when GoNB has published all of the request's output
	output  watch         // of what its program writes on the standard error; read it after idle
}

// errGoNBEnded says that there is no GoNB any more.
var errGoNBEnded = errors.New("GoNB has ended; restart the kernel")

// startGoNB starts GoNB with its files in dir, which is GoNB's alone, and waits until it answers. Its connection file is given a name:
// from that GoNB takes the kernel's identifier, by which widgets find Jupyter's server.
func startGoNB(ctx context.Context, command []string, dir, name string, log io.Writer, relay gonbRelay) (*gonb, error) {
	secret := newID()
	c := connection{
		Transport: "ipc", IP: filepath.Join(dir, "socket"), SignatureScheme: "hmac-sha256", Key: secret,
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5,
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, mustJSON(c), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], "--kernel", file)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = time.Second // its children may hold the log open
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g := &gonb{cmd: cmd, dir: dir, key: key(secret), relay: relay, ended: make(chan struct{}), calls: map[string]*call{}}
	go func() {
		_ = cmd.Wait()
		close(g.ended)
	}()
	if err := g.connect(ctx, c); err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

// connect opens the sockets and waits until GoNB's output is heard, for ZeroMQ drops what is published before.
func (g *gonb) connect(ctx context.Context, c connection) error {
	dialing, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-g.ended:
		case <-ctx.Done():
		}
		cancel() // ends dialing and closes the sockets
	}()
	id := zmq4.WithID(zmq4.SocketIdentity(newID())) // one for all, so that GoNB asks for input where the request came from
	options := []zmq4.Option{id, zmq4.WithDialerRetry(10 * time.Millisecond), zmq4.WithDialerMaxRetries(-1)}
	signed := func(zmq zmq4.Socket) *socket { return &socket{zmq: zmq, key: g.key} }
	g.shell, g.stdin = signed(zmq4.NewDealer(dialing, options...)), signed(zmq4.NewDealer(dialing, options...))
	g.iopub = signed(zmq4.NewSub(dialing, options...))
	for _, s := range []struct {
		socket *socket
		port   int
	}{{g.shell, c.ShellPort}, {g.stdin, c.StdinPort}, {g.iopub, c.IOPubPort}} {
		if err := s.socket.zmq.Dial(c.address(s.port)); err != nil {
			return fmt.Errorf("kernel: GoNB doesn't listen: %w", err)
		}
	}
	if err := g.iopub.zmq.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		return err
	}
	go g.readShell()
	go g.readIOPub()
	go g.readStdin()
	for {
		trial := g.begin(newMessage(newID(), "kernel_info_request", message{}, struct{}{}))
		_, err := g.finish(ctx, trial, 200*time.Millisecond)
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// begin registers a request and returns the call.
func (g *gonb) begin(request message) *call {
	c := &call{request: request, reply: make(chan message, 1), idle: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[request.header.ID] = c
	return c
}

// finish sends a call's request, and waits for the reply and the end of its output, for at most patience if that isn't 0.
func (g *gonb) finish(ctx context.Context, c *call, patience time.Duration) (message, error) {
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.calls, c.request.header.ID)
	}()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	if err := g.forward(c.request); err != nil {
		return message{}, errGoNBEnded
	}
	var reply message
	if err := receive(ctx, g.ended, c.reply, &reply); err != nil {
		return message{}, err
	}
	if err := receive(ctx, g.ended, c.idle, nil); err != nil {
		return message{}, err
	}
	return reply, nil
}

// receive waits for a value or a channel's end.
func receive[T any](ctx context.Context, ended <-chan struct{}, from <-chan T, to *T) error {
	select {
	case v := <-from:
		if to != nil {
			*to = v
		}
		return nil
	case <-ended:
		return errGoNBEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forward sends a message on the shell channel without waiting for anything.
func (g *gonb) forward(m message) error {
	m.identities = nil
	return g.shell.send(m)
}

// answer hands a person's input on.
func (g *gonb) answer(m message) error {
	m.identities = nil
	return g.stdin.send(m)
}

func (g *gonb) callOf(m message) *call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[m.parentID()]
}

func (g *gonb) bad(err error) { g.relay.problem("from GoNB: %v", err) }

func (g *gonb) readShell() {
	for {
		m, err := g.shell.receive(g.bad)
		if err != nil {
			return
		}
		if c := g.callOf(m); c != nil {
			select {
			case c.reply <- m:
			default: // a second reply has nobody who waits for it
			}
		}
	}
}

func (g *gonb) readStdin() {
	for {
		m, err := g.stdin.receive(g.bad)
		if err != nil {
			return
		}
		if c := g.callOf(m); c != nil {
			g.relay.prompt(c, m)
		}
	}
}

func (g *gonb) readIOPub() {
	for {
		m, err := g.iopub.receive(g.bad)
		if err != nil {
			return
		}
		g.published(g.callOf(m), m)
	}
}

// published handles one message on iopub. The kernel itself tells what it executes and when it is busy.
func (g *gonb) published(c *call, m message) {
	switch m.header.Type {
	case "status":
		var content struct {
			State string `json:"execution_state"`
		}
		if _ = json.Unmarshal(m.content, &content); c != nil && content.State == "idle" {
			select {
			case <-c.idle:
			default:
				close(c.idle)
			}
		}
		return
	case "execute_input":
		return
	case "stream":
		var content struct{ Name, Text string }
		if _ = json.Unmarshal(m.content, &content); c != nil && content.Name == "stderr" {
			c.output.observe(content.Text)
		}
	}
	g.relay.publish(c, m)
}

// interrupt stops the program of the running cell, or does nothing.
func (g *gonb) interrupt() { _ = g.cmd.Process.Signal(os.Interrupt) }

func (g *gonb) hasEnded() bool {
	select {
	case <-g.ended:
		return true
	default:
		return false
	}
}

// stop ends GoNB, which ends its children, and all of them if they don't. It returns when they have ended.
func (g *gonb) stop() {
	const patience = 2 * time.Second
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.ended:
	case <-time.After(patience):
	}
	killGroup(g.cmd.Process.Pid)
	<-g.ended
	killStrays(g.dir)
}

// directory returns where GoNB's cells run: %cd changes it. Where it can't be found out it is the kernel's own.
func (g *gonb) directory() string {
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", g.cmd.Process.Pid))
	if err != nil || strings.HasSuffix(dir, " (deleted)") {
		return ""
	}
	return dir
}
