// SPDX-License-Identifier: Apache-2.0

// Package fetch downloads files that are known beforehand by their hash.
//
// A [Pin] says what a file must be. A [Download] writes it beside its place under another name, which ends in ".part", and gives it
// its own name when all of it is on the disk and is what the pin says; so what has the name is whole. What an interrupted
// download of a pinned file has left is taken up by the next one.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// StallTimeout is the usual time after which a server that sends nothing is given up.
const StallTimeout = time.Minute

// ErrStalled is the error of a download whose server sends nothing more.
var ErrStalled = errors.New("the server sends nothing more")

// Get sends a request and returns the response if its status is 200, or, to a request for a part of the file, 206 or 416.
// The request asks for the file as it is: not compressed for the way.
func Get(ctx context.Context, client *http.Client, url string, header map[string]string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // hashes and sizes are those of the file as it is
	for key, value := range header {
		request.Header.Set(key, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	partial := header["Range"] != "" && (response.StatusCode == http.StatusPartialContent || response.StatusCode == http.StatusRequestedRangeNotSatisfiable)
	if response.StatusCode != http.StatusOK && !partial {
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s", response.Request.URL.Redacted(), response.Status)
	}
	return response, nil
}

// Canceled returns the cause of ctx's end if it has ended, else err.
func Canceled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// A watchdog ends a context when a server sends nothing for some time.
type watchdog struct {
	timer *time.Timer
	stall time.Duration
}

// watch returns a context that ends with ErrStalled if the watchdog isn't reset for so long. The caller calls stop.
func watch(ctx context.Context, stall time.Duration) (_ context.Context, dog *watchdog, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	dog = &watchdog{timer: time.AfterFunc(stall, func() { cancel(ErrStalled) }), stall: stall}
	return ctx, dog, func() { dog.timer.Stop(); cancel(nil) }
}

// A watchedReader resets a watchdog at every read that delivers something, and counts the bytes.
type watchedReader struct {
	r     io.Reader
	dog   *watchdog
	count func(n int)
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.dog.timer.Reset(w.dog.stall)
		w.count(n)
	}
	return n, err
}

// NewReader returns a reader of r that ends with the cause of ctx's end, and that tells progress, if it isn't nil, the bytes read so far.
func NewReader(ctx context.Context, r io.Reader, progress func(done int64)) io.Reader {
	return &contextReader{ctx: ctx, r: r, progress: progress}
}

type contextReader struct {
	ctx      context.Context
	r        io.Reader
	progress func(done int64)
	done     int64
}

func (c *contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.done += int64(n)
	if n > 0 && c.progress != nil {
		c.progress(c.done)
	}
	return n, err
}
