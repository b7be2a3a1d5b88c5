// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// respond answers a request that isn't to execute a cell.
func (k *kernel) respond(ctx context.Context, m message) {
	switch m.header.Type {
	case "kernel_info_request":
		k.reply(k.sockets.shell, m, "kernel_info_reply", k.info())
	case "is_complete_request":
		k.reply(k.sockets.shell, m, "is_complete_reply", isComplete(textOf(m).Code))
	case "history_request":
		k.reply(k.sockets.shell, m, "history_reply", k.history.answer(m))
	case "comm_info_request":
		k.reply(k.sockets.shell, m, "comm_info_reply", k.comms.answer(m))
	case "complete_request":
		k.complete(ctx, m)
	case "inspect_request":
		k.inspect(ctx, m)
	default:
		k.logf("a request of the unknown type %q", m.header.Type)
	}
}

// info is the content of kernel_info_reply.
func (k *kernel) info() any {
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       protocolVersion,
		"implementation":         "idml",
		"implementation_version": k.options.Version,
		"language_info": map[string]string{
			"name":            "go",
			"version":         strings.TrimPrefix(runtime.Version(), "go"),
			"mimetype":        "text/x-go",
			"file_extension":  ".go",
			"pygments_lexer":  "go",
			"codemirror_mode": "go",
		},
		"banner": "IDML (Go): cells of Go, and of the program idml: %idml help",
		"help_links": []map[string]string{
			{"text": "GoNB", "url": "https://github.com/janpfeifer/gonb"},
			{"text": "Go packages", "url": "https://pkg.go.dev/std"},
		},
	}
}

// text is the part of several requests' content that says where a person is in a cell.
type text struct {
	Code   string `json:"code"`
	Cursor int    `json:"cursor_pos"`
	Detail int    `json:"detail_level"`
}

func textOf(m message) text {
	var t text
	_ = json.Unmarshal(m.content, &t) // what is missing is empty
	return t
}

// completions is the content of complete_reply.
type completions struct {
	Status   string   `json:"status"`
	Matches  []string `json:"matches"`
	Start    int      `json:"cursor_start"`
	End      int      `json:"cursor_end"`
	Metadata struct{} `json:"metadata"`
}

// complete completes a command of %idml itself and lets GoNB complete Go.
func (k *kernel) complete(ctx context.Context, m message) {
	t := textOf(m)
	answer := completions{Status: "ok", Matches: []string{}, Start: t.Cursor, End: t.Cursor}
	command, ours := magicAt(t.Code, t.Cursor)
	switch {
	case ours && !strings.ContainsAny(command, " \t"):
		answer.Start -= len(utf16.Encode([]rune(command)))
		for _, name := range k.commandNames(ctx) {
			if strings.HasPrefix(name, command) {
				answer.Matches = append(answer.Matches, name)
			}
		}
	case !ours && !parseCell(t.Code).isConfig:
		if reply, err := k.ask(ctx, m, t); err == nil {
			k.pass(m, reply)
			return
		}
	}
	k.reply(k.sockets.shell, m, "complete_reply", answer)
}

// inspect tells the options of a command of %idml, and lets GoNB tell of Go.
func (k *kernel) inspect(ctx context.Context, m message) {
	t := textOf(m)
	data := map[string]string{}
	if command, ours := magicAt(t.Code, lineEnd(t.Code, t.Cursor)); ours || parseCell(t.Code).isConfig {
		name, _, _ := strings.Cut(command, " ")
		if help := k.help(ctx, name); help != "" {
			data["text/plain"] = help
		}
	} else if reply, err := k.ask(ctx, m, t); err == nil {
		k.pass(m, reply)
		return
	}
	k.reply(k.sockets.shell, m, "inspect_reply", map[string]any{"status": "ok", "found": len(data) > 0, "data": data, "metadata": struct{}{}})
}

// ask hands a request on to GoNB, without the lines that are ours. It fails while GoNB is starting.
func (k *kernel) ask(ctx context.Context, m message, t text) (message, error) {
	const patience = 10 * time.Second // gopls may be reading the packages
	g := k.child()
	if g == nil {
		return message{}, errGoNBEnded
	}
	t.Code = parseCell(t.Code).rest
	m.content = mustJSON(t)
	return g.finish(ctx, g.begin(m), patience)
}

// pass sends GoNB's reply as one to the front-end's request.
func (k *kernel) pass(request, reply message) {
	reply.identities, reply.parent = request.identities, request.rawHeader
	k.check(k.sockets.shell.send(reply))
}

// help returns what the program tells of a command, or of all commands if name is "".
func (k *kernel) help(ctx context.Context, name string) string {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := []string{"help"}
	if name != "" {
		args = append(args, name)
	}
	program := k.options.Program
	out, err := exec.CommandContext(ctx, program[0], slices.Concat(program[1:], args)...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// commandNames returns the commands that the program's help lists.
func (k *kernel) commandNames(ctx context.Context) []string {
	var names []string
	_, list, _ := strings.Cut(k.help(ctx, ""), "\nCommands:\n")
	for line := range strings.SplitSeq(list, "\n") {
		if !strings.HasPrefix(line, "  ") {
			break
		}
		if name := strings.Fields(line)[0]; name != "kernel" {
			names = append(names, name)
		}
	}
	return names
}

// comms are the connections between widgets in the front-end and what is behind them.
type comms struct {
	mu   sync.Mutex
	open map[string]string // from the identifier to the target's name
}

// observe takes a message on either way.
func (c *comms) observe(m message) {
	if !strings.HasPrefix(m.header.Type, "comm_") {
		return
	}
	var content struct {
		ID     string `json:"comm_id"`
		Target string `json:"target_name"`
	}
	_ = json.Unmarshal(m.content, &content) // nothing is known of a connection without identifier
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.header.Type {
	case "comm_open":
		c.open[content.ID] = content.Target
	case "comm_close":
		delete(c.open, content.ID)
	}
}

// answer returns the content of comm_info_reply.
func (c *comms) answer(m message) any {
	var content struct {
		Target string `json:"target_name"`
	}
	_ = json.Unmarshal(m.content, &content) // without a target, all are meant
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]map[string]string{}
	for id, target := range c.open {
		if content.Target == "" || content.Target == target {
			found[id] = map[string]string{"target_name": target}
		}
	}
	return map[string]any{"status": "ok", "comms": found}
}
