/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_LOOKERS_H
#define HOTPLUG_WATCH_LOOKERS_H

#include "../core/device.h"

/* look: what they do with a device; it may block. */
int lookers_start(void (*look)(struct hotplug_device *dev));
void lookers_stop(void);        /* a look that blocks is left behind */

/* Into the row, once. */
void lookers_put(struct hotplug_device *dev);
/* When somebody has to be woken if nothing happens: looks wait, and all who look are kept.
 * UINT64_MAX: no need. */
uint64_t lookers_keep(void);

#endif /* HOTPLUG_WATCH_LOOKERS_H */
