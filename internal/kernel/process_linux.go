// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
