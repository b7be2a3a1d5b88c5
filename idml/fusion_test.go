// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"regexp"
	"strings"
	"testing"

	"introspection/internal/backendtest"
)

// In a training step's compiled program no padding is fused with a matrix product: the pinned CPU plugin would read behind the product's operand. See Embedding.halves.
func TestNoPaddingFusedWithProducts(t *testing.T) {
	programs := backendtest.Compiled(t, func() {
		c := tinyConfig()
		c.Model.EmbeddingSize = 512
		c.Model.BatchNorm = FrozenBatchNorm
		m, err := NewModel(c, 400)
		if err != nil {
			t.Fatal(err)
		}
		stepsOn(t, m, smallData(c), 1)
	})
	computation := regexp.MustCompile(`(?ms)^%(\S+) \(.*?^\}`)
	fused, products := regexp.MustCompile(`calls=%([\w.-]+),.*"__ynn_fusion"`), 0
	for _, text := range programs {
		bodies := map[string]string{}
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
		t.Errorf("%d programs have no fused product with the proxies: does the compiler dump something else now?", len(programs))
	}
}
