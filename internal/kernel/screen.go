// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"strings"
	"sync"
	"time"
)

// A screen turns what a program writes on a terminal into lines and one progress line. A program shows progress by going back to
// the beginning of a line, "\r", and writing over it.
type screen struct {
	lines    func(text string) // whole lines, with their ends
	progress func(text string) // what stands in the progress line now

	mu       sync.Mutex
	done     strings.Builder // lines that have not been handed on
	line     strings.Builder // the line that is being written
	returned bool            // the last byte was \r
	over     bool            // the line is written over another one
	latest   string          // the newest progress
	shown    string          // the progress that was handed on
	last     string          // the last line that isn't blank
}

// Write takes what the program writes; it never fails.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range p {
		switch {
		case b == '\n':
			s.endLine()
		case b == '\r':
			s.returned = true
			continue
		default:
			if s.returned {
				s.note()
				s.line.Reset()
				s.over = true
			}
			s.line.WriteByte(b)
		}
		s.returned = false
	}
	return len(p), nil
}

// endLine ends the line being written. A blank one that was written over another only clears it.
func (s *screen) endLine() {
	text := strings.TrimRight(s.line.String(), " ")
	if text != "" {
		s.last = text
	}
	if text != "" || !s.over {
		s.done.WriteString(text + "\n")
	}
	s.line.Reset()
	s.over = false
}

// note keeps the line being written as the newest progress, if it is progress.
func (s *screen) note() {
	if text := strings.TrimRight(s.line.String(), " "); s.over && text != "" {
		s.latest = text
	}
}

// flush hands on what has been written. At the end it includes a line that has no end.
func (s *screen) flush(end bool) {
	s.mu.Lock()
	if end && !s.over && s.line.Len() > 0 {
		s.endLine()
	}
	s.note()
	lines, progress, fresh := s.done.String(), s.latest, s.latest != s.shown
	s.done.Reset()
	s.shown = s.latest
	s.mu.Unlock()
	if fresh {
		s.progress(progress)
	}
	if lines != "" {
		s.lines(lines)
	}
}

// lastLine returns the last line that isn't blank.
func (s *screen) lastLine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// flushInterval is the time between two messages of the same kind: front-ends drown in more.
const flushInterval = 150 * time.Millisecond

// flushing flushes screens in intervals until the returned function is called, which flushes them for the last time.
func flushing(screens ...*screen) (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	flush := func(end bool) {
		for _, s := range screens {
			s.flush(end)
		}
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(flushInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				flush(false)
			case <-ended:
				flush(true)
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-stopped
	}
}
