// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"go/scanner"
	"go/token"
	"strings"
)

// completeness is the content of is_complete_reply.
type completeness struct {
	Status string `json:"status"`
	Indent string `json:"indent"`
}

// isComplete tells whether a cell could be executed as it is, for front-ends in which Enter means either a new line or "go": whether all
// brackets and quotation marks are closed. Of a cell that isn't Go, nothing is known to be missing.
func isComplete(code string) completeness {
	c := parseCell(code)
	if c.isConfig || isForeign(code) {
		return completeness{Status: "complete"}
	}
	lines := strings.Split(c.rest, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") {
			lines[i] = "" // one of GoNB's commands
		}
	}
	source := []byte(strings.Join(lines, "\n"))
	var s scanner.Scanner
	unclosed := false
	file := token.NewFileSet().AddFile("", -1, len(source))
	s.Init(file, source, func(_ token.Position, text string) {
		unclosed = unclosed || strings.HasPrefix(text, "raw string literal not terminated") || strings.HasPrefix(text, "comment not terminated")
	}, 0)
	depth := 0
	for _, t, _ := s.Scan(); t != token.EOF; _, t, _ = s.Scan() {
		switch t {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
	}
	switch {
	case unclosed:
		return completeness{Status: "incomplete"}
	case depth > 0:
		return completeness{Status: "incomplete", Indent: strings.Repeat("\t", depth)}
	case depth < 0 || s.ErrorCount > 0:
		return completeness{Status: "invalid"}
	}
	return completeness{Status: "complete"}
}
