// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// executeRequest is the content of a request to execute a cell.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// executeReply is the content of the reply.
type executeReply struct {
	Status          string            `json:"status"`
	ExecutionCount  int               `json:"execution_count"`
	UserExpressions map[string]string `json:"user_expressions"`
	Payload         []any             `json:"payload"`
	*failure
}

func (k *kernel) executed(status string, f *failure) executeReply {
	return executeReply{status, k.count, map[string]string{}, []any{}, f}
}

// work handles the queued requests, one after the other.
func (k *kernel) work(ctx context.Context) {
	for ctx.Err() == nil {
		var m message
		if len(k.backlog) > 0 {
			m, k.backlog = k.backlog[0], k.backlog[1:]
		} else {
			select {
			case m = <-k.queue:
			case <-ctx.Done():
				return
			}
		}
		k.publishStatus("busy", m)
		abort := false
		if m.header.Type == "execute_request" {
			abort = k.execute(ctx, m)
		} else {
			k.respond(ctx, m)
		}
		k.publishStatus("idle", m)
		if abort {
			k.abortQueued()
		}
		if g := k.child(); g != nil && g.hasEnded() {
			k.logf("%v", errGoNBEnded)
			k.end() // Jupyter sees that the kernel is gone and starts another one
			return
		}
	}
}

// execute executes a cell, and tells whether the cells behind it are not to be executed, since it failed or was interrupted: a person
// who stops "Run All" means all, also if the cell under way could still end well.
func (k *kernel) execute(ctx context.Context, m message) (abort bool) {
	request := executeRequest{StoreHistory: true, StopOnError: true}
	if err := json.Unmarshal(m.content, &request); err != nil {
		k.reply(k.sockets.shell, m, "execute_reply", k.executed("error", newFailure("BadRequest", err.Error())))
		return false
	}
	if request.StoreHistory = request.StoreHistory && !request.Silent; request.StoreHistory {
		k.count++
		k.history.add(k.count, request.Code)
	}
	if !request.Silent {
		k.publish("execute_input", m, map[string]any{"code": request.Code, "execution_count": k.count})
	}
	k.mu.Lock()
	k.running, k.stopped = true, false
	k.mu.Unlock()
	f, published := k.executeCell(ctx, m, request)
	k.mu.Lock()
	k.running = false
	k.mu.Unlock()

	if f == nil {
		k.reply(k.sockets.shell, m, "execute_reply", k.executed("ok", nil))
		return k.wasStopped()
	}
	if !published {
		k.publish("error", m, f)
	}
	k.reply(k.sockets.shell, m, "execute_reply", k.executed("error", f))
	return request.StopOnError || k.wasStopped()
}

// executeCell executes a cell's commands and then its Go. It returns why that failed, and whether the front-end knows it already.
func (k *kernel) executeCell(ctx context.Context, m message, request executeRequest) (f *failure, published bool) {
	out := outlet(func(kind string, content any) { k.publish(kind, m, content) })
	c := parseCell(request.Code)
	if c.isConfig {
		f = k.runConfig(c, out)
		c.rest = ""
	}
	for _, command := range c.commands {
		if f = k.runCommand(command, out); f != nil {
			break
		}
	}
	if f == nil && k.wasStopped() && strings.TrimSpace(c.rest) != "" {
		f = newFailure(interrupted, "the cell's Go was not begun")
	}
	if f != nil {
		c.rest = ""
	}
	goFailure, published := k.executeGo(ctx, m, request, c.rest)
	if f != nil {
		return f, false
	}
	return goFailure, published
}

// runCommand runs what stands behind %idml.
func (k *kernel) runCommand(command string, out outlet) *failure {
	words, err := splitWords(command)
	if err != nil {
		return newFailure(lineMagic, err.Error())
	}
	if len(words) == 0 {
		words = []string{"help"}
	}
	if k.wasStopped() {
		return newFailure(interrupted, "idml "+words[0]+" was not begun")
	}
	if words[0] == "kernel" && len(words) == 2 && words[1] == "release" {
		k.release(out)
		return nil
	}
	if words[0] == "kernel" {
		return newFailure(lineMagic, "a kernel doesn't run within a kernel; \"%idml kernel release\" lets go of what commands keep in memory")
	}
	return k.commands.run(words, out)
}

