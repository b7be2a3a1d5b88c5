// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errLocked reports that another program holds a lock.
var errLocked = errors.New("another program has it")

// openLog opens a log to append to it, and locks it until this program and those that it hands the file to have closed it. A program that is killed
// leaves no lock behind. A file system without locks is no fault. The error is errLocked if another program has the lock.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("%s: %w", path, errLocked)
	}
	return f, nil
}
