// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// playGoNB is GoNB, as far as a kernel needs it: it answers, and executes cells without doing anything, but dies, without an answer, of a cell that holds the
// word die or, where that is its first argument, of an empty one.
func playGoNB(args []string) int {
	c, err := readConnection(args[len(args)-1])
	if err != nil {
		return 1
	}
	s, err := listen(context.Background(), c)
	if err != nil {
		return 1
	}
	for {
		m, err := s.shell.receive(func(error) {})
		if err != nil {
			return 1
		}
		publish := func(kind string, content any) {
			out := newMessage("gonb", kind, m, content)
			out.identities = [][]byte{[]byte(kind)}
			_ = s.iopub.send(out)
		}
		publish("status", map[string]string{"execution_state": "busy"})
		kind, content := "kernel_info_reply", any(map[string]string{"status": "ok"})
		if m.header.Type == "execute_request" {
			code := textOf(m).Code
			if strings.Contains(code, "die") || args[0] == "empty" && strings.TrimSpace(code) == "" {
				return 2
			}
			kind, content = "execute_reply", executeReply{Status: "ok"}
			publish("stream", map[string]string{"name": "stdout", "text": code})
		}
		_ = s.shell.send(newMessage("gonb", kind, m, content))
		publish("status", map[string]string{"execution_state": "idle"})
	}
}

// withGoNB returns a kernel that has started a GoNB of tests.
func withGoNB(t *testing.T, startUp, dies string) (*kernel, *syncBuffer) {
	t.Helper()
	k := alone(t)
	var log syncBuffer
	k.options.Log, k.options.StartUp, k.options.Connection = &log, startUp, "kernel-1.json"
	k.options.GoNB = []string{os.Args[0], "gonb", dies}
	k.ready, k.failure = make(chan struct{}), nil
	k.startGoNB(t.Context()) // whose end closes the sockets
	t.Cleanup(func() {
		if k.gonb != nil {
			k.gonb.stop()
		}
	})
	return k, &log
}

// executeHere executes a cell, and returns why it failed.
func executeHere(t *testing.T, k *kernel, code string) *failure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := executeRequest{Code: code, StoreHistory: true}
	f, _ := k.executeCell(ctx, newMessage("client", "execute_request", message{identities: [][]byte{[]byte("client")}}, r), r)
	return f
}

// GoNB executes the start-up cell, if there is one, before it is ready.
func TestStartGoNB(t *testing.T) {
	for _, startUp := range []string{"", "import \"fmt\"\n"} {
		k, log := withGoNB(t, startUp, "never")
		g, err := k.waitForGoNB(t.Context())
		if err != nil || g.hasEnded() || log.String() != "" {
			t.Errorf("%q: %v, the log holds %q", startUp, err, log)
		}
		if f := executeHere(t, k, "x := 1"); f != nil {
			t.Errorf("%q: a cell: %+v", startUp, f)
		}
	}
}

// If GoNB dies of the start-up cell, the log says so, cells fail with the reason, and the kernel ends.
func TestGoNBDiesOfStartUp(t *testing.T) {
	for _, test := range []struct{ startUp, dies string }{{"die()", "never"}, {" ", "empty"}} {
		k, log := withGoNB(t, test.startUp, test.dies)
		if got := log.String(); !strings.Contains(got, "the start-up cell failed: "+errGoNBEnded.Error()) {
			t.Errorf("%q: the log holds %q", test.startUp, got)
		}
		f := executeHere(t, k, "x := 1")
		if f == nil || f.Name != "GoNB" || f.Value != errGoNBEnded.Error() {
			t.Errorf("%q: a cell: %+v", test.startUp, f)
		}
		expectEnd(t, k)
	}
}

// If GoNB dies while it counts a cell that has only commands, what the cell was for is done: the cell is no failure, and then the kernel ends.
func TestGoNBDiesOfEmptyCell(t *testing.T) {
	k, _ := withGoNB(t, "", "empty")
	f := executeHere(t, k, "%idml count")
	if f != nil || !k.gonb.hasEnded() {
		t.Errorf("%+v; GoNB has ended: %t", f, k.gonb.hasEnded())
	}
	expectEnd(t, k)
}

// expectEnd waits until a kernel whose GoNB has ended ends, as it does behind its next request.
func expectEnd(t *testing.T, k *kernel) {
	t.Helper()
	k.queue <- newMessage("client", "kernel_info_request", message{identities: [][]byte{[]byte("client")}}, struct{}{})
	go k.work(t.Context())
	select {
	case <-k.ended:
	case <-time.After(patience):
		t.Error("the kernel lives without GoNB")
	}
}

// What keeps GoNB from being started is the error of each cell that needs it; a cell of commands alone works.
func TestGoNBNotStarted(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		gonb string
		file bool // where GoNB's folder is to be
		want string
	}{
		{"the kernel is ending", done, os.Args[0], false, context.Canceled.Error()},
		{"no folder", t.Context(), os.Args[0], true, "gonb: file exists"},
		{"no program", t.Context(), "/nowhere/gonb", false, "GoNB could not be started: fork/exec /nowhere/gonb"},
	} {
		k := alone(t)
		k.options.GoNB, k.options.StartUp, k.options.Connection = []string{test.gonb, "gonb", "never"}, "x", "kernel-1.json"
		k.ready, k.failure = make(chan struct{}), nil
		if test.file {
			write(t, filepath.Join(k.folder, "gonb"), "")
		}
		k.startGoNB(test.ctx)
		f := executeHere(t, k, "x := 1")
		if f == nil || f.Name != "GoNB" || !strings.Contains(f.Value, test.want) {
			t.Errorf("%s: a cell: %+v", test.name, f)
		}
		if f := executeHere(t, k, "%idml count"); f != nil {
			t.Errorf("%s: a command: %+v", test.name, f)
		}
		if g := k.child(); g != nil {
			t.Errorf("%s: there is a GoNB", test.name)
		}
	}
}
