// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"introspection/internal/fetch"
)

// A job is one installation: the caller's options and what they were resolved to.
type job struct {
	InstallOptions
	platform string        // GOOS/GOARCH
	wheels   []wheel       // to be unpacked, in order
	plugin   string        // the plugin's place in Dir, with slashes
	source   []string      // URLs of package indexes
	client   *http.Client  // for all requests
	stall    time.Duration // of a download
	arrived  int64         // bytes of the wheels that have arrived whole
}

// advance tells the progress when so many bytes of a wheel have arrived.
func (j *job) advance(done int64) {
	if j.Progress == nil {
		return
	}
	var total int64
	for _, w := range j.wheels {
		total += w.size
	}
	j.Progress(min(j.arrived+done, total), total)
}

// stagingPrefix begins the names of the folders in which installations are prepared, inside Dir so that a rename puts what is
// ready in its place.
const stagingPrefix = ".idml-setup-"

// stage calls prepare with an empty folder inside Dir, which is removed afterwards, and clears what a killed program left.
func (j *job) stage(prepare func(staging string) error) error {
	const abandoned = 24 * time.Hour
	old, _ := filepath.Glob(filepath.Join(j.Dir, stagingPrefix+"*")) // the pattern is well-formed unless Dir has a bracket
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > abandoned {
			os.RemoveAll(dir) // an effort: if it can't be removed, it is in nobody's way
		}
	}
	staging, err := os.MkdirTemp(j.Dir, stagingPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	return prepare(staging)
}

// installWheels unpacks the wheels into a staging folder and publishes the result.
func (j *job) installWheels(ctx context.Context) error {
	return j.stage(func(staging string) error {
		ready := filepath.Join(staging, "ready")
		for _, w := range j.wheels {
			if err := j.unpack(ctx, w, staging, ready); err != nil {
				return err
			}
		}
		if j.Kind == CUDA {
			if err := linkCUDA(ready); err != nil {
				return err
			}
		}
		if err := checkPlugin(filepath.Join(ready, filepath.FromSlash(j.plugin))); err != nil {
			return err
		}
		if j.Kind == CUDA {
			return publishCUDA(ready, staging, j.Dir)
		}
		return publish(ready, j.Dir, j.plugin)
	})
}

// unpack gets one wheel and extracts from it what its rules say.
func (j *job) unpack(ctx context.Context, w wheel, staging, ready string) error {
	f, err := j.open(ctx, w, staging)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.extract(ctx, f, ready); err != nil {
		return fmt.Errorf("unpacking %s: %w", w.file, err)
	}
	if j.From == "" {
		return os.Remove(f.Name()) // keeps the space needed to one wheel at a time
	}
	return nil
}

// installLibrary installs the bare shared library that From names.
func (j *job) installLibrary(ctx context.Context) error {
	if err := checkPlugin(j.From); err != nil {
		return err
	}
	place := strings.TrimSuffix(j.plugin, ".so") + filepath.Ext(j.From)
	return j.stage(func(staging string) error {
		f, err := os.Open(j.From)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := writeFile(filepath.Join(staging, filepath.FromSlash(place)), fetch.NewReader(ctx, f, nil), 0o755); err != nil {
			return err
		}
		return publish(staging, j.Dir, place)
	})
}
