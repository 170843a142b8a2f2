/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_MAPS_H
#define HOTPLUG_EAL_MAPS_H

#include <stdbool.h>
#include <stdint.h>

/* A resourceN below 36 bridges; one that is cut cannot be mapped again. */
#define VMA_PATH_LEN 512

/* One mapping of this process, as the kernel lists it. */
struct vma {
	uintptr_t start, end;
	uint64_t offset;
	uint64_t inode;                 /* 0: anonymous */
	uint32_t dev_major, dev_minor;
	bool is_readable, is_writable, is_shared;
	char path[VMA_PATH_LEN];        /* cut when longer; "" when none */
};

/* Call fn for each mapping that overlaps [start, end), in order, until it
 * returns other than 0.  Signal-safe: system calls, no libc state.
 * Returns what fn returned last, 0 without any, or -errno. */
int maps_walk(uintptr_t start, uintptr_t end,
	      int (*fn)(const struct vma *vma, void *arg), void *arg);

/* Does that take the same however many mappings there are? */
bool maps_is_quick(void);

/* The same file at the same place in it: may one stand for the other? */
bool maps_is_same(const struct vma *recorded, const struct vma *now);

#endif /* HOTPLUG_EAL_MAPS_H */
