// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"introspection/internal/fetch"
)

// fakePlugin is a small shared library that exports GetPjrtApi. cgo's compiler makes it, without which nothing here builds.
var fakePlugin = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fakeplugin")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	source, library := filepath.Join(dir, "p.c"), filepath.Join(dir, "p.so")
	if err := os.WriteFile(source, []byte("void *GetPjrtApi(void) { return 0; }\n"), 0o644); err != nil {
		return nil, err
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(library)
})

func plugin(t *testing.T) []byte {
	t.Helper()
	data, err := fakePlugin()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// makeWheel returns a wheel's bytes and what pins them.
func makeWheel(t *testing.T, pkg string, files map[string][]byte, rules ...rule) (wheel, []byte) {
	t.Helper()
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for _, name := range sortedKeys(files) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o644)
		if strings.Contains(name, "/bin/") {
			header.SetMode(0o744) // as in NVIDIA's
		}
		w, err := archive.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(files[name])
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buffer.Bytes())
	return wheel{
		pkg: pkg, version: "1.0", file: strings.ReplaceAll(pkg, "-", "_") + "-1.0-py3-none-any.whl",
		sha256: hex.EncodeToString(sum[:]), size: int64(buffer.Len()), rules: rules,
	}, buffer.Bytes()
}

// cpuWheel returns a stand-in for the CPU plugin's wheel.
func cpuWheel(t *testing.T) (wheel, []byte) {
	t.Helper()
	return makeWheel(t, "some-pjrt-cpu", map[string][]byte{
		"some/pjrt_c_api_cpu_plugin.so":                plugin(t),
		"some/__init__.py":                             []byte("# not needed\n"),
		"some-1.0.dist-info/licenses/LICENSE":          []byte("Apache\n"),
		"some-1.0.dist-info/METADATA":                  []byte("License: Apache-2.0\n"),
		"some-1.0.dist-info/licenses/THIRD/PARTY.text": []byte("others\n"),
	}, rule{"some/pjrt_c_api_cpu_plugin.so", cpuPlugin})
}

// An indexServer is a package index that serves wheels; the fields change what it does.
type indexServer struct {
	*httptest.Server
	files    map[string][]byte                                         // by name
	pinned   map[string]wheel                                          // by package
	html     bool                                                      // answers in HTML
	hash     string                                                    // told for every file, if not empty
	send     func(w http.ResponseWriter, r *http.Request, data []byte) // how a file is sent, if not nil
	requests int
	mu       sync.Mutex
}

func serve(t *testing.T, wheels map[*wheel][]byte) *indexServer {
	t.Helper()
	s := &indexServer{files: map[string][]byte{}, pinned: map[string]wheel{}}
	for w, data := range wheels {
		s.files[w.file] = data
		s.pinned[w.pkg] = *w
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/simple/{package}/", s.page)
	mux.HandleFunc("/files/{file}", s.file)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *indexServer) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	pin, ok := s.pinned[r.PathValue("package")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	hash := pin.sha256
	if s.hash != "" {
		hash = s.hash
	}
	if s.html {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html><html><body>\n<a href=\"/files/other-0.1.tar.gz\">x</a>\n<a data-x='1' href='../../files/%s#sha256=%s'>y</a></body></html>", pin.file, hash)
		return
	}
	w.Header().Set("Content-Type", simpleJSON)
	json.NewEncoder(w).Encode(map[string]any{"files": []map[string]any{
		{"url": "/files/other-0.1.tar.gz", "filename": "other-0.1.tar.gz"},
		{"url": "/files/" + pin.file, "filename": pin.file, "hashes": map[string]string{"sha256": hash}},
	}})
}

func (s *indexServer) file(w http.ResponseWriter, r *http.Request) {
	data := s.files[r.PathValue("file")]
	if s.send != nil {
		s.send(w, r, data)
		return
	}
	w.Write(data)
}

// newJob returns an installation of the wheels into dir, from s.
func newJob(dir string, s *indexServer, wheels ...wheel) *job {
	return &job{
		InstallOptions: InstallOptions{Kind: CPU, Dir: dir},
		platform:       wheelPlatform,
		wheels:         wheels,
		plugin:         cpuPlugin,
		source:         []string{s.URL + "/simple"},
		client:         s.Client(),
		stall:          fetch.StallTimeout,
	}
}

// tree returns the regular files under dir, with slashes.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func onlyLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("wheels are installed on Linux only")
	}
}

func TestInstallDownloads(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	for _, html := range []bool{false, true} {
		t.Run(fmt.Sprintf("html=%t", html), func(t *testing.T) {
			dir := filepath.Join(dir, fmt.Sprint(html))
			s := serve(t, map[*wheel][]byte{&w: data})
			s.html = html
			j := newJob(dir, s, w)
			var last int64
			j.Progress = func(done, total int64) {
				if done < last || total != w.size {
					t.Errorf("progress %d of %d after %d", done, total, last)
				}
				last = done
			}
			path, err := j.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dir, cpuPlugin); path != want {
				t.Errorf("installed %s, want %s", path, want)
			}
			if last != w.size {
				t.Errorf("progress ended at %d of %d", last, w.size)
			}
			want := []string{
				"licenses/some-pjrt-cpu-1.0/LICENSE", "licenses/some-pjrt-cpu-1.0/METADATA",
				"licenses/some-pjrt-cpu-1.0/THIRD/PARTY.text", cpuPlugin,
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, plugin(t)) {
				t.Errorf("the plugin isn't the wheel's (%v)", err)
			}
			s.Close() // the second time needs no network
			if again, err := newJob(dir, s, w).run(t.Context()); err != nil || again != path {
				t.Errorf("the second time: %q, %v", again, err)
			}
		})
	}
}

