// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestInstallFrom(t *testing.T) {
	onlyLinux(t)
	w, data := cpuWheel(t)
	other, otherData := makeWheel(t, "other", map[string][]byte{"a": nil})
	source := t.TempDir()
	write(t, filepath.Join(source, w.file), data)
	write(t, filepath.Join(source, "renamed.whl"), data)
	write(t, filepath.Join(source, other.file), otherData)
	write(t, filepath.Join(source, "flipped.whl"), append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1))
	write(t, filepath.Join(source, "libpjrt.so"), plugin(t))
	write(t, filepath.Join(source, "text.so"), []byte("not a library"))
	tests := []struct {
		from, want string // want: part of the error, "" for success
	}{
		{w.file, ""},
		{"renamed.whl", ""},
		{"libpjrt.so", ""},
		{"", ""}, // the folder
		{"flipped.whl", w.sha256},
		{other.file, "shorter than"},
		{"text.so", "not a whole shared library"},
		{"missing.whl", "no such file"},
	}
	for _, test := range tests {
		t.Run(test.from, func(t *testing.T) {
			dir := isolate(t)
			s := serve(t, nil)
			s.Close() // no network
			j := newJob(dir, s, w)
			j.From = filepath.Join(source, test.from)
			path, err := j.run(t.Context())
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v doesn't tell %q", err, test.want)
				}
				if entries, _ := os.ReadDir(dir); len(entries) != 0 {
					t.Errorf("left behind: %v", entries)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, plugin(t)) {
				t.Errorf("the plugin isn't the source's (%v)", err)
			}
			if _, err := os.Stat(j.From); err != nil {
				t.Errorf("the source is gone: %v", err)
			}
		})
	}
}

// cudaJob returns an installation of two small stand-ins for the CUDA wheels.
func cudaJob(t *testing.T, dir string) (*job, *indexServer) {
	t.Helper()
	p, pluginData := makeWheel(t, "jax-cuda13-pjrt", map[string][]byte{
		"jax_plugins/xla_cuda13/xla_cuda_plugin.so":  plugin(t),
		"jax_cuda13_pjrt-1.0.dist-info/METADATA":     []byte("License: Apache-2.0\n"),
		"jax_cuda13_pjrt-1.0.dist-info/entry_points": nil,
	}, cudaWheels[0].rules...)
	n, nvidiaData := makeWheel(t, "nvidia-cublas", map[string][]byte{
		"nvidia/cu13/lib/libcublas.so.13":                         []byte("a"),
		"nvidia/cu13/lib/libcublasLt.so.13":                       []byte("b"),
		"nvidia/cu13/bin/ptxas":                                   []byte("c"),
		"nvidia_cublas-1.0.dist-info/licenses/License.txt":        []byte("NVIDIA\n"),
		"nvidia_cublas-1.0.dist-info/licenses/not/../License.txt": []byte("NVIDIA\n"),
	}, nvidiaRules...)
	s := serve(t, map[*wheel][]byte{&p: pluginData, &n: nvidiaData})
	j := newJob(dir, s, p, n)
	j.Kind, j.plugin = CUDA, cudaPlugin
	return j, s
}

