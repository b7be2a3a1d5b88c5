// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serving is a Server within the test, with the kernel's ends of its pipes.
type serving struct {
	requests   *json.Encoder
	stdin      io.Closer
	frames     *json.Decoder
	interrupts chan os.Signal
	ended      chan error
}

// serveHere starts a Server whose commands wait for the end of their context, in the folder of the test.
func serveHere(t *testing.T, ctx context.Context) *serving {
	t.Helper()
	in, stdin := io.Pipe()
	out, frames := io.Pipe()
	s := &serving{json.NewEncoder(stdin), stdin, json.NewDecoder(out), make(chan os.Signal), make(chan error, 1)}
	server := Server{
		Run: func(ctx context.Context, w Work) Outcome {
			_, _ = io.WriteString(w.Stdout, w.Args[0])
			<-ctx.Done()
			return Outcome{Status: 130, Error: "interrupted"}
		},
		Patience:   func([]string) time.Duration { return 0 },
		Interrupts: s.interrupts,
	}
	go func() { s.ended <- server.Serve(ctx, in, frames) }()
	t.Cleanup(func() { stdin.Close(); out.Close() })
	return s
}

// begin asks for a command and waits until it runs.
func (s *serving) begin(t *testing.T, id int) {
	t.Helper()
	if err := s.requests.Encode(request{ID: id, Args: []string{"wait"}, Dir: "."}); err != nil {
		t.Fatal(err)
	}
	s.expect(t, frame{ID: id, Stdout: "wait"})
}

// expect reads a frame.
func (s *serving) expect(t *testing.T, want frame) {
	t.Helper()
	var got frame
	if err := s.frames.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func (s *serving) expectEnd(t *testing.T, id int) {
	t.Helper()
	s.expect(t, frame{ID: id, End: &ending{Outcome: Outcome{Status: 130, Error: "interrupted"}}})
}

// A command is stopped by a request with its number or a signal, and by nothing that is meant for another one.
func TestServeStops(t *testing.T) {
	s := serveHere(t, t.Context())
	stop := func(id int) {
		if err := s.requests.Encode(request{ID: id, Stop: true}); err != nil {
			t.Fatal(err)
		}
	}
	stop(7)                      // of no command at all
	s.interrupts <- os.Interrupt // likewise
	s.begin(t, 1)
	stop(1)
	s.expectEnd(t, 1)
	stop(1) // too late
	s.begin(t, 2)
	stop(1) // much too late
	s.interrupts <- os.Interrupt
	s.expectEnd(t, 2)
}

// The kernel's end stops the command under way and then the worker, and so does that of the context.
func TestServeEnds(t *testing.T) {
	for name, end := range map[string]func(*serving, context.CancelFunc){
		"kernel":  func(s *serving, _ context.CancelFunc) { s.stdin.Close() },
		"context": func(_ *serving, cancel context.CancelFunc) { cancel() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := serveHere(t, ctx)
		s.begin(t, 1)
		end(s, cancel)
		s.expectEnd(t, 1)
		select {
		case err := <-s.ended:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s: the worker lives", name)
		}
	}
}

// A process that no kernel started is no worker.
func TestFrames(t *testing.T) {
	if frames, err := Frames(); err == nil {
		t.Errorf("frames: %v", frames)
	}
}
