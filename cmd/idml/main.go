// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
}

// Exit statuses of the program.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell tells of SIGINT
)

// run is the program: it runs the command in args and returns the exit status. All that it says goes to stdout and stderr.
func run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	env := &environment{stdin: stdin, stdout: stdout, stderr: stderr}
	err := env.dispatch(ctx, args)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "idml: %s\n", errorText(err))
	if env.verbose {
		if stack := stackOf(err); stack != "" {
			fmt.Fprintln(stderr, stack)
		}
	}
	return statusOf(err)
}

// statusOf returns the exit status of a command that failed.
func statusOf(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}

// dispatch runs the command that args name.
func (env *environment) dispatch(ctx context.Context, args []string) error {
	for len(args) > 0 && (args[0] == "-v" || args[0] == "--v") {
		env.verbose = true
		args = args[1:]
	}
	if len(args) == 0 {
		env.printCommands(env.stderr)
		return usageError{"no command"}
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "--version":
		name = "version"
	}
	c, ok := findCommand(name)
	if !ok {
		return usageError{fmt.Sprintf("unknown command %q: \"idml help\" lists the commands", args[0])}
	}
	err := c.run(ctx, env, args[1:])
	if errors.Is(err, errHelpShown) {
		return nil
	}
	return err
}

// errorText returns what is printed of an error behind "idml: ".
func errorText(err error) string { return strings.TrimPrefix(oneLine(err), "idml: ") }

// oneLine returns an error's text on one line; several faults, which errors.Join puts on lines of their own, are separated by
// semicolons.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var parts []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}

// stackOf returns the text of the innermost error that carries a stack (those of GoMLX do), with it, or "".
func stackOf(err error) string {
	text := ""
	for ; err != nil; err = errors.Unwrap(err) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				if stack := stackOf(e); stack != "" {
					return stack
				}
			}
			break
		}
		if full := fmt.Sprintf("%+v", err); full != err.Error() {
			text = full
		}
	}
	return text
}
