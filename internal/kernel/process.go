// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"path/filepath"
	"syscall"
)

// killGroup ends the processes of a group that are still there.
func killGroup(first int) { _ = syscall.Kill(-first, syscall.SIGKILL) }

// folderPattern names the kernels' folders in the folder for temporary files.
const folderPattern = "idml-kernel-"

// longestBase bounds the path of the folder for temporary files, in bytes. A socket's path has at most 103 bytes on macOS, 107 on Linux, and
// the sockets of GoNB and gopls within a kernel's folder need 55 of them.
const longestBase = 103 - 55

// baseFolder returns where the kernels' folders are.
func baseFolder() string {
	if dir := os.TempDir(); len(dir) <= longestBase {
		return dir
	}
	return "/tmp"
}

// newFolder makes the folder of a kernel's temporary files, whose lock is held as long as the kernel lives, and removes those of
// kernels that were killed. The returned function removes it.
func newFolder() (string, func() error, error) {
	base := baseFolder()
	if old, err := filepath.Glob(filepath.Join(base, folderPattern+"*")); err == nil {
		for _, dir := range old {
			if lock, err := lockFolder(dir, os.O_RDWR); err == nil {
				_ = os.RemoveAll(dir)
				_ = lock.Close()
			}
		}
	}
	dir, err := os.MkdirTemp(base, folderPattern)
	if err != nil {
		return "", nil, err
	}
	lock, err := lockFolder(dir, os.O_RDWR|os.O_CREATE)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() error {
		defer lock.Close()
		return os.RemoveAll(dir)
	}, nil
}

// lockFolder opens and locks a folder's lock, or fails if another process holds it or, without O_CREATE, if there is none.
func lockFolder(dir string, flag int) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return lock, nil
}
