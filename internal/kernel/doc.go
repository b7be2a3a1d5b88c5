// SPDX-License-Identifier: Apache-2.0

// Package kernel is the Jupyter kernel "IDML (Go)": a program between Jupyter and GoNB, which compiles and runs cells of Go.
//
// [Run] is the kernel. It listens where Jupyter's connection file says, starts GoNB as a child process on sockets in a folder of its
// own, and relays the messages of the protocol 5.4 (https://jupyter-client.readthedocs.io/en/stable/messaging.html), signing them anew:
//
//	Jupyter ── shell, control, stdin, iopub, heartbeat ──► Kernel ── shell, stdin, iopub ──► GoNB ──► a cell's program
//	                                                         └──► worker, for lines "%idml COMMAND …"
//
// What it adds to GoNB:
//
//   - The project's packages are imported before the first cell, by a start-up cell.
//   - A cell whose program failed is an error of Jupyter's. GoNB answers "ok" and leaves a line "exit status 2" on the standard
//     error; so "Run All" and nbconvert would go on. See failure.go.
//   - Lines "%idml COMMAND …", and cells "%%idml …" with a configuration as their body, are commands of the project's program: see magic.go and
//     command.go. They run in one child process, a worker, that keeps in memory what the next command may need: see worker.go and, for
//     the program's side, [Server]. If XLA brings that down, the kernel stays, and the next command starts another one.
//   - What is queued behind a failed cell is aborted; requests that GoNB leaves unanswered (is_complete, history, comm_info) are
//     answered; an interrupt holds also if it comes while a cell is being compiled.
//   - GoNB's temporary files, and those of cells, lie in a folder that is removed when the kernel ends, however GoNB ended.
//
// [Install] writes the kernelspec. Of the program, the kernel knows how it is started, and nothing else.
package kernel
