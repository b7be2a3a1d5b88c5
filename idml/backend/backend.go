// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
)

// Kinds of plugins that [Find] and [Install] know by name.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// ErrNoPlugin is wrapped by the error of [Open] when the PJRT plugin that was asked for is not installed.
var ErrNoPlugin = errors.New("no PJRT plugin")

// ErrBadPlugin is wrapped by the errors of [Open] and [Install] when a plugin's file is there but can't be used: it is cut
// off, made for another processor, or not a PJRT plugin.
var ErrBadPlugin = errors.New("broken PJRT plugin")

// xlaNames are the names under which go-xla registers its backend.
var xlaNames = []string{"xla", "stablehlo", "hlo", "shlo"}

// go-xla reads GOMLX_NO_AUTO_INSTALL when its package is initialized, too early for a program to set it, and keeps the answer
// in a global: hence an init function.
func init() { xla.EnableAutoInstall(false) }

// Open opens the backend that config names, in GoMLX's form "xla:PLUGIN" or "xla:PLUGIN,OPTION=VALUE,…". PLUGIN is "cpu",
// "cuda", another plugin's name or the absolute path of a plugin's file.
//
// An empty config stands for the environment variable GOMLX_BACKEND, and where that is empty too (or names no plugin:
// "xla"), for "xla:cuda" if there is an NVIDIA device and a CUDA plugin, else "xla:cpu". Names of other backends that the
// program has registered with GoMLX's compute package are accepted.
//
// On CUDA, matrix products are computed in full float32 unless OPTION says "tf32=true", so that losses, distances and neighbors are; convolutions are in TF32 unless the
// environment has NVIDIA_TF32_OVERRIDE=0.
//
// Open never installs anything. The errors wrap [ErrNoPlugin] or [ErrBadPlugin] where they apply, and are one line.
// The caller finalizes the backend.
func Open(config string) (compute.Backend, error) {
	if config == "" {
		config = os.Getenv(compute.ConfigEnvVar)
	}
	if config == "" {
		config = "xla"
	}
	name, pluginConfig, _ := strings.Cut(config, ":")
	if !slices.Contains(xlaNames, name) {
		if !slices.Contains(compute.List(), name) {
			return nil, fmt.Errorf("backend: no backend is called %q: use xla:cpu or xla:cuda", name)
		}
		return construct(config, func() (compute.Backend, error) { return compute.NewWithConfig(config) })
	}
	plugin, options, hasOptions := strings.Cut(pluginConfig, ",")
	if plugin == "" {
		plugin = preferredKind()
	}
	location, err := locate(plugin)
	if err != nil {
		return nil, err
	}
	if hasOptions {
		location += "," + options
	}
	return construct("xla:"+plugin, func() (compute.Backend, error) { return xla.New(location + precision(plugin, options)) })
}

// precision returns the option of matrix products in full float32, for CUDA if the options don't speak of it.
func precision(plugin, options string) string {
	speaks := slices.ContainsFunc(strings.Split(options, ","), func(option string) bool {
		key, _, _ := strings.Cut(option, "=")
		return key == "tf32" || key == "notf32"
	})
	if speaks || !isCUDA(plugin) {
		return ""
	}
	return ",tf32=false"
}

// isCUDA tells whether go-xla takes a plugin of this name or path for the CUDA one.
func isCUDA(plugin string) bool {
	upper := strings.ToUpper(plugin)
	return strings.Contains(upper, "CUDA") || strings.Contains(upper, "NVIDIA")
}

// preferredKind returns "cuda" where there is an NVIDIA device and a plugin for it, else "cpu".
func preferredKind() string {
	if _, ok := Find(CUDA); ok && installer.HasNvidiaGPU() {
		return CUDA
	}
	return CPU
}

// locate turns a plugin's name into what go-xla is to be asked for: the absolute path, so that no other plugin is loaded on
// the way (go-xla's search loads all it finds, and dereferences nil at one that is broken).
func locate(plugin string) (string, error) {
	path := plugin
	if !filepath.IsAbs(plugin) {
		found, ok := Find(plugin)
		if !ok {
			return "", missing(plugin)
		}
		path = found
	} else if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("backend: %w: %w", ErrNoPlugin, err)
	}
	if err := checkPlugin(path); err != nil {
		return "", err
	}
	if !filepath.IsAbs(plugin) && misleading(plugin, path) {
		return plugin, nil
	}
	return path, nil
}

// misleading tells whether go-xla, which looks for "cpu", "cuda" and "nvidia" in the whole path to know what a plugin is and
// for commas to find options, would take the plugin at path for something else.
func misleading(plugin, path string) bool {
	upper := strings.ToUpper(path)
	isCPU := strings.Contains(upper, "CPU")
	return strings.Contains(path, ",") ||
		isCUDA(path) != strings.HasPrefix(plugin, CUDA) || isCPU != strings.HasPrefix(plugin, CPU)
}

// missing returns the error for a plugin that isn't installed.
func missing(plugin string) error {
	command := ""
	switch plugin {
	case CPU:
		command = ": run `idml setup`"
	case CUDA:
		command = ": run `idml setup --cuda`"
	}
	return fmt.Errorf("backend: %w %q in %s%s", ErrNoPlugin, plugin, describeSearch(), command)
}

// construct calls open and makes an error of a panic in it, so that no fault of a plugin ends the program.
func construct(config string, open func() (compute.Backend, error)) (b compute.Backend, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("backend: opening %s: %w: %v", config, ErrBadPlugin, r)
		}
	}()
	b, err = open()
	if err != nil {
		return nil, fmt.Errorf("backend: opening %s: %w", config, err)
	}
	return b, nil
}
