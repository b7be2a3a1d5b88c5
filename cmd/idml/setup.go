// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"introspection/idml/backend"
)

func setupCommand() command {
	return command{
		name:    "setup",
		summary: "find XLA's PJRT plugin, or download and install it",
		usage:   "[--cuda] [--from FILE] [--dir DIR]",
		help: `
Setup looks for an installed plugin where programs look for one. If there is none it
downloads a pinned file from PyPI (or the index in PIP_INDEX_URL), compares its SHA-256,
and installs it into ~/.local/lib/go-xla. No command but setup and weights downloads anything.

Examples:
  $ idml setup                   the plugin for the CPU: 60 MiB to download
  $ idml setup --cuda            for NVIDIA GPUs, with CUDA's libraries: 2.4 GiB
  $ idml setup --from lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl
                                 from a file brought from a machine with a network`,
		run: runSetup,
	}
}

func runSetup(ctx context.Context, env *environment, args []string) error {
	set := env.flags("setup")
	cuda := set.Bool("cuda", false, "install the plugin for NVIDIA GPUs and the CUDA libraries it needs")
	from := set.String("from", "", "install from `file`: a pinned wheel, a folder of the pinned wheels, or a plugin's .so")
	dir := set.String("dir", "", "install into `dir` instead of ~/.local/lib/go-xla")
	if err := env.parse(set, args, 0); err != nil {
		return err
	}
	kind := backend.CPU
	if *cuda {
		kind = backend.CUDA
	}
	line := env.progress()
	fetched := false
	path, err := backend.Install(ctx, backend.InstallOptions{
		Kind: kind, From: *from, Dir: *dir,
		Progress: func(done, total int64) {
			if !fetched && *from == "" {
				env.note("downloading the %s plugin, %d MiB", kind, total>>20)
			}
			fetched = true
			line.update(progressText(done, total))
		},
	})
	line.clear()
	if err != nil {
		return err
	}
	return env.reportPlugin(kind, path, *dir, fetched || *from != "")
}

// progressText returns a line such as "[######------]  50 %  30 of 60 MiB".
func progressText(done, total int64) string {
	const cells = 30
	bar := make([]byte, cells)
	for i := range bar {
		bar[i] = '-'
		if int64(i)*total < done*cells {
			bar[i] = '#'
		}
	}
	return fmt.Sprintf("[%s] %3d %%  %d of %d MiB", bar, 100*done/max(total, 1), done>>20, total>>20)
}

// reportPlugin tells which plugin there is, after having loaded it where that is possible.
func (env *environment) reportPlugin(kind, path, dir string, installed bool) error {
	state := "found"
	if installed {
		state = "installed"
	}
	devices := ""
	if kind == backend.CPU {
		b, err := backend.Open("xla:" + path)
		if err != nil {
			return fmt.Errorf("the plugin is in its place but can't be used: %w", err)
		}
		devices = fmt.Sprintf(" (it works: %s)", b.DeviceDescription(0))
		b.Finalize()
	}
	fmt.Fprintf(env.stdout, "%s the %s plugin: %s%s\n", state, kind, path, devices)
	if dir != "" && !backend.Searched(dir) {
		fmt.Fprintf(env.stdout, "programs find it there with PJRT_PLUGIN_LIBRARY_PATH=%s\n", dir)
	}
	return nil
}
