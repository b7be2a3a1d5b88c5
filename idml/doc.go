// SPDX-License-Identifier: Apache-2.0

// Package idml is introspective deep metric learning.
package idml
