/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_RECONCILE_H
#define HOTPLUG_WATCH_RECONCILE_H

#include "../core/device.h"

/* Compare one device with what the kernel has now; true: it differed, and the
 * events that were missed are on their way. */
bool reconcile_one(struct hotplug_device *dev);
/* The same for everything that is listed or known; how many differed. */
unsigned int reconcile_all(void);
/* Learn what is there, without a word. */
void reconcile_begin(void);

#endif /* HOTPLUG_WATCH_RECONCILE_H */