func TestInstallCUDA(t *testing.T) {
	onlyLinux(t)
	isolate(t)
	lib := t.TempDir()
	dir := filepath.Join(lib, "go-xla")
	write(t, filepath.Join(dir, nvidiaDir, "cu12", "old"), nil)
	j, s := cudaJob(t, dir)
	path, err := j.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"go-xla/nvidia/bin/ptxas",
		"go-xla/nvidia/cu13/bin/ptxas",
		"go-xla/nvidia/cu13/lib/libcublas.so.13",
		"go-xla/nvidia/cu13/lib/libcublasLt.so.13",
		"go-xla/nvidia/licenses/jax-cuda13-pjrt-1.0/METADATA",
		"go-xla/nvidia/licenses/nvidia-cublas-1.0/License.txt",
		"go-xla/nvidia/pjrt_c_api_cuda_plugin.so",
		"libcublas.so.13",
		"libcublasLt.so.13",
	}
	if diff := cmp.Diff(want, tree(t, lib)); diff != "" {
		t.Error(diff)
	}
	if path != filepath.Join(dir, cudaPlugin) {
		t.Errorf("installed %s", path)
	}
	for name, content := range map[string]string{"go-xla/nvidia/bin/ptxas": "c", "libcublas.so.13": "a", "libcublasLt.so.13": "b"} {
		if got, err := os.ReadFile(filepath.Join(lib, name)); err != nil || string(got) != content {
			t.Errorf("%s leads to %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "nvidia/bin/ptxas")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("ptxas has mode %v, %v", info, err)
	}
	s.Close()
	if again, err := j.run(t.Context()); err != nil || again != path {
		t.Errorf("the second time: %q, %v", again, err)
	}
}

func TestInstallCUDAFailureKeepsOld(t *testing.T) {
	onlyLinux(t)
	isolate(t)
	dir := filepath.Join(t.TempDir(), "go-xla")
	old := filepath.Join(dir, nvidiaDir, "cu13", "lib", "old")
	write(t, old, nil)
	j, s := cudaJob(t, dir)
	s.files[j.wheels[1].file] = []byte("something else") // the last wheel fails
	if _, err := j.run(t.Context()); err == nil {
		t.Fatal("installed")
	}
	if diff := cmp.Diff([]string{"nvidia/cu13/lib/old"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestInstallCUDANeedsAllWheels(t *testing.T) {
	onlyLinux(t)
	dir := isolate(t)
	j, _ := cudaJob(t, dir)
	j.From = filepath.Join(t.TempDir(), "one.whl")
	write(t, j.From, nil)
	if _, err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), "give a folder") {
		t.Errorf("one of two wheels: %v", err)
	}
	j, _ = cudaJob(t, dir)
	j.platform = "linux/arm64"
	if _, err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), "linux/arm64") {
		t.Errorf("another platform: %v", err)
	}
}

func TestReplaceLinkKeepsFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "libcublas.so.13")
	write(t, name, []byte("the system's"))
	if err := replaceLink("x", name); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("a file was replaced: %v", err)
	}
}

func TestExtractErrors(t *testing.T) {
	tests := []struct{ name, member, want string }{
		{"escapes", "nvidia/../../outside", "leads out"},
		{"absolute", "nvidia//etc/passwd", ""},
		{"nothing matches", "other/file", "holds no nvidia/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			w, data := makeWheel(t, "evil", map[string][]byte{test.member: []byte("x")}, nvidiaRules...)
			f, err := os.Create(filepath.Join(dir, "wheel"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			f.Write(data)
			err = w.extract(t.Context(), f, filepath.Join(dir, "a", "b"))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "a", "outside")); !errors.Is(err, os.ErrNotExist) {
				t.Error("a file was written outside the folder")
			}
		})
	}
}

func TestPinnedWheels(t *testing.T) {
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	seen := map[string]bool{}
	for _, w := range slices.Concat(cpuWheels, cudaWheels) {
		if prefix := strings.ReplaceAll(w.pkg, "-", "_") + "-" + w.version + "-"; !strings.HasPrefix(w.file, prefix) {
			t.Errorf("%s %s has the file %s", w.pkg, w.version, w.file)
		}
		if !hash.MatchString(w.sha256) || seen[w.sha256] || w.size < 1<<20 || len(w.rules) == 0 || !strings.HasSuffix(w.file, "x86_64.whl") {
			t.Errorf("%s is pinned wrongly: %+v", w.pkg, w)
		}
		seen[w.sha256] = true
	}
}

func TestIndexes(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want []string
	}{
		{nil, []string{pypi}},
		{map[string]string{"PIP_INDEX_URL": "https://a/simple", "UV_INDEX_URL": "https://b"}, []string{"https://a/simple"}},
		{map[string]string{"UV_DEFAULT_INDEX": "https://c"}, []string{"https://c"}},
		{map[string]string{"PIP_EXTRA_INDEX_URL": " https://d  https://e "}, []string{pypi, "https://d", "https://e"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, newIndexes(func(k string) string { return test.env[k] })); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzLinks(f *testing.F) {
	f.Add([]byte(`{"files":[{"url":"a","hashes":{"sha256":"b"}}]}`))
	f.Add([]byte(`<a href="x#sha256=y">`))
	f.Fuzz(func(t *testing.T, page []byte) {
		linksJSON(page)
		linksHTML(page)
	})
}
