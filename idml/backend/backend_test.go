// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// isolate gives the test a home and a search path of its own: the returned folder, which is empty.
func isolate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", t.TempDir())
	t.Setenv(pathsEnv, dir)
	t.Setenv(compute.ConfigEnvVar, "")
	return dir
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// realPlugin returns the CPU plugin that is installed on this machine; Open's tests can't do without.
func realPlugin(t *testing.T) string {
	t.Helper()
	path, ok := Find(CPU)
	if !ok {
		t.Fatal(missing(CPU))
	}
	return path
}

func TestOpen(t *testing.T) {
	path := realPlugin(t)
	linked := filepath.Join(t.TempDir(), "some,folder") // a path that go-xla would take for options
	for _, config := range []string{"xla:cpu", "xla:" + path, "xla:cpu,shared_buffers=false", "stablehlo:cpu"} {
		b, err := Open(config)
		if err != nil {
			t.Fatalf("Open(%q): %v", config, err)
		}
		if b.NumDevices() < 1 {
			t.Errorf("Open(%q) has no device", config)
		}
		b.Finalize()
	}
	if !misleading(CPU, filepath.Join(linked, "pjrt_c_api_cpu_plugin.so")) {
		t.Error("a path with a comma would be given to go-xla as it is")
	}
}

func TestOpenEnvironment(t *testing.T) {
	realPlugin(t)
	t.Setenv(compute.ConfigEnvVar, "nonsense")
	if _, err := Open(""); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("Open doesn't follow %s: %v", compute.ConfigEnvVar, err)
	}
	for _, config := range []string{"", "xla"} {
		t.Setenv(compute.ConfigEnvVar, config)
		b, err := Open("")
		if err != nil {
			t.Fatal(err)
		}
		b.Finalize()
	}
}

func TestOpenErrors(t *testing.T) {
	real, err := os.ReadFile(realPlugin(t))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable() // a whole ELF file, but no plugin
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	const file = "pjrt_c_api_cpu_plugin.so"
	tests := []struct {
		name, config string
		file         string // name of the plugin's file, "" for none
		data         []byte
		want         error
		text         string
	}{
		{"no cpu plugin", "xla:cpu", "", nil, ErrNoPlugin, "`idml setup`"},
		{"no plugin, default", "", "", nil, ErrNoPlugin, "`idml setup`"},
		{"no cuda plugin", "xla:cuda", file, real, ErrNoPlugin, "`idml setup --cuda`"},
		{"no other plugin", "xla:tpu", file, real, ErrNoPlugin, `"tpu"`},
		{"no such file", "xla:/nowhere/pjrt.so", "", nil, ErrNoPlugin, "/nowhere/pjrt.so"},
		{"empty file", "xla:cpu", file, nil, ErrBadPlugin, file},
		{"not a library", "xla:cpu", file, []byte("<html>not found</html>"), ErrBadPlugin, file},
		{"cut off", "xla:cpu", file, real[:1<<20], ErrBadPlugin, file},
		{"no PJRT plugin", "xla:cpu", file, program, ErrBadPlugin, "GetPjrtApi"},
		{"unknown backend", "tensorflow", "", nil, nil, `"tensorflow"`},
		{"unknown option", "xla:cpu,speed=9", file, real, nil, "speed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := isolate(t)
			if test.file != "" {
				write(t, filepath.Join(dir, test.file), test.data)
			}
			b, err := Open(test.config)
			if err == nil {
				b.Finalize()
				t.Fatal("no error")
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %q doesn't wrap %q", err, test.want)
			}
			if text := err.Error(); !strings.Contains(text, test.text) || strings.Contains(text, "\n") {
				t.Errorf("error %q: want one line with %q", text, test.text)
			}
			if errors.Is(err, ErrNoPlugin) && test.file == "" && !strings.Contains(test.config, "/") && !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q doesn't tell where it was looked for: %s", err, dir)
			}
		})
	}
}

func TestConstructRecovers(t *testing.T) {
	_, err := construct("xla:cpu", func() (compute.Backend, error) {
		var b compute.Backend
		return b, errors.New(b.Name()) // nil: panics as go-xla's search does at a broken plugin
	})
	if !errors.Is(err, ErrBadPlugin) {
		t.Errorf("a panic became %v", err)
	}
}

func TestMisleading(t *testing.T) {
	tests := []struct {
		plugin, path string
		want         bool
	}{
		{"cpu", "/home/a/.local/lib/go-xla/pjrt_c_api_cpu_plugin.so", false},
		{"cpu", "/home/cuda/.local/lib/go-xla/pjrt_c_api_cpu_plugin.so", true},
		{"cpu", "/opt/nvidia/pjrt_c_api_cpu_plugin.so", true},
		{"cpu", "/a,b/pjrt_c_api_cpu_plugin.so", true},
		{"cuda", "/home/a/.local/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so", false},
		{"cuda", "/home/cpu/.local/lib/go-xla/nvidia/pjrt_c_api_cuda_plugin.so", true},
		{"tpu", "/usr/lib/pjrt_c_api_tpu_plugin.so", false},
	}
	for _, test := range tests {
		if got := misleading(test.plugin, test.path); got != test.want {
			t.Errorf("misleading(%q, %q) = %t", test.plugin, test.path, got)
		}
	}
}

func TestCheckPluginMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux's plugins are checked before they are loaded")
	}
	data, err := os.ReadFile(realPlugin(t))
	if err != nil {
		t.Fatal(err)
	}
	data[18], data[19] = 0x28, 0 // e_machine: 32-bit ARM
	name := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
	write(t, name, data)
	if err := checkPlugin(name); !errors.Is(err, ErrBadPlugin) || !strings.Contains(err.Error(), "EM_ARM") {
		t.Errorf("a plugin for another processor: %v", err)
	}
}

func TestPrecision(t *testing.T) {
	for _, test := range []struct{ plugin, options, want string }{
		{"cuda", "", ",tf32=false"},
		{"/opt/nvidia/pjrt_plugin.so", "preallocate=true", ",tf32=false"},
		{"cuda", "tf32=true", ""},
		{"cuda", "preallocate=true,tf32", ""},
		{"cuda", "notf32", ""},
		{"cpu", "", ""},
	} {
		if got := precision(test.plugin, test.options); got != test.want {
			t.Errorf("%s with %q: got %q, want %q", test.plugin, test.options, got, test.want)
		}
	}
}
