// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"introspection/internal/kernel"
)

// A progress is one line of a terminal that is written over as work goes on, or one output of a notebook. Elsewhere it prints
// nothing, so that logs stay readable: a command says there in whole lines what is worth keeping.
type progress struct {
	w        io.Writer
	terminal bool
	width    int // of what is shown, in characters
	last     time.Time

	display func(kernel.Output) // of a notebook, else nil
	pending map[string]string   // what is not displayed yet
}

// progressInterval is the least time between two updates that are shown.
const progressInterval = 100 * time.Millisecond

// progress returns a progress line on the standard error.
func (env *environment) progress() *progress {
	return &progress{w: env.stderr, terminal: env.display == nil && isTerminal(env.stderr), display: env.display}
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
func (p *progress) update(text string) { p.updateShare(text, -1) }

// updateShare is update; a notebook also shows a bar of the share that is done, from 0 to 1, unless share is negative.
func (p *progress) updateShare(text string, share float64) {
	if p.display != nil {
		p.pending = map[string]string{plainType: text, htmlType: progressHTML(text, share)}
		if time.Since(p.last) >= progressInterval {
			p.flush()
		}
		return
	}
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

// flush displays what is not displayed yet.
func (p *progress) flush() {
	if p.pending == nil {
		return
	}
	p.last = time.Now()
	p.display(kernel.Output{Name: "progress", Data: p.pending})
	p.pending = nil
}

// progressHTML returns a text behind a bar.
func progressHTML(text string, share float64) string {
	bar := ""
	if share >= 0 {
		bar = fmt.Sprintf(`<progress value="%.4f" max="1" style="width:12em;vertical-align:middle"></progress> `, min(share, 1))
	}
	return bar + `<code style="white-space:pre-wrap">` + html.EscapeString(text) + `</code>`
}

// clear removes the line; that of a notebook stays, with its last text. Call it before anything else is printed.
func (p *progress) clear() {
	p.flush()
	if p.width > 0 {
		p.show("")
		fmt.Fprint(p.w, "\r")
		p.width = 0
	}
}
