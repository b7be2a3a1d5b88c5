// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/google/go-cmp/cmp"
)

// alone returns a kernel without GoNB, which couldn't be started, and with a front-end that doesn't listen, and with a worker of tests.
func alone(t *testing.T) *kernel {
	t.Helper()
	dir, err := os.MkdirTemp("", "k") // a short path, as sockets need
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := connection{
		Transport: "ipc", IP: filepath.Join(dir, "s"), Key: "key",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HeartbeatPort: 5,
	}
	s, err := listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	client := zmq4.NewDealer(t.Context(), zmq4.WithID(zmq4.SocketIdentity("client")))
	if err := client.Dial(c.address(c.ShellPort)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	k := newKernel(Options{Log: io.Discard, Worker: []string{os.Args[0], "worker"}}, s, dir)
	k.failure = errors.New("no GoNB")
	close(k.ready)
	t.Cleanup(func() { k.commands.end(0) })
	return k
}

// executeCode executes a cell while another goroutine interrupts it, if it is to be, when its command runs.
func executeCode(t *testing.T, k *kernel, request executeRequest, interrupt bool) (abort bool) {
	t.Helper()
	done := make(chan bool, 1)
	content, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- k.execute(t.Context(), message{identities: [][]byte{[]byte("client")}, content: content})
	}()
	for deadline := time.Now().Add(patience); interrupt && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if k.commands.isRunning() {
			k.interrupt()
			interrupt = false
		}
	}
	select {
	case abort := <-done:
		return abort
	case <-time.After(patience):
		t.Fatal("the cell is being executed")
	}
	return false
}

// An interrupt stops "Run All" whatever becomes of the cell under way, and is forgotten with the next cell.
func TestExecuteInterrupted(t *testing.T) {
	k := alone(t)
	for _, test := range []struct {
		name        string
		request     executeRequest
		interrupted bool
		abort       bool
	}{
		{"ends well", executeRequest{Code: "%idml well", StopOnError: true}, true, true},
		{"the next one", executeRequest{Code: "%idml count", StopOnError: true}, false, false},
		{"errors don't stop", executeRequest{Code: "%idml well\n%idml count"}, true, true},
		{"an error", executeRequest{Code: "x()", StopOnError: true}, false, true},
		{"an error doesn't stop", executeRequest{Code: "x()"}, false, false},
	} {
		test.request.StoreHistory = true
		if abort := executeCode(t, k, test.request, test.interrupted); abort != test.abort {
			t.Errorf("%s: abort is %t", test.name, abort)
		}
	}
}

// What follows an interrupted command isn't begun.
func TestExecuteCellInterrupted(t *testing.T) {
	k := alone(t)
	for code, want := range map[string]string{
		"%idml go": "idml go was not begun",
		"x()":      "the cell's Go was not begun",
		" ":        "",
	} {
		k.stopped = true
		got := ""
		if f, _ := k.executeCell(t.Context(), message{}, executeRequest{Code: code, StoreHistory: true}); f != nil {
			got = f.Value
		}
		if got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}

// Of the commands of "idml kernel", one makes sense in a cell: it lets go of the worker.
func TestExecuteKernelCommands(t *testing.T) {
	k := alone(t)
	for _, test := range []struct{ code, want string }{
		{"%idml kernel release", ""},
		{"%idml count\n%idml kernel release\n%idml count", ""},
		{"%idml kernel", "a kernel doesn't run within a kernel"},
		{"%idml kernel run", "a kernel doesn't run within a kernel"},
		{"%idml kernel worker", "a kernel doesn't run within a kernel"},
	} {
		f, _ := k.executeCell(t.Context(), message{}, executeRequest{Code: test.code, StoreHistory: true})
		if (test.want == "") != (f == nil) || f != nil && !strings.Contains(f.Value, test.want) {
			t.Errorf("%q: %+v", test.code, f)
		}
	}
	s := newSaid()
	k.release(s.publish)
	k.release(s.publish)
	if diff := cmp.Diff("released: the next command opens the backend and loads the model anew\nnothing was kept\n", s.text["stdout"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
