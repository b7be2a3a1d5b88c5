// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml/backend"
	"introspection/internal/kernel"
)

// stubborn is how long a command may go on after an interrupt before the worker ends: XLA can't be stopped while it compiles. Ours.
const stubborn = 10 * time.Second

// serveWorker runs the commands of a kernel's cells, one after the other, in this process, which keeps between them what the next one may need. SIGINT stops
// the command under way; SIGTERM, and the kernel's end, the process.
func (env *environment) serveWorker(ctx context.Context) error {
	frames, err := kernel.Frames()
	if err != nil {
		return err
	}
	defer frames.Close()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	resident := experiment.NewResident(func() (compute.Backend, error) { return backend.Open("") })
	server := kernel.Server{
		Run:        func(ctx context.Context, w kernel.Work) kernel.Outcome { return runWork(ctx, resident, w) },
		Patience:   patienceOf,
		Interrupts: interrupts,
	}
	return server.Serve(ctx, env.stdin, frames)
}

// patienceOf returns how long a command may go on after an interrupt. Training, which a sweep does too, ends after its step, and is then measured: that takes
// as long as it takes.
func patienceOf(args []string) time.Duration {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "-v" || arg == "--v" })
	if len(args) > 0 && (args[0] == "train" || args[0] == "sweep") {
		return 0
	}
	return stubborn
}

// tidyUp gives the memory that a command no longer needs back to the system, while the user reads.
func tidyUp() {
	runtime.GC()            // what the command left on the device is freed when it is collected,
	time.Sleep(time.Second) // which the collector leaves to goroutines of its own
	backend.ReleaseMemory()
}

// runWork runs a command as the program would, in a notebook.
func runWork(ctx context.Context, resident *experiment.Resident, w kernel.Work) kernel.Outcome {
	env := &environment{stdin: strings.NewReader(""), stdout: w.Stdout, stderr: w.Stderr, display: w.Display, resident: resident}
	err := env.dispatch(ctx, w.Args)
	go tidyUp()
	if err == nil {
		return kernel.Outcome{}
	}
	outcome := kernel.Outcome{Status: statusOf(err), Error: errorText(err)}
	if env.verbose {
		outcome.Stack = stackOf(err)
	}
	return outcome
}
