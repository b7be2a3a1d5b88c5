// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"os"
	"testing"
)

// TestMain lets XLA's CPU compiler leave out LLVM's optimizations unless XLA_FLAGS is set: the programs that are compiled here run for moments.
func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("XLA_FLAGS"); !set {
		if err := os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
