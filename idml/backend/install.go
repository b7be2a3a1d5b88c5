// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gomlx/go-xla/installer"

	"introspection/internal/fetch"
)

// InstallOptions tells [Install] what to install, from where and to where.
type InstallOptions struct {
	// Kind is the plugin's kind: [CPU] or [CUDA].
	Kind string

	// From is a local source for machines without a network: the pinned wheel, a folder that holds the pinned wheels, or a
	// plugin's bare shared library. Wheels are checked against their pinned hashes, a library only for being a PJRT plugin.
	// If From is empty, wheels come from a package index (see Install).
	From string

	// Dir is the folder that gets the plugin. If Dir is empty, an installed plugin is accepted wherever [Find] finds it, and
	// if there is none, [DefaultDir] gets it.
	Dir string

	// Progress, if not nil, is called from Install's goroutine as bytes of the wheels arrive; total is known from the first
	// call on.
	Progress func(done, total int64)
}

// Install makes sure that there is a plugin of a kind and returns its path. If From is empty and a whole plugin is
// installed already, that is all: no network is used.
//
// Wheels come from the package index in PIP_INDEX_URL or UV_DEFAULT_INDEX, and those in PIP_EXTRA_INDEX_URL, by default from
// PyPI; HTTPS_PROXY and SSL_CERT_FILE are honored. Each is compared with its pinned SHA-256 before anything is unpacked;
// the plugin gets its name by a rename within its folder, after its licenses and libraries, when all of it is on the disk. So
// an Install that fails, is canceled or runs beside another leaves the old state or the new one, never a part (for CUDA, whose
// libraries are a folder of their own, a machine that stops between two renames is left with none). The errors name the wheel
// and both hashes where they differ; the error of a canceled ctx wraps its cause. A part of a download is not kept.
//
// On other platforms than linux/amd64 the CPU plugin comes from go-xla's own installer, which can't be canceled.
func Install(ctx context.Context, o InstallOptions) (path string, err error) {
	j := &job{
		InstallOptions: o,
		platform:       runtime.GOOS + "/" + runtime.GOARCH,
		source:         newIndexes(os.Getenv),
		client:         http.DefaultClient,
		stall:          fetch.StallTimeout,
	}
	switch o.Kind {
	case CPU:
		j.wheels, j.plugin = cpuWheels, cpuPlugin
	case CUDA:
		j.wheels, j.plugin = cudaWheels, cudaPlugin
	default:
		return "", fmt.Errorf("backend: can't install a plugin of kind %q: use %q or %q", o.Kind, CPU, CUDA)
	}
	path, err = j.run(ctx)
	if err != nil {
		return "", fmt.Errorf("backend: installing the %s plugin: %w", o.Kind, err)
	}
	return path, nil
}

// wheelPlatform is the platform for which wheels are pinned.
const wheelPlatform = "linux/amd64"

// run installs the plugin unless it is there.
func (j *job) run(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	if j.From == "" {
		if path, ok := j.installed(); ok && checkPlugin(path) == nil {
			return path, nil
		}
	}
	if j.Dir == "" {
		dir, err := DefaultDir()
		if err != nil {
			return "", err
		}
		j.Dir = dir
	}
	j.Dir = absolute(j.Dir)
	if err := j.install(ctx); err != nil {
		return "", err
	}
	return j.verify()
}

// installed returns the plugin that makes an installation needless.
func (j *job) installed() (string, bool) {
	if j.Dir == "" {
		return Find(j.Kind)
	}
	return findIn([]string{absolute(j.Dir), filepath.Join(absolute(j.Dir), nvidiaDir)}, j.Kind)
}

// install chooses the source and installs from it.
func (j *job) install(ctx context.Context) error {
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return err
	}
	if isLibrary(j.From) {
		return j.installLibrary(ctx)
	}
	if j.platform == wheelPlatform {
		return j.installWheels(ctx)
	}
	if j.Kind != CPU || j.From != "" {
		return fmt.Errorf("there are wheels for %s only, this is %s", wheelPlatform, j.platform)
	}
	done := make(chan error, 1)
	go func() { done <- installer.CPUAutoInstall(j.Dir, true, installer.Quiet) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// isLibrary tells whether a file's name is that of a shared library.
func isLibrary(file string) bool {
	return slices.Contains([]string{".so", ".dylib", ".dll"}, filepath.Ext(file))
}

// verify returns the plugin that programs will find now. It is an error if that is a broken one that another folder holds.
func (j *job) verify() (string, error) {
	path, ok := findIn([]string{j.Dir, filepath.Join(j.Dir, nvidiaDir)}, j.Kind)
	if !ok {
		return "", fmt.Errorf("%w %q in %s after the installation", ErrNoPlugin, j.Kind, j.Dir)
	}
	if err := checkPlugin(path); err != nil {
		return "", err
	}
	if first, ok := Find(j.Kind); ok && first != path && Searched(j.Dir) {
		if err := checkPlugin(first); err != nil {
			return "", fmt.Errorf("%s is installed, but %s comes first: remove it: %w", path, first, err)
		}
	}
	return path, nil
}
