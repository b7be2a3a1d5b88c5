// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/go-zeromq/zmq4"
)

// A connection is the content of a connection file: where the sockets of a kernel are, and the key of its messages.
type connection struct {
	IP              string `json:"ip"`
	Transport       string `json:"transport"`
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HeartbeatPort   int    `json:"hb_port"`
	SignatureScheme string `json:"signature_scheme"`
	Key             string `json:"key"`
}

// readConnection reads a connection file, as Jupyter writes it.
func readConnection(name string) (connection, error) {
	var c connection
	data, err := os.ReadFile(name)
	if err != nil {
		return c, fmt.Errorf("kernel: the connection file: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("kernel: the connection file %s: %w", name, err)
	}
	switch {
	case c.Transport != "tcp" && c.Transport != "ipc":
		return c, fmt.Errorf("kernel: the connection file %s: transport is %q, but tcp and ipc are known", name, c.Transport)
	case c.Key != "" && c.SignatureScheme != "hmac-sha256":
		return c, fmt.Errorf("kernel: the connection file %s: signature_scheme is %q, but hmac-sha256 is known", name, c.SignatureScheme)
	}
	return c, nil
}

// address returns ZeroMQ's name of a port.
func (c connection) address(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("ipc://%s-%d", c.IP, port)
	}
	return fmt.Sprintf("tcp://%s:%d", c.IP, port)
}

// A socket sends and receives messages that are signed. Any number of goroutines may send.
type socket struct {
	zmq zmq4.Socket
	key key
	mu  sync.Mutex
}

func (s *socket) send(m message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zmq.SendMulti(zmq4.NewMsgFrom(s.key.frames(m)...))
}

// receive returns the next message that is one. The error is the socket's: it is closed.
func (s *socket) receive(bad func(error)) (message, error) {
	for {
		raw, err := s.zmq.Recv()
		if err != nil {
			return message{}, err
		}
		m, err := s.key.parse(raw.Frames)
		if err == nil {
			return m, nil
		}
		bad(err)
	}
}

// sockets are the kernel's, as Jupyter sees them.
type sockets struct {
	shell, control, stdin, iopub *socket
	heartbeat                    zmq4.Socket
}

// listen opens a kernel's sockets.
func listen(ctx context.Context, c connection) (*sockets, error) {
	signed := func(zmq zmq4.Socket) *socket { return &socket{zmq: zmq, key: key(c.Key)} }
	s := &sockets{
		shell:     signed(zmq4.NewRouter(ctx)),
		control:   signed(zmq4.NewRouter(ctx)),
		stdin:     signed(zmq4.NewRouter(ctx)),
		iopub:     signed(zmq4.NewPub(ctx)),
		heartbeat: zmq4.NewRep(ctx),
	}
	for _, l := range []struct {
		zmq  zmq4.Socket
		port int
	}{
		{s.shell.zmq, c.ShellPort},
		{s.control.zmq, c.ControlPort},
		{s.stdin.zmq, c.StdinPort},
		{s.iopub.zmq, c.IOPubPort},
		{s.heartbeat, c.HeartbeatPort},
	} {
		if err := l.zmq.Listen(c.address(l.port)); err != nil {
			s.close()
			return nil, fmt.Errorf("kernel: listening on %s: %w", c.address(l.port), err)
		}
	}
	return s, nil
}

func (s *sockets) close() {
	for _, zmq := range []zmq4.Socket{s.shell.zmq, s.control.zmq, s.stdin.zmq, s.iopub.zmq, s.heartbeat} {
		_ = zmq.Close() // the process is about to end
	}
}

// beat answers the heartbeat until the socket is closed.
func (s *sockets) beat() {
	for {
		m, err := s.heartbeat.Recv()
		if err != nil {
			return
		}
		_ = s.heartbeat.Send(m) // who doesn't listen any more needs no answer
	}
}
