// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// random returns so many bytes.
func random(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return data
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A server sends a file; the fields change what it does.
type server struct {
	*httptest.Server
	mu       sync.Mutex // guards the rest
	data     []byte
	noRange  bool             // ignores that a part is asked for
	cut      int              // ends the connection after so many bytes of an answer, if above 0
	answer   http.HandlerFunc // answers instead, if not nil
	requests []string         // the Range of each
	sent     int              // bytes of all answers
}

func serve(t *testing.T, data []byte) *server {
	t.Helper()
	s := &server{data: data}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Header.Get("Range"))
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	first, body := 0, s.data
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first); err == nil && !s.noRange {
		if first >= len(body) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		body = body[first:]
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(s.data)-1, len(s.data)))
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	if s.cut > 0 {
		body = body[:min(s.cut, len(body))]
	}
	n, _ := w.Write(body)
	s.sent += n
}

// change changes the server between two requests.
func (s *server) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// download returns a download from the server, pinned to data by the first 8 digits of its hash.
func (s *server) download(data []byte) Download {
	return Download{URL: s.URL + "/file", Pin: Pin{"the file", hexHash(data)[:8], Unknown}, Client: s.Client(), Stall: StallTimeout}
}

// names returns the names in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// expect reports a folder that doesn't hold just the file, whole.
func expect(t *testing.T, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file isn't the server's (%v)", err)
	}
	if diff := cmp.Diff([]string{filepath.Base(path)}, names(t, filepath.Dir(path))); diff != "" {
		t.Errorf("names in the folder (-want +got):\n%s", diff)
	}
}

func TestDownload(t *testing.T) {
	data := random(1, 300_000)
	for _, pin := range []Pin{
		{"the file", hexHash(data), int64(len(data))},
		{"the file", hexHash(data)[:8], Unknown},
		{"the file", "", Unknown},
	} {
		s := serve(t, data)
		d := s.download(data)
		d.Pin = pin
		var last int64
		d.Progress = func(done, total int64) {
			if done <= last || total != int64(len(data)) {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		}
		path := filepath.Join(t.TempDir(), "x")
		d.Check = func(part string) error {
			if got, err := os.ReadFile(part); part != path+PartSuffix || err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s is to be checked, %v", part, err)
			}
			return nil
		}
		if err := d.Run(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		expect(t, path, data)
		if last != int64(len(data)) {
			t.Errorf("progress ended at %d", last)
		}
	}
}

// TestDownloadResumes cuts a download, and takes it up again from servers of every kind.
func TestDownloadResumes(t *testing.T) {
	data := random(1, 300_000)
	const cut = 100_000
	for _, test := range []struct {
		name     string
		change   func(s *server, part string) // between the two downloads
		requests []string                     // of the second
		sent     int                          // bytes of the second; -1 for any
	}{
		{"resumed", func(*server, string) {}, []string{"bytes=100000-"}, len(data) - cut},
		{"Range ignored", func(s *server, _ string) { s.noRange = true }, []string{"bytes=100000-"}, len(data)},
		{"other part sent", func(s *server, _ string) {
			s.answer = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") == "" {
					w.Write(data)
					return
				}
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 50000-%d/%d", len(data)-1, len(data)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(data[50_000:])
			}
		}, []string{"bytes=100000-", ""}, -1},
		{"the part is of another file", func(_ *server, part string) { os.WriteFile(part, random(2, cut), 0o644) }, []string{"bytes=100000-", ""}, len(data) - cut + len(data)},
		{"the part is whole", func(_ *server, part string) { os.WriteFile(part, data, 0o644) }, []string{"bytes=300000-"}, 0},
		{"the part is too long", func(_ *server, part string) { os.WriteFile(part, random(2, 400_000), 0o644) }, []string{"bytes=400000-", ""}, len(data)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, data)
			s.cut = cut
			path := filepath.Join(t.TempDir(), "x")
			d := s.download(data)
			if err := d.Run(t.Context(), path); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("cut off, the error is %v", err)
			}
			if got, err := os.ReadFile(path + PartSuffix); err != nil || !bytes.Equal(got, data[:cut]) {
				t.Fatalf("the part isn't what has arrived (%v)", err)
			}
			s.change(func() {
				s.cut, s.requests, s.sent = 0, nil, 0
				test.change(s, path+PartSuffix)
			})
			var last int64
			d.Progress = func(done, total int64) { last = done }
			if err := d.Run(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			expect(t, path, data)
			s.mu.Lock()
			defer s.mu.Unlock()
			if diff := cmp.Diff(test.requests, s.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if test.sent >= 0 && s.sent != test.sent {
				t.Errorf("the server sent %d bytes, want %d", s.sent, test.sent)
			}
			if test.sent != 0 && last != int64(len(data)) {
				t.Errorf("progress ended at %d", last)
			}
		})
	}
}