func TestInstallFailuresLeaveNothing(t *testing.T) {
	onlyLinux(t)
	w, data := cpuWheel(t)
	flipped := bytes.Clone(data)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name  string
		setup func(s *indexServer, j *job)
		want  string
	}{
		{"corrupted", func(s *indexServer, j *job) { s.files[w.file] = flipped }, w.sha256},
		{"longer", func(s *indexServer, j *job) { s.files[w.file] = append(bytes.Clone(data), 0) }, "longer than"},
		{"shorter", func(s *indexServer, j *job) { s.files[w.file] = data[:len(data)-1] }, "shorter than"},
		{"cut off", func(s *indexServer, j *job) {
			s.send = func(rw http.ResponseWriter, _ *http.Request, data []byte) {
				rw.Header().Set("Content-Length", fmt.Sprint(len(data)))
				rw.Write(data[:len(data)/2])
			}
		}, "unexpected EOF"},
		{"stalled", func(s *indexServer, j *job) {
			j.stall = 50 * time.Millisecond
			s.send = func(rw http.ResponseWriter, r *http.Request, data []byte) {
				rw.Write(data[:len(data)/2])
				rw.(http.Flusher).Flush()
				<-r.Context().Done()
			}
		}, fetch.ErrStalled.Error()},
		{"other hash in the index", func(s *indexServer, j *job) { s.hash = strings.Repeat("0", 64) }, "000000"},
		{"not in the index", func(s *indexServer, j *job) {
			s.pinned[w.pkg] = wheel{pkg: w.pkg, file: "some_pjrt_cpu-2.0-py3-none-any.whl"}
		}, "has no " + w.file},
		{"no such package", func(s *indexServer, j *job) { delete(s.pinned, w.pkg) }, "404"},
		{"no server", func(s *indexServer, j *job) { s.Close() }, "connection refused"},
		{"file is gone", func(s *indexServer, j *job) {
			s.send = func(rw http.ResponseWriter, r *http.Request, _ []byte) { http.Error(rw, "no", http.StatusGone) }
		}, "410"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := isolate(t)
			s := serve(t, map[*wheel][]byte{&w: data})
			j := newJob(dir, s, w)
			test.setup(s, j)
			path, err := j.run(t.Context())
			if err == nil {
				t.Fatalf("installed %s", path)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q doesn't tell %q", err, test.want)
			}
			if got := tree(t, dir); len(got) != 0 {
				t.Errorf("left behind: %q", got)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestInstallCanceled(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.send = func(rw http.ResponseWriter, r *http.Request, data []byte) {
		rw.Write(data[:len(data)/2])
		rw.(http.Flusher).Flush()
		cancel(stop)
		<-r.Context().Done()
	}
	if _, err := newJob(dir, s, w).run(ctx); !errors.Is(err, stop) {
		t.Errorf("canceled in the middle: %v", err)
	}
	if _, err := newJob(dir, s, w).run(ctx); !errors.Is(err, stop) {
		t.Errorf("canceled before: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestInstallConcurrently(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			path, err := newJob(dir, s, w).run(t.Context())
			if err != nil {
				t.Error(err)
			} else if err := checkPlugin(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := tree(t, dir); len(got) != 4 {
		t.Errorf("files: %q", got)
	}
}

func TestInstallReplacesBroken(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	write(t, filepath.Join(dir, cpuPlugin), []byte("cut off"))
	path, err := newJob("", s, w).run(t.Context()) // finds the broken one by itself
	if err != nil {
		t.Fatal(err)
	}
	if err := checkPlugin(path); err != nil {
		t.Error(err)
	}
}

func TestInstallNamesBrokenInFront(t *testing.T) {
	onlyLinux(t)
	front, dir := t.TempDir(), t.TempDir()
	t.Setenv(pathsEnv, front+":"+dir)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	broken := filepath.Join(front, cpuPlugin)
	write(t, broken, []byte("cut off"))
	if _, err := newJob(dir, s, w).run(t.Context()); !errors.Is(err, ErrBadPlugin) || !strings.Contains(err.Error(), broken) {
		t.Errorf("a broken plugin comes first: %v", err)
	}
}

func TestInstallSecondIndex(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	j := newJob(dir, s, w)
	j.source = []string{s.URL + "/empty", s.URL + "/simple/"}
	if _, err := j.run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInstallClearsAbandoned(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	w, data := cpuWheel(t)
	s := serve(t, map[*wheel][]byte{&w: data})
	old, recent := filepath.Join(dir, stagingPrefix+"1"), filepath.Join(dir, stagingPrefix+"2")
	write(t, filepath.Join(old, "part"), nil)
	write(t, filepath.Join(recent, "part"), nil)
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := newJob(dir, s, w).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there", old)
	}
	if _, err := os.Stat(recent); err != nil {
		t.Errorf("the folder of an installation under way was removed: %v", err)
	}
}

func TestInstallUnknownKind(t *testing.T) {
	if _, err := Install(t.Context(), InstallOptions{Kind: "tpu"}); err == nil || !strings.Contains(err.Error(), `"tpu"`) {
		t.Errorf("kind tpu: %v", err)
	}
}

func TestInstallFindsInstalled(t *testing.T) {
	want := realPlugin(t)
	got, err := Install(t.Context(), InstallOptions{Kind: CPU})
	if err != nil || got != want {
		t.Errorf("Install = %q, %v, want the installed %q", got, err, want)
	}
}
