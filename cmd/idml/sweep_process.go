// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"introspection/experiment"
)

// launch trains a run of a sweep in a process of its own: a fault of the machine's libraries ends only that run, and its memory, the GPU's included, is free when
// it ends. The process is in a group of its own, so that Ctrl-C reaches this program alone, which then asks each process once to stop.
func launch(ctx context.Context, l experiment.Launch, gpus []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"train", "--config", l.Settings, "--out", l.Dir}
	if l.Resume {
		args = []string{"train", "--resume", l.Dir}
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = l.Log, l.Log
	cmd.Env = environmentOf(l.Slot, gpus)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	begin, err := l.Log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(l.Log, "%s idml %s\n", time.Now().Format(time.RFC3339), strings.Join(args, " ")); err != nil {
		return err
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if text := lastError(l.Log, begin); text != "" && exit.Exited() {
		return errors.New(text)
	}
	return fmt.Errorf("the program that trained it ended with %s; what it said is in %s", exit, l.Log.Name())
}

// environmentOf is this program's environment with, if there are GPUs to share out, the one of a slot.
func environmentOf(slot int, gpus []string) []string {
	env := os.Environ()
	if len(gpus) > 0 {
		env = append(env, "CUDA_VISIBLE_DEVICES="+gpus[slot%len(gpus)])
	}
	return env
}

// lastError returns the last error that the program printed into a log from an offset on, without its mark, or "".
func lastError(log io.ReaderAt, begin int64) (text string) {
	lines := bufio.NewScanner(io.NewSectionReader(log, begin, 1<<40))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "idml: "); ok {
			text = rest
		}
	}
	return text
}
