// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// nvidiaDir is the subfolder of the plugins' folder that holds the CUDA plugin and NVIDIA's libraries. The plugin looks for
// them in ../nvidia, seen from its own folder.
const nvidiaDir = "nvidia"

// cublasLibraries are those that NVIDIA's own loader of libraries misses; go-xla links them into the folder above its own.
var cublasLibraries = []string{"libcublasLt.so.13", "libcublas.so.13"}

// linkCUDA adds to the unpacked CUDA wheels in dir the link nvidia/bin/ptxas, where XLA looks for the assembler.
func linkCUDA(dir string) error {
	bin := filepath.Join(dir, nvidiaDir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	return os.Symlink(filepath.Join("..", "cu13", "bin", "ptxas"), filepath.Join(bin, "ptxas"))
}

// publishCUDA links the cuBLAS libraries, then puts ready's nvidia folder in the place of dir's, as a whole. The old folder
// goes to trash, which the caller removes.
func publishCUDA(ready, trash, dir string) error {
	target := filepath.Join(dir, nvidiaDir)
	staged := filepath.Join(ready, nvidiaDir)
	if err := syncDir(staged); err != nil {
		return err
	}
	for _, library := range cublasLibraries {
		link := filepath.Join(filepath.Dir(dir), library)
		source := filepath.Join(filepath.Base(dir), nvidiaDir, "cu13", "lib", library)
		if err := replaceLink(source, link); err != nil {
			return err
		}
	}
	old := filepath.Join(trash, "replaced")
	if err := os.Rename(target, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(staged, target); err != nil {
		// Another installation may have put the same wheels there in this moment.
		if _, ok := findIn([]string{target}, CUDA); !ok {
			return errors.Join(err, os.Rename(old, target))
		}
	}
	return syncDir(dir)
}

// replaceLink makes link point to source. A file of that name that is no link is somebody else's, and an error.
func replaceLink(source, link string) error {
	info, err := os.Lstat(link)
	switch {
	case err == nil && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("%s is in the way: it should be a link to %s", link, source)
	case err == nil:
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.Symlink(source, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
