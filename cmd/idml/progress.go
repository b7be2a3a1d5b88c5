// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// A progress is one line of a terminal that is written over as work goes on. Where the output is no terminal it prints
// nothing, so that logs stay readable: a command says there in whole lines what is worth keeping.
type progress struct {
	w        io.Writer
	terminal bool
	width    int // of what is shown, in characters
	last     time.Time
}

// progressInterval is the least time between two updates that are shown.
const progressInterval = 100 * time.Millisecond

// progress returns a progress line on the standard error.
func (env *environment) progress() *progress {
	return &progress{w: env.stderr, terminal: isTerminal(env.stderr)}
}

// isTerminal tells whether w is a terminal (or another device of characters, which shows a line as well).
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// update shows a text in place of the last one, unless that was shown a moment ago.
func (p *progress) update(text string) {
	if !p.terminal || time.Since(p.last) < progressInterval {
		return
	}
	p.last = time.Now()
	p.show(text)
}

func (p *progress) show(text string) {
	width := utf8.RuneCountInString(text)
	fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}

// clear removes the line. Call it before anything else is printed.
func (p *progress) clear() {
	if p.width > 0 {
		p.show("")
		fmt.Fprint(p.w, "\r")
		p.width = 0
	}
}
