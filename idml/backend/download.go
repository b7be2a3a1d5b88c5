// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// stallTimeout ends a download that delivers no byte for so long.
const stallTimeout = time.Minute

var errStalled = errors.New("the server sends nothing more")

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
	if err := j.verifyWheel(w, io.Discard, &contextReader{ctx, f}); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// download fetches a wheel into temp.
func (j *job) download(ctx context.Context, w wheel, temp string) (_ *os.File, err error) {
	address, err := j.locate(ctx, w)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(j.stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	response, err := j.get(ctx, address.String(), "*/*")
	if err != nil {
		return nil, canceled(ctx, err)
	}
	defer response.Body.Close()
	f, err := os.OpenFile(filepath.Join(temp, w.file), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	body := &watchedReader{response.Body, func() { watchdog.Reset(j.stall) }}
	if err := j.verifyWheel(w, f, body); err != nil {
		f.Close()
		return nil, fmt.Errorf("downloading %s: %w", w.file, canceled(ctx, err))
	}
	return f, nil
}

// verifyWheel copies a wheel from src to dst, counting its bytes as progress, and compares its size and hash with the pinned
// ones.
func (j *job) verifyWheel(w wheel, dst io.Writer, src io.Reader) error {
	hash := sha256.New()
	count := &countingWriter{job: j}
	n, err := io.Copy(io.MultiWriter(dst, hash, count), io.LimitReader(src, w.size+1))
	if err != nil {
		return err
	}
	if n != w.size {
		relation := "shorter"
		if n > w.size {
			relation = "longer"
		}
		return fmt.Errorf("it is %s than the %d bytes of %s %s", relation, w.size, w.pkg, w.version)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != w.sha256 {
		return fmt.Errorf("its SHA-256 is %s, that of %s %s is %s", got, w.pkg, w.version, w.sha256)
	}
	return nil
}

// canceled returns the cause of ctx's end if it has ended, else err.
func canceled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// A countingWriter reports the bytes written through it as the job's progress.
type countingWriter struct{ job *job }

func (c *countingWriter) Write(p []byte) (int, error) {
	c.job.advance(int64(len(p)))
	return len(p), nil
}

// A watchedReader calls alive at every read that delivers something.
type watchedReader struct {
	r     io.Reader
	alive func()
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.alive()
	}
	return n, err
}

// A contextReader ends with its context's cause.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
