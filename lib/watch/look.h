/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_LOOK_H
#define HOTPLUG_WATCH_LOOK_H

#include "../core/device.h"

/* All but the threads' own are watch's. */
int look_start(void);

/* Have a device looked at, or its card identified; watch is woken (DEVICE_FOUND) when it is
 * known.  While one is under way, the next begins after it. */
void look_begin(struct hotplug_device *dev, enum look_kind kind);
/* With device_lock() held: what has been found, if it is about what the device is now. */
bool look_take(struct hotplug_device *dev, struct look_result *result);
/* With device_lock() held: a sign has come; what a look finds that has begun before is no
 * news. */
void look_outdate(struct hotplug_device *dev);
/* Of the looks that have begun so far: is any on its way that does not block? */
uint64_t look_n_begun(void);
bool look_is_any_before(uint64_t n_begun);

#endif /* HOTPLUG_WATCH_LOOK_H */
