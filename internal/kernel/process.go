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

// newFolder makes the folder of a kernel's temporary files, whose lock is held as long as the kernel lives, and removes those of
// kernels that were killed. The returned function removes it.
func newFolder() (string, func() error, error) {
	if old, err := filepath.Glob(filepath.Join(os.TempDir(), folderPattern+"*")); err == nil {
		for _, dir := range old {
			if lock, err := lockFolder(dir, os.O_RDWR); err == nil {
				_ = os.RemoveAll(dir)
				_ = lock.Close()
			}
		}
	}
	dir, err := os.MkdirTemp("", folderPattern)
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
