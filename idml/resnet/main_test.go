// SPDX-License-Identifier: Apache-2.0

package resnet

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets XLA's CPU compiler leave out LLVM's optimizations unless XLA_FLAGS is set or benchmarks are run: most of these tests' time is
// compiling programs that run once.
func TestMain(m *testing.M) {
	flag.Parse()
	if _, set := os.LookupEnv("XLA_FLAGS"); !set && flag.Lookup("test.bench").Value.String() == "" {
		if err := os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
