// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gomlx/compute"
)

// Compiled returns the text of each program that XLA's CPU compiler makes of what compile has compiled, after its optimizations but for LLVM's. It runs the test, which calls it
// first, in a process of its own, since XLA reads its flags once. It skips the test on another backend.
func Compiled(t *testing.T, compile func()) (programs []string) {
	t.Helper()
	const child = "IDML_TEST_DUMPING"
	if os.Getenv(child) != "" {
		compile()
		t.SkipNow()
	}
	if b := os.Getenv(compute.ConfigEnvVar); b != "" && b != "xla:cpu" {
		t.Skip("it is the CPU plugin's compiler that is tested")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1", "XLA_FLAGS=--xla_dump_hlo_as_text --xla_backend_optimization_level=0 --xla_dump_to="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cpu_after_optimizations.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, string(data))
	}
	return programs
}
