// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"debug/elf"
	"fmt"
	"runtime"
)

// apiSymbol is the one function that a PJRT plugin must export.
const apiSymbol = "GetPjrtApi"

// machines maps GOARCH to the processor that a shared library names.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64,
	"arm64": elf.EM_AARCH64,
}

// checkPlugin returns an error wrapping [ErrBadPlugin] if the file can't be a plugin for this machine. It reads the file's
// tables only, in less than a millisecond, and so finds a file that was cut off (its table of sections is at the end) before
// the dynamic loader maps it. Other systems than Linux leave the check to their loader.
func checkPlugin(path string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("backend: %w %s: not a whole shared library: %w", ErrBadPlugin, path, err)
	}
	defer f.Close()
	if want, ok := machines[runtime.GOARCH]; ok && f.Machine != want {
		return fmt.Errorf("backend: %w %s: made for %v, this machine is %v", ErrBadPlugin, path, f.Machine, want)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("backend: %w %s: reading its symbols: %w", ErrBadPlugin, path, err)
	}
	for _, symbol := range symbols {
		if symbol.Name == apiSymbol && symbol.Section != elf.SHN_UNDEF {
			return nil
		}
	}
	return fmt.Errorf("backend: %w %s: it doesn't export %s", ErrBadPlugin, path, apiSymbol)
}
