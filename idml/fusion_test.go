// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// In a training step's compiled program no padding is fused with a matrix product: the pinned CPU plugin would read behind the product's operand. See Embedding.halves.
func TestNoPaddingFusedWithProducts(t *testing.T) {
	const child = "IDML_TEST_DUMPING"
	c := tinyConfig()
	c.Model.EmbeddingSize = 512
	c.Model.BatchNorm = FrozenBatchNorm
	if os.Getenv(child) != "" {
		m, err := NewModel(c, 400)
		if err != nil {
			t.Fatal(err)
		}
		stepsOn(t, m, smallData(c), 1)
		return
	}
	if b := os.Getenv(compute.ConfigEnvVar); b != "" && b != "xla:cpu" {
		t.Skip("it is the CPU plugin's compiler that is tested")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	// XLA reads its flags once in a process.
	cmd.Env = append(os.Environ(), child+"=1", "XLA_FLAGS=--xla_dump_hlo_as_text --xla_backend_optimization_level=0 --xla_dump_to="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cpu_after_optimizations.txt"))
	if err != nil {
		t.Fatal(err)
	}
	computation := regexp.MustCompile(`(?ms)^%(\S+) \(.*?^\}`)
	fused, products := regexp.MustCompile(`calls=%([\w.-]+),.*"__ynn_fusion"`), 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, bodies := string(data), map[string]string{}
		for _, m := range computation.FindAllStringSubmatch(text, -1) {
			bodies[m[1]] = m[0]
		}
		for _, m := range fused.FindAllStringSubmatch(text, -1) {
			body := bodies[m[1]]
			if !strings.Contains(body, " dot(") {
				continue
			}
			if strings.Contains(body, "f32[400,512]") {
				products++
			}
			if strings.Contains(body, " pad(") {
				t.Errorf("a padding is fused with a product:\n%s", body)
			}
		}
	}
	if products == 0 {
		t.Errorf("%d programs have no fused product with the proxies: does the compiler dump something else now?", len(files))
	}
}
