// SPDX-License-Identifier: Apache-2.0

// Package backendtest opens the backend that tests compute on.
package backendtest

import (
	"os"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"introspection/idml/backend"
)

// shared is the backend of the test binary: opening one takes a tenth of a second and starts a pool of threads.
var shared = sync.OnceValues(func() (compute.Backend, error) {
	config := os.Getenv(compute.ConfigEnvVar)
	if config == "" {
		config = "xla:cpu" // not "xla:cuda" even where there is a GPU: tolerances are for the CPU
	}
	return backend.Open(config)
})

// Open returns the backend that GOMLX_BACKEND names, xla:cpu if it is empty: one for all tests of a binary, never finalized.
// It ends the test if the backend can't be opened. It doesn't skip: a test that silently doesn't run is worth nothing.
func Open(t testing.TB) compute.Backend {
	t.Helper()
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
