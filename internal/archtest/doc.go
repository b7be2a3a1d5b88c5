// SPDX-License-Identifier: Apache-2.0

// Package archtest holds no code: its test keeps the rules of ARCHITECTURE.md, which package imports which, and the form that
// every file has.
package archtest
