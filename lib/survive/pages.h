/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_PAGES_H
#define HOTPLUG_SURVIVE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/device.h"
#include "../eal/maps.h"

/* What the files are called that are laid (/memfd:...): no one else's are. */
#define PAGES_NAME "hotplug-"

/* What is laid where somebody touches a cut-off BAR. */
#define CUTOFF_CHUNK (64u * 1024)

/* Prepare.  is_answered: somebody answers faults (else BARs are filled whole). */
void pages_start(bool is_answered);
void pages_stop(void);

/* A nameless file in memory, or -errno. */
int pages_memory_file(const char *name);

/* Is this region laid piece by piece, as it is touched?  How long is a piece at most? */
bool pages_is_lazy(const struct region *region);
size_t pages_piece_len(const struct region *region);
/* Lay the empty file over the BAR, or readable pages where nobody answers faults. */
int pages_cut_region(struct region *region);
/* Make all of it readable, for good; or the chunk at addr. */
int pages_lay_region(struct region *region);
int pages_lay_chunk(struct region *region, uintptr_t addr);
/* The same where there is no region; at most a chunk. */
int pages_lay_ones(uintptr_t start, size_t len);

/* Is that one of the files that are laid, or have been before the library was disabled? */
bool pages_is_file(const struct vma *vma);

#endif /* HOTPLUG_SURVIVE_PAGES_H */
