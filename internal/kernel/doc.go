// SPDX-License-Identifier: Apache-2.0

// Package kernel is the Jupyter kernel "IDML (Go)": a program between Jupyter and GoNB, which compiles and runs cells of Go.
//
// [Run] is the kernel. It listens where Jupyter's connection file says, starts GoNB as a child process on sockets in a folder of its
// own, and relays the messages of the protocol 5.4 (https://jupyter-client.readthedocs.io/en/stable/messaging.html), signing them anew:
//
//	Jupyter ── shell, control, stdin, iopub, heartbeat ──► Kernel ── shell, stdin, iopub ──► GoNB ──► a cell's program
//	                                                         └──► idml COMMAND, for lines "%idml COMMAND …"
//
// What it adds to GoNB:
//
//   - The project's packages are imported before the first cell, by a start-up cell.
//   - A cell whose program failed is an error of Jupyter's. GoNB answers "ok" and leaves a line "exit status 2" on the standard
//     error; so "Run All" and nbconvert would go on. See failure.go.
//   - Lines "%idml COMMAND …", and cells "%%idml …" with a configuration as their body, run the project's program as a child process
//     with its progress as one line that is written over: see magic.go and command.go. If XLA brings that down, the kernel stays.
//   - What is queued behind a failed cell is aborted; requests that GoNB leaves unanswered (is_complete, history, comm_info) are
//     answered; an interrupt holds also if it comes while a cell is being compiled.
//   - GoNB's temporary files, and those of cells, lie in a folder that is removed when the kernel ends, however GoNB ended.
//
// [Install] writes the kernelspec.
package kernel
