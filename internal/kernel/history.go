// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// A history holds the cells that were executed since the kernel began. The worker alone uses it.
type history struct{ entries []entry }

type entry struct {
	count int
	code  string
}

func (h *history) add(count int, code string) { h.entries = append(h.entries, entry{count, code}) }

// historyRequest is the content of a request for a part of the history.
type historyRequest struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"`
	Session int    `json:"session"`
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	N       int    `json:"n"`
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

// answer returns the content of history_reply: for each cell its session, always 0, its number, and its text.
func (h *history) answer(m message) any {
	var r historyRequest
	_ = json.Unmarshal(m.content, &r) // what is missing is empty
	found := [][3]any{}
	for _, e := range h.find(r) {
		var input any = e.code
		if r.Output {
			input = []any{e.code, nil} // outputs are not kept
		}
		found = append(found, [3]any{0, e.count, input})
	}
	return map[string]any{"status": "ok", "history": found}
}

// find returns the entries that a request asks for, the oldest first.
func (h *history) find(r historyRequest) []entry {
	found := slices.Clone(h.entries)
	switch r.Access {
	case "range":
		found = slices.DeleteFunc(found, func(e entry) bool {
			return r.Session != 0 || e.count < r.Start || r.Stop > 0 && e.count >= r.Stop
		})
	case "search":
		pattern := globPattern(r.Pattern)
		found = slices.DeleteFunc(found, func(e entry) bool {
			return !pattern.MatchString(e.code)
		})
	}
	if r.Unique {
		seen := map[string]bool{}
		found = slices.DeleteFunc(found, func(e entry) bool {
			again := seen[e.code]
			seen[e.code] = true
			return again
		})
	}
	if r.Access != "range" && r.N > 0 && len(found) > r.N {
		found = found[len(found)-r.N:]
	}
	return found
}

// globPattern returns the expression for a pattern in which * stands for any text and ? for any character.
func globPattern(glob string) *regexp.Regexp {
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(glob))
	return regexp.MustCompile("(?s)^" + quoted + "$")
}
