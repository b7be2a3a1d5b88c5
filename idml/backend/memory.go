// SPDX-License-Identifier: Apache-2.0

package backend

// XLA's CPU plugin allocates the memory of all intermediate values anew at every call of a program: a gigabyte for a training step of ResNet-50, which the C library
// by default takes from the system and gives back each time, so that a fifth of a step's time goes into clearing pages. So let the C library keep what it has: no
// allocation apart from its heap, no heap given back before ReleaseMemory, and one heap for all threads, since only the first can grow to any size. The heaps of threads
// are chosen when they first allocate: it must be said before main.
//
// What the variables of mallopt(3) and the tunables glibc.malloc say takes precedence.

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#include <string.h>

static void set(int parameter, int value, const char *variable) {
	const char *tunables = getenv("GLIBC_TUNABLES");
	if (!getenv(variable) && !(tunables && strstr(tunables, "glibc.malloc."))) mallopt(parameter, value);
}

__attribute__((constructor)) static void keepMemory(void) {
	set(M_MMAP_MAX, 0, "MALLOC_MMAP_MAX_");
	set(M_TRIM_THRESHOLD, -1, "MALLOC_TRIM_THRESHOLD_");
	set(M_TOP_PAD, 4 << 20, "MALLOC_TOP_PAD_");
	set(M_ARENA_MAX, 1, "MALLOC_ARENA_MAX");
}

static void releaseMemory(void) { malloc_trim(0); }
#else
static void releaseMemory(void) {}
#endif
*/
import "C"

// ReleaseMemory gives back to the system what the plugin's programs no longer hold. Without it, their memory stays with the process and is used again, which makes the
// next call faster.
func ReleaseMemory() { C.releaseMemory() }
