// SPDX-License-Identifier: Apache-2.0

// Package backend finds, installs and opens the XLA backend that everything else computes on.
//
// XLA is reached through a PJRT plugin: a shared library that is loaded when the program runs. The package has three verbs:
// [Find] looks for an installed plugin where go-xla looks for one, [Install] puts a pinned and verified one there, and
// [Open] loads it. Only Install uses the network, and only when it is called: go-xla's habit of downloading a plugin when a
// backend is opened is turned off in every program that imports this package.
//
// # Where plugins are
//
// If PJRT_PLUGIN_LIBRARY_PATH is set, its folders (separated by ":") and nothing else. Otherwise ~/.local/lib/go-xla, its
// subfolder nvidia, the same under /usr/local/lib, then the folders of LD_LIBRARY_PATH and of /etc/ld.so.conf. The first folder
// that holds a plugin of the wanted kind wins. A plugin's file is named pjrt_c_api_KIND_plugin.so, KIND being "cpu" or "cuda".
//
// # What is installed
//
// On linux/amd64, the CPU plugin of a wheel on PyPI (lammps-jax-pjrt-cpu), and for NVIDIA GPUs that of the JAX project
// (jax-cuda13-pjrt) with the CUDA libraries that JAX lists for it. Versions, file names, sizes and SHA-256 are in a table of
// this package; nothing is unpacked before its hash was compared. On other platforms the CPU plugin comes from go-xla's own
// installer, which checks no pinned hash.
//
// # Memory
//
// A program that imports this package has the C library keep the memory that XLA's CPU plugin frees, since the next call of a compiled program takes as much again: a
// training step of ResNet-50 is a fifth faster. [ReleaseMemory] gives it back. The environment variables of mallopt(3) take precedence.
//
// # Caveats
//
// What Install lays out for "cuda" was compared with what go-xla's own installer lays out, and tested with small stand-ins for
// the wheels; it was not run on a GPU. Installing it takes 2.6 GB of downloads and 4.0 GB of disk.
package backend
