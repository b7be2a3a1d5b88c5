// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"os"
	"testing"
)

// TestMain lets XLA's CPU compiler leave out LLVM's optimizations unless XLA_FLAGS is set: most of these tests' time is compiling programs
// that run once. What is compiled for speed is tested where whole runs are: by the program and the notebooks.
func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("XLA_FLAGS"); !set {
		if err := os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
