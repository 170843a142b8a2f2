/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_FLIP_H
#define HOTPLUG_SURVIVE_FLIP_H

#include "../core/device.h"

struct flip;

/* With device_lock() held.  Start: the registers of a cut-off device flip, as long
 * as its driver is at work; NULL when that cannot be had (it is only slower).
 * Stop: waits for the thread; the caller cuts the regions off again. */
struct flip *flip_start(const struct hotplug_device *dev);
void flip_stop(struct flip *flip);      /* NULL is fine */

/* Is this mapping the flipping one? */
bool flip_is_mapped(const struct flip *flip, const struct vma *vma);

#endif /* HOTPLUG_SURVIVE_FLIP_H */
