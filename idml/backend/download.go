// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"introspection/internal/fetch"
)

// open returns a file with a wheel's bytes, whose size and hash were verified, positioned anywhere: the local one of From, or
// one downloaded into the folder temp. The caller closes it; it stays what was verified even if its name is given to another.
func (j *job) open(ctx context.Context, w wheel, temp string) (*os.File, error) {
	if j.From == "" {
		return j.download(ctx, w, temp)
	}
	name := j.From
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if info.IsDir() {
		name = filepath.Join(name, w.file)
	} else if len(j.wheels) > 1 {
		return nil, fmt.Errorf("%s is one file, but %d wheels are needed: give a folder that holds %s and the others", name, len(j.wheels), w.file)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := w.pin().Copy(io.Discard, fetch.NewReader(ctx, f, j.advance)); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	j.arrived += w.size
	return f, nil
}

// download fetches a wheel into temp.
func (j *job) download(ctx context.Context, w wheel, temp string) (*os.File, error) {
	address, err := j.locate(ctx, w)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(temp, w.file)
	d := fetch.Download{URL: address.String(), Pin: w.pin(), Client: j.client, Stall: j.stall, Progress: func(done, _ int64) { j.advance(done) }}
	if err := d.Run(ctx, name); err != nil {
		return nil, fmt.Errorf("downloading %s: %w", w.file, err)
	}
	j.arrived += w.size
	return os.Open(name)
}
