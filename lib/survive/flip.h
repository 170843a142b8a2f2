/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_FLIP_H
#define HOTPLUG_SURVIVE_FLIP_H

#include "../core/device.h"

struct flip;

/* With device_lock() held.  Start: what flips, and a thread that lets it; NULL when that
 * cannot be had (it is said, and the driver is only slower).  Stop: waits for the thread. */
struct flip *flip_start(const struct hotplug_device *dev);
void flip_stop(struct flip *flip);

/* Over the region, to be touched piece by piece where the handler answers; all of it at
 * once; or, signal-safe, the chunk at addr. */
int flip_lay_region(const struct flip *flip, struct region *region);
int flip_fill_region(const struct flip *flip, const struct region *region);
int flip_lay_chunk(const struct flip *flip, const struct region *region, uintptr_t addr);

/* Is this mapping the flipping one? */
bool flip_is_mapped(const struct flip *flip, const struct vma *vma);

#endif /* HOTPLUG_SURVIVE_FLIP_H */
