// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPluginName(t *testing.T) {
	tests := map[string]string{
		"pjrt_c_api_cpu_plugin.so":          "cpu",
		"pjrt_c_api_cpu_v0.114.0_plugin.so": "cpu_v0.114.0",
		"pjrt_c_api_cuda_plugin.so":         "cuda",
		"pjrt-plugin-tpu.so":                "tpu",
		"pjrt_plugin_metal.dylib":           "metal",
		"pjrt_c_api_cpu_plugin.dll":         "cpu",
		"pjrt_c_api_cpu_plugin.so.lock":     "",
		"pjrt_c_api_cpu.so":                 "",
		"libc.so":                           "",
		"":                                  "",
	}
	for file, want := range tests {
		if got := pluginName(file); got != want {
			t.Errorf("pluginName(%q) = %q, want %q", file, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	t.Setenv(pathsEnv, ":"+a+"::"+b)
	if path, ok := Find(CPU); ok {
		t.Fatalf("found %s in empty folders", path)
	}
	expect := func(kind, want string) {
		t.Helper()
		if got, ok := Find(kind); got != want || !ok {
			t.Errorf("Find(%q) = %q, %t, want %q", kind, got, ok, want)
		}
	}
	versioned := filepath.Join(a, "pjrt_c_api_cpu_v0.114.0_plugin.so")
	write(t, versioned, nil)
	expect(CPU, versioned)
	exact := filepath.Join(b, "pjrt_c_api_cpu_plugin.so")
	write(t, exact, nil)
	expect(CPU, exact) // though its folder comes later, as in go-xla
	if err := os.Symlink(filepath.Join(a, "gone"), filepath.Join(a, "pjrt_c_api_cpu_plugin.so")); err != nil {
		t.Fatal(err)
	}
	expect(CPU, exact) // a link to nothing is no plugin
	first := filepath.Join(a, "pjrt_plugin_cpu.so")
	write(t, first, nil)
	expect(CPU, first)
	cuda := filepath.Join(b, nvidiaDir, "pjrt_c_api_cuda_plugin.so")
	write(t, cuda, nil)
	expect(CUDA, cuda)
}

func TestSearchDirsDefault(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("LD_LIBRARY_PATH", "relative:/some/lib:")
	t.Setenv(pathsEnv, "") // so that it is restored
	os.Unsetenv(pathsEnv)
	dirs := searchDirs()
	dir, err := DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	if dirs[0] != dir || !strings.HasPrefix(dir, home) || dirs[1] != filepath.Join(dir, "nvidia") {
		t.Errorf("the user's folder %s doesn't come first: %q", dir, dirs)
	}
	if all := strings.Join(dirs, ":"); !strings.Contains(all, "/some/lib") || strings.Contains(all, "relative") {
		t.Errorf("LD_LIBRARY_PATH isn't followed: %q", dirs)
	}
	if !Searched(dir) || Searched("/elsewhere") {
		t.Error("Searched is wrong")
	}
}

func TestParseLoaderConfig(t *testing.T) {
	dirs, includes := parseLoaderConfig(strings.NewReader(
		"# comment\ninclude /etc/ld.so.conf.d/*.conf more.conf\n\n  /usr/lib/a # why\nrelative\nhwcap 0 nosegneg\n/usr/lib/b\n"))
	if diff := cmp.Diff([]string{"/usr/lib/a", "/usr/lib/b"}, dirs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/etc/ld.so.conf.d/*.conf", "more.conf"}, includes); diff != "" {
		t.Error(diff)
	}
}

func TestLoaderDirs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ld.so.conf")
	write(t, file, []byte("include ld.so.conf\ninclude d/*.conf\n/first\n")) // includes itself
	write(t, filepath.Join(dir, "d", "x.conf"), []byte("/second\n"))
	got := loaderDirs(file, 0)
	if got[0] != "/first" || !strings.Contains(strings.Join(got, " "), "/second") {
		t.Errorf("loaderDirs = %q", got)
	}
	if got := loaderDirs(filepath.Join(dir, "missing"), 0); got != nil {
		t.Errorf("loaderDirs of a missing file = %q", got)
	}
}