// release ends the worker, and with it its backend and all memory that it holds.
func (k *kernel) release(out outlet) {
	text := "nothing was kept\n"
	if k.commands.release() {
		text = "released: the next command opens the backend and loads the model anew\n"
	}
	out.stream("stdout", text)
}

// runConfig trains by the configuration in a cell's body: idml train --config FILE with the options of the first line.
func (k *kernel) runConfig(c cell, out outlet) *failure {
	words, err := splitWords(c.options)
	if err != nil {
		return newFailure(cellMagic, err.Error())
	}
	if strings.TrimSpace(c.body) == "" {
		return newFailure(cellMagic, "the cell holds no configuration; \"%idml train --recipe glyphs --print-config\" prints one")
	}
	file := filepath.Join(k.folder, "config.json")
	if err := os.WriteFile(file, []byte(c.body), 0o600); err != nil {
		return newFailure(cellMagic, err.Error())
	}
	defer os.Remove(file)
	if len(words) > 0 && words[0] == "train" {
		words = words[1:]
	}
	return k.commands.run(append([]string{"train", "--config", file}, words...), out)
}

// executeGo lets GoNB execute what is Go, or one of GoNB's own commands. A cell that has nothing left is sent on too, so that GoNB
// counts cells as the kernel does: it names them in errors.
func (k *kernel) executeGo(ctx context.Context, m message, request executeRequest, code string) (f *failure, published bool) {
	empty := strings.TrimSpace(code) == ""
	if empty && !request.StoreHistory {
		return nil, false
	}
	g, err := k.waitForGoNB(ctx)
	if err != nil {
		if empty {
			return nil, false
		}
		return newFailure("GoNB", err.Error()), false
	}
	request.Code = code
	m.content = mustJSON(request)
	c := g.begin(m)
	done := make(chan struct{})
	go k.passInterrupts(g, done)
	reply, err := g.finish(ctx, c, 0)
	close(done)
	if err != nil && empty {
		return nil, false // what the cell was for is done; that GoNB has ended is told by the kernel's end
	}
	if err != nil {
		return newFailure("GoNB", err.Error()), false
	}
	return failed(reply, c, k.wasStopped())
}

// failed returns why a cell failed: what GoNB's reply says, which it has published, or what it left on the standard error.
func failed(reply message, c *call, stopped bool) (f *failure, published bool) {
	var content executeReply
	content.failure = &failure{}
	if err := json.Unmarshal(reply.content, &content); err != nil || content.Status != "error" {
		return c.output.result(stopped), false
	}
	if content.Traceback == nil {
		content.Traceback = []string{}
	}
	return content.failure, true
}

// waitForGoNB returns GoNB when it has executed the start-up cell.
func (k *kernel) waitForGoNB(ctx context.Context) (*gonb, error) {
	for {
		select {
		case <-k.ready:
			if k.gonb == nil {
				return nil, k.failure
			}
			return k.gonb, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
			if k.wasStopped() {
				return nil, errors.New("stopped while GoNB was starting")
			}
		}
	}
}

// passInterrupts hands an interrupt on to GoNB until the cell is done: again and again, for GoNB forgets one that comes while it
// compiles, and hands a second one for the same program not on.
func (k *kernel) passInterrupts(g *gonb, done <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-done:
			return
		case <-tick.C:
			if k.wasStopped() {
				if n%5 == 0 {
					g.interrupt()
				}
				n++
			}
		}
	}
}

func (k *kernel) wasStopped() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stopped
}

// abortQueued answers the cells that wait behind a failed one, as "Run All" is to stop there: they have no number, which front-ends would show as that of a cell that ran.
// Other requests go on waiting.
func (k *kernel) abortQueued() {
	waiting := k.backlog
	for empty := false; !empty; {
		select {
		case m := <-k.queue:
			waiting = append(waiting, m)
		default:
			empty = true
		}
	}
	k.backlog = nil
	for _, m := range waiting {
		if m.header.Type != "execute_request" {
			k.backlog = append(k.backlog, m)
			continue
		}
		k.publishStatus("busy", m)
		k.reply(k.sockets.shell, m, "execute_reply", map[string]string{"status": "aborted"})
		k.publishStatus("idle", m)
	}
}
