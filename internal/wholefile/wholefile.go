// SPDX-License-Identifier: Apache-2.0

// Package wholefile writes files that a reader finds whole or not at all.
package wholefile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Mark is in the name of a file that is being written, which begins with a dot: what a program that was killed leaves behind.
const Mark = ".tmp-"

// Write fills a temporary file beside path and renames it to path. With sync, what it holds is on the disk before it gets the name. If anything
// fails, a file that was there before stays as it was. That the file can't be made shows before write is called.
func Write(path string, sync bool, write func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+Mark+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // a second Close only repeats the first fault
			_ = os.Remove(f.Name())
		}
	}()
	buffered := bufio.NewWriter(f)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// SyncFolder flushes the names in a folder to the disk. Some file systems can't, which is no fault.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}
