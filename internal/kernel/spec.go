// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Name is the name by which Jupyter and notebooks know the kernel.
const Name = "idml"

// A Spec says how Jupyter starts the kernel.
type Spec struct {
	Argv []string          // the program and its arguments; {connection_file} stands for the file's name
	Env  map[string]string // added to Jupyter's environment; ${NAME} stands for a variable of it, which must be set
}

// DataFolder returns the folder of a prefix, such as a virtual environment, in which Jupyter looks for data.
func DataFolder(prefix string) string { return filepath.Join(prefix, "share", "jupyter") }

// Install writes the kernelspec below a folder in which Jupyter looks for data, and returns the file's name. A spec that is there is
// replaced.
func Install(data string, s Spec) (string, error) {
	dir := filepath.Join(data, "kernels", Name)
	text, err := json.MarshalIndent(map[string]any{
		"argv":           s.Argv,
		"display_name":   "IDML (Go)",
		"language":       "go",
		"interrupt_mode": "message",
		"env":            s.Env,
	}, "", " ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("kernel: installing: %w", err)
	}
	file := filepath.Join(dir, "kernel.json")
	partial := file + ".new"
	if err := os.WriteFile(partial, append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("kernel: installing: %w", err)
	}
	if err := os.Rename(partial, file); err != nil {
		return "", fmt.Errorf("kernel: installing: %w", err)
	}
	return file, nil
}
