// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// childAttributes lets a child be the first of a group of processes of its own, and ends it when the kernel is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// killStrays ends processes that work with a folder for temporary files, wherever they have got to: GoNB starts gopls in a group of its
// own, where it stays if GoNB is killed.
func killStrays(temporary string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, file := range files {
		environment, err := os.ReadFile(file)
		if err != nil { // another user's, or it has ended
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && slices.Contains(strings.Split(string(environment), "\x00"), "TMPDIR="+temporary) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// openTerminal returns both ends of a pseudo-terminal: a program that writes into the second one shows its progress.
func openTerminal() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var unlock, number int32
	if err = control(ours, syscall.TIOCSPTLCK, &unlock); err == nil {
		err = control(ours, syscall.TIOCGPTN, &number)
	}
	if err == nil {
		theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func control(f *os.File, request uintptr, value *int32) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	if err := raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value)))
	}); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
