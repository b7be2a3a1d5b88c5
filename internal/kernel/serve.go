// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// Work is a command that a worker is to run, with what it says.
type Work struct {
	Args           []string
	Stdout, Stderr io.Writer
	Display        func(Output)
}

// A Server is the program's side of a worker: it runs the kernel's commands, one after the other, in this process.
type Server struct {
	// Run runs a command, in the folder where it is to work, until it ends or, as soon as it can, when ctx does.
	Run func(ctx context.Context, w Work) Outcome
	// Patience is how long a command may go on when it was told to stop; then the process must end. 0 is as long as it takes.
	Patience func(args []string) time.Duration
	// Interrupts tell the command under way to stop, as the kernel does.
	Interrupts <-chan os.Signal
}

// ErrStubborn is what [Server.Serve] returns when a command didn't stop: it may still be running, and the process should end.
var ErrStubborn = errors.New("kernel: the command doesn't stop")

// Frames returns the pipe to the kernel that started this process as its worker.
func Frames() (io.WriteCloser, error) {
	var status syscall.Stat_t // asked of the number, for an [os.File] of somebody else's would be closed with it
	if err := syscall.Fstat(framesFile, &status); err != nil || status.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil, errors.New("kernel: a worker is started by a kernel")
	}
	syscall.CloseOnExec(framesFile) // else it stays open as long as a child of a command lives
	return os.NewFile(framesFile, "frames"), nil
}

// Serve runs commands until requests ends or ctx does; that also stops the command under way.
func (s Server) Serve(ctx context.Context, requests io.Reader, frames io.Writer) error {
	incoming := make(chan request)
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(incoming)
		for decoder := json.NewDecoder(requests); ; {
			var r request
			if decoder.Decode(&r) != nil { // the kernel has ended
				return
			}
			select {
			case incoming <- r:
			case <-done:
				return
			}
		}
	}()
	w := &frameWriter{encoder: json.NewEncoder(frames)}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Interrupts: // nothing runs
		case r, ok := <-incoming:
			if !ok {
				return nil
			}
			if r.Stop {
				continue // it came too late
			}
			if err := s.serve(ctx, r, incoming, w); err != nil {
				return err
			}
		}
	}
}

// serve runs one command.
func (s Server) serve(ctx context.Context, r request, incoming <-chan request, w *frameWriter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcome := make(chan Outcome, 1)
	go func() { outcome <- s.run(ctx, r, w) }()
	var late <-chan time.Time
	for stopped := ctx.Done(); ; {
		select {
		case o := <-outcome:
			w.send(frame{ID: r.ID, End: &ending{Outcome: o}})
			return w.failed()
		case <-s.Interrupts:
			cancel()
		case next, ok := <-incoming:
			switch {
			case !ok:
				incoming = nil
				cancel()
			case next.Stop && next.ID == r.ID:
				cancel()
			}
		case <-stopped:
			stopped = nil
			if patience := s.Patience(r.Args); patience > 0 {
				late = time.After(patience)
			}
		case <-late:
			w.send(frame{ID: r.ID, End: &ending{Last: true, Outcome: Outcome{
				Status: 1, Error: fmt.Sprintf("it did not stop within %v, and was ended", s.Patience(r.Args)),
			}}})
			return ErrStubborn
		}
	}
}

// run runs a command where it is to run.
func (s Server) run(ctx context.Context, r request, w *frameWriter) Outcome {
	if err := os.Chdir(r.Dir); err != nil {
		return Outcome{Status: 1, Error: err.Error()}
	}
	return s.Run(ctx, Work{
		Args:   r.Args,
		Stdout: writerFunc(func(text string) { w.send(frame{ID: r.ID, Stdout: text}) }),
		Stderr: writerFunc(func(text string) { w.send(frame{ID: r.ID, Stderr: text}) }),
		Display: func(o Output) {
			w.send(frame{ID: r.ID, Display: &o})
		},
	})
}

// A frameWriter sends frames, for any number of goroutines.
type frameWriter struct {
	mu      sync.Mutex
	encoder *json.Encoder
	err     error // the first one
}

func (w *frameWriter) send(f frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.encoder.Encode(f); w.err == nil {
		w.err = err
	}
}

// failed returns why frames could not be sent: the kernel is gone.
func (w *frameWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// writerFunc is a writer that hands on text and never fails.
type writerFunc func(text string)

func (f writerFunc) Write(p []byte) (int, error) {
	if len(p) > 0 {
		f(string(p))
	}
	return len(p), nil
}
