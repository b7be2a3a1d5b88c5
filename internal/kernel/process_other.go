// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernel

import "syscall"

// childAttributes lets a child be the first of a group of processes of its own.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killStrays is for Linux.
func killStrays(string) {}
