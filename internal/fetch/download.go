// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"introspection/internal/wholefile"
)

// PartSuffix ends the name of a file that is being downloaded.
const PartSuffix = ".part"

// A Download is a file to be fetched.
type Download struct {
	URL string
	// Pin is what the file must be.
	Pin Pin
	// Client sends the requests.
	Client *http.Client
	// Stall is the time after which a server that sends nothing is given up; see StallTimeout.
	Stall time.Duration
	// Progress, if not nil, is called from Run's goroutine as bytes arrive. total is Unknown if the server doesn't tell.
	Progress func(done, total int64)
	// Check, if not nil, is called with the name of the whole file before it gets its place. Its error is Run's.
	Check func(path string) error
}

// Run fetches the file to path, whose folder must exist. A file that is there is replaced.
//
// What a download that was interrupted has left is asked for no second time, if the pin has a hash; a server that can't send a part
// of a file sends all. If what was put together of two downloads has another hash, because the file has changed in between,
// all is fetched anew. The error of a file that isn't what the pin says wraps [ErrHash] where it has another hash, and nothing of
// it is kept. The error of a canceled ctx is its cause.
func (d Download) Run(ctx context.Context, path string) error {
	part, err := openPart(path+PartSuffix, d.Pin.SHA256 != "")
	if err != nil {
		return err
	}
	defer func() { part.file.Close() }()
	resumed := part.size > 0
	err = d.fill(ctx, part)
	if wrong := (mismatchError{}); resumed && errors.As(err, &wrong) {
		if err = part.empty(); err == nil {
			err = d.fill(ctx, part)
		}
	}
	if err == nil && d.Check != nil {
		err = d.Check(part.file.Name())
	}
	if err != nil {
		part.leave(d.Pin.SHA256 != "" && errors.As(err, &brokenError{}))
		return err
	}
	if err := errors.Join(part.file.Sync(), part.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.file.Name(), path); err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(path))
}

// A mismatchError tells that what has arrived isn't the file.
type mismatchError struct{ error }

func (e mismatchError) Unwrap() error { return e.error }

// A brokenError ends a download of which the bytes so far are good.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// fill fetches what the part lacks and checks the whole.
func (d Download) fill(ctx context.Context, p *part) error {
	ctx, dog, stop := watch(ctx, d.Stall)
	defer stop()
	header := map[string]string{"Accept": "*/*"}
	if p.size > 0 {
		header["Range"] = fmt.Sprintf("bytes=%d-", p.size)
	}
	response, err := Get(ctx, d.Client, d.URL, header)
	if err != nil {
		return brokenError{Canceled(ctx, err)}
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable: // it may be whole
		return d.check(p)
	case http.StatusPartialContent:
		if !strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", p.size)) {
			return mismatchError{fmt.Errorf("the server sent another part of the file than the one from byte %d on", p.size)}
		}
	default:
		if err := p.empty(); err != nil {
			return err
		}
	}
	total := d.Pin.Size
	if total == Unknown && response.ContentLength >= 0 {
		total = p.size + response.ContentLength
	}
	body := &watchedReader{response.Body, dog, func(n int) { d.progress(p.size+int64(n), total) }}
	if err := p.append(body, d.Pin.limit()); err != nil {
		if broken := (brokenError{}); errors.As(err, &broken) {
			return brokenError{Canceled(ctx, broken.error)}
		}
		return err
	}
	return d.check(p)
}

// check compares the whole file with the pin.
func (d Download) check(p *part) error {
	if err := d.Pin.check(p.size, p.sum); err != nil {
		return mismatchError{err}
	}
	return nil
}

// progress tells how far the download is.
func (d Download) progress(done, total int64) {
	if d.Progress != nil && (total == Unknown || done <= total) {
		d.Progress(done, total)
	}
}

// A part is the beginning of a file.
type part struct {
	file *os.File // positioned at its end
	size int64
	sum  hash.Hash // of what is there
}

// openPart opens the part of the name or makes it. What it holds counts only if resume is set.
func openPart(name string, resume bool) (*part, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{file: f, sum: sha256.New()}
	if p.size, err = io.Copy(p.sum, f); err == nil && !resume {
		err = p.empty()
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// empty begins the part anew: as another file, since another program may just give the old one its place.
func (p *part) empty() error {
	if p.size == 0 {
		return nil
	}
	name := p.file.Name()
	if err := errors.Join(p.file.Close(), os.Remove(name)); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	p.file, p.size = f, 0
	p.sum.Reset()
	return nil
}

// append writes what r holds to the end, but not beyond limit bytes in all.
func (p *part) append(r io.Reader, limit int64) error {
	buffer := make([]byte, 128<<10)
	for p.size < limit {
		n, err := r.Read(buffer[:min(int64(len(buffer)), limit-p.size)])
		if n > 0 {
			if _, err := p.file.Write(buffer[:n]); err != nil {
				return err
			}
			p.sum.Write(buffer[:n])
			p.size += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return brokenError{err}
		}
	}
	return nil
}

// leave closes the part and removes it unless it is worth continuing.
func (p *part) leave(keep bool) {
	p.file.Close()
	if !keep || p.size == 0 {
		os.Remove(p.file.Name()) // an effort: the next download looks at it again
	}
}