// TestDownloadFileChanged changes the server's file to the pinned one between two downloads.
func TestDownloadFileChanged(t *testing.T) {
	old, data := random(2, 300_000), random(1, 300_000)
	s := serve(t, old)
	s.cut = 100_000
	path := filepath.Join(t.TempDir(), "x")
	d := s.download(data)
	if err := d.Run(t.Context(), path); err == nil {
		t.Fatal("no error")
	}
	s.change(func() { s.cut, s.data = 0, data })
	if err := d.Run(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	expect(t, path, data)
}

func TestDownloadFailures(t *testing.T) {
	data := random(1, 10_000)
	refused := errors.New("refused")
	for _, test := range []struct {
		name   string
		change func(s *server, d *Download)
		want   string
		keeps  bool // what has arrived
	}{
		{"wrong hash", func(s *server, _ *Download) { s.data = random(2, 10_000) }, "wrong SHA-256 " + hexHash(random(2, 10_000)) + ": that of the file begins with " + hexHash(data)[:8], false},
		{"wrong whole hash", func(s *server, d *Download) { d.Pin.SHA256 = hexHash(nil) }, "that of the file is " + hexHash(nil), false},
		{"longer", func(s *server, d *Download) { d.Pin.Size = 9_999 }, "longer than the 9999 bytes of the file", false},
		{"shorter", func(s *server, d *Download) { d.Pin.Size = 10_001 }, "shorter than the 10001 bytes of the file", false},
		{"not found", func(s *server, _ *Download) { s.answer = http.NotFound }, "/file: 404 Not Found", false},
		{"server error", func(s *server, _ *Download) {
			s.answer = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }
		}, "502", false},
		{"a part unasked", func(s *server, _ *Download) {
			s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }
		}, "206", false},
		{"no server", func(s *server, _ *Download) { s.Close() }, "connection refused", false},
		{"cut off", func(s *server, _ *Download) { s.cut = 5_000 }, "unexpected EOF", true},
		{"cut off without a hash", func(s *server, d *Download) { s.cut, d.Pin.SHA256 = 5_000, "" }, "unexpected EOF", false},
		{"stalled", func(s *server, d *Download) {
			d.Stall = 50 * time.Millisecond
			s.answer = func(w http.ResponseWriter, r *http.Request) {
				w.Write(data[:5_000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
		}, ErrStalled.Error(), true},
		{"refused by the check", func(_ *server, d *Download) { d.Check = func(string) error { return refused } }, "refused", false},
		{"bad address", func(_ *server, d *Download) { d.URL = "gopher://x" }, "gopher", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, data)
			d := s.download(data)
			test.change(s, &d)
			path := filepath.Join(t.TempDir(), "x")
			err := d.Run(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			want := []string{}
			if test.keeps {
				want = []string{"x" + PartSuffix}
			}
			if diff := cmp.Diff(want, names(t, filepath.Dir(path))); diff != "" {
				t.Errorf("names in the folder (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDownloadKeepsOld checks that a download that fails leaves the file that was there.
func TestDownloadKeepsOld(t *testing.T) {
	data := random(1, 10_000)
	s := serve(t, random(2, 10_000))
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.download(data).Run(t.Context(), path); !errors.Is(err, ErrHash) {
		t.Errorf("error %v", err)
	}
	expect(t, path, []byte("old"))
	s.change(func() { s.data = data })
	if err := s.download(data).Run(t.Context(), path); err != nil {
		t.Error(err)
	}
	expect(t, path, data)
}

func TestDownloadCanceled(t *testing.T) {
	data := random(1, 10_000)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := serve(t, data)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Write(data[:5_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	d := s.download(data)
	d.Progress = func(done, _ int64) {
		if done == 5_000 {
			cancel(stop)
		}
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := d.Run(ctx, path); !errors.Is(err, stop) {
		t.Errorf("canceled in the middle: %v", err)
	}
	if err := d.Run(ctx, path); !errors.Is(err, stop) {
		t.Errorf("canceled before: %v", err)
	}
	s.change(func() { s.answer = nil })
	if err := d.Run(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	expect(t, path, data)
	if last := s.requests[len(s.requests)-1]; last != "bytes=5000-" {
		t.Errorf("the last request is for %q", last)
	}
}

// TestDownloadEndless reads from a server without end, to a pin of a size.
func TestDownloadEndless(t *testing.T) {
	s := serve(t, nil)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}
	d := s.download(nil)
	d.Pin.Size = 12_345
	if err := d.Run(t.Context(), filepath.Join(t.TempDir(), "x")); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("error %v", err)
	}
}

func TestPinCopy(t *testing.T) {
	data := random(1, 5_000)
	pin := Pin{"the file", hexHash(data), 5_000}
	var out bytes.Buffer
	if err := pin.Copy(&out, bytes.NewReader(data)); err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("copied %d bytes, %v", out.Len(), err)
	}
	broken := errors.New("broken disk")
	if err := pin.Copy(io.Discard, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if err := pin.Copy(io.Discard, NewReader(ctx, bytes.NewReader(data), nil)); !errors.Is(err, broken) {
		t.Errorf("canceled: error %v", err)
	}
	var last int64
	if err := pin.Copy(io.Discard, NewReader(t.Context(), bytes.NewReader(data), func(done int64) { last = done })); err != nil || last != 5_000 {
		t.Errorf("progress ended at %d, %v", last, err)
	}
}
