// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// alone returns a kernel without GoNB, which couldn't be started, and with a front-end that doesn't listen, whose program is a shell script.
func alone(t *testing.T, script string) *kernel {
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
	k := newKernel(Options{Log: io.Discard, Program: []string{"sh", "-c", script, "idml"}}, s, dir)
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
		if _, err := os.Stat(filepath.Join(k.folder, "begun")); err == nil {
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
	k := alone(t, "")
	k.commands.program[2] = `[ "$1" = wait ] || exit 0; trap 'exit 0' INT; : >` + filepath.Join(k.folder, "begun") + `; while :; do sleep 0.02; done`
	for _, test := range []struct {
		name        string
		request     executeRequest
		interrupted bool
		abort       bool
	}{
		{"ends well", executeRequest{Code: "%idml wait", StopOnError: true}, true, true},
		{"the next one", executeRequest{Code: "%idml go", StopOnError: true}, false, false},
		{"errors don't stop", executeRequest{Code: "%idml wait\n%idml go"}, true, true},
		{"an error", executeRequest{Code: "x()", StopOnError: true}, false, true},
		{"an error doesn't stop", executeRequest{Code: "x()"}, false, false},
	} {
		_ = os.Remove(filepath.Join(k.folder, "begun"))
		test.request.StoreHistory = true
		if abort := executeCode(t, k, test.request, test.interrupted); abort != test.abort {
			t.Errorf("%s: abort is %t", test.name, abort)
		}
	}
}

// What follows an interrupted command isn't begun.
func TestExecuteCellInterrupted(t *testing.T) {
	k := alone(t, "")
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
